"""Pooling over images: what its ops share, and max-pooling with its adjoints.

Within a window the maximum that counts is the *first*, in row-major order, so each
output has exactly one source: the gradient sends it the whole cotangent, and the
derivative in a direction reads that source alone. These two, ``MaxPool2DGrad`` and
``MaxPool2DSelect``, are linear and each other's adjoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, is_bool, is_float
from symgraph.ops.checks import (
    expect_dtype,
    expect_float,
    expect_ndim,
    join_shapes,
)
from symgraph.ops.windows import (
    NO_PADDING,
    Array,
    Padding,
    Pair,
    crop,
    output_size,
    output_sizes,
    pad,
    padded_shape,
    taps,
)


@dataclass(frozen=True)
class Pooling(Op):
    """What the pooling ops share: windows over the last two axes of [N,C,H,W]."""

    window: Pair
    stride: Pair
    padding: Padding = NO_PADDING

    def _pooled(self, op: str, x: TensorType) -> TensorType:
        """The type of the output for images of type ``x``."""
        _check_window(op, self.window, self.padding)
        expect_ndim(op, "input", x, 4)
        size, window = x.shape[2:], self.window
        counts = output_sizes(op, size, window, self.padding, self.stride)
        return x.with_shape((*x.shape[:2], *counts))

    def _check_windows(self, op: str, x: TensorType, dy: TensorType) -> TensorType:
        """The type of dy, which must have one element for each window of x."""
        expect_dtype(op, "output gradient", dy, x.dtype)
        shape = self._pooled(op, x).shape
        return dy.with_shape(
            join_shapes(op, "output gradient", shape, dy, "as the output is")
        )

    def _counts(self, size: Sequence[Any]) -> tuple[Any, Any]:
        """The number of windows along each axis of images of ``size``."""
        rows, columns = (
            output_size(n, window, pads, stride, 1)
            for n, window, pads, stride in zip(
                size, self.window, self.padding, self.stride, strict=True
            )
        )
        return rows, columns

    def _taps(self, counts: Sequence[int]) -> Any:
        return taps(self.window, (counts[0], counts[1]), self.stride)


class MaxPool2D(Pooling):
    """y[n,c,i,j] = max over r,s of x[n, c, i*stride + r - pad, j*stride + s - pad].

    x[N,C,H,W] of any dtype but bool; padding is never the maximum. NaN wins over
    every number, as in ``maximum``.
    """

    def infer_type(self, x):
        """[N,C,H',W']."""
        if is_bool(x.dtype):
            raise GraphError("max_pool2d: input must be numbers, got bool")
        return self._pooled("max_pool2d", x)

    def infer_shape(self, shapes, values):
        """(N, C, H', W')."""
        batch, channels, *size = shapes[0]
        return batch, channels, *self._counts(size)

    def reference(self, x):
        """The greatest of the elements that the taps meet."""
        padded = pad(x, self.padding, _lowest(x.dtype))
        shape = (*x.shape[:2], *self._counts(x.shape[2:]))
        y = np.full(shape, _lowest(x.dtype), x.dtype)
        for _, _, window in self._taps(shape[2:]):
            y = np.maximum(y, padded[window])
        return y

    def vjp(self, inputs, outputs, cotangents):
        """Each cotangent goes to the first maximum of its window."""
        scatter = MaxPool2DGrad(self.window, self.stride, self.padding)
        return (scatter(inputs[0], outputs[0], cotangents[0]),)


class MaxPool2DGrad(Pooling):
    """dx = sum over windows of dy at the window's first maximum.

    Inputs x[N,C,H,W], y = max-pool of x and dy, both [N,C,H',W']; output like x.
    Linear in dy; its adjoint is ``MaxPool2DSelect``.
    """

    def infer_type(self, x, y, dy):
        """The type of x."""
        expect_float("max_pool2d_grad", "input", x)
        self._check_windows("max_pool2d_grad", x, y)
        self._check_windows("max_pool2d_grad", x, dy)
        return x

    def reference(self, x, y, dy):
        """At each tap, what it adds to the elements that are their window's source."""
        return scattered(self, sources(self, x, y), dy, x.shape[2:])

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: nothing for x and y, g selected at the maxima for dy."""
        select = MaxPool2DSelect(self.window, self.stride, self.padding)
        return None, None, select(inputs[0], inputs[1], cotangents[0])


class MaxPool2DSelect(Pooling):
    """y'[window] = x' at the window's first maximum: the derivative along x'.

    Inputs x[N,C,H,W], y = max-pool of x [N,C,H',W'], and x' like x; output like y.
    """

    def infer_type(self, x, y, tangent):
        """The type of y."""
        expect_float("max_pool2d_select", "input", x)
        expect_dtype("max_pool2d_select", "tangent", tangent, x.dtype)
        join_shapes("max_pool2d_select", "tangent", x.shape, tangent)
        return self._check_windows("max_pool2d_select", x, y)

    def infer_shape(self, shapes, values):
        """The shape of y."""
        return tuple(shapes[1])

    def reference(self, x, y, tangent):
        """At each tap, the tangent where that tap is the window's source."""
        return gathered(self, sources(self, x, y), tangent)

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: g scattered to the maxima for the tangent."""
        scatter = MaxPool2DGrad(self.window, self.stride, self.padding)
        return None, None, scatter(inputs[0], inputs[1], cotangents[0])


def _lowest(dtype: np.dtype[Any]) -> Any:
    """What no element is below: -inf, or the least integer."""
    return -np.inf if is_float(dtype.name) else np.iinfo(dtype).min


def scattered(pool: Pooling, places: Array, dy: Array, size: Pair) -> Array:
    """Images of ``size``: the sum over windows of dy at the window's place."""
    dx = np.zeros(padded_shape(dy.shape[:2], size, pool.padding), dy.dtype)
    for r, s, window in pool._taps(dy.shape[2:]):
        dx[window] += np.where(places == r * pool.window[1] + s, dy, 0)
    return np.ascontiguousarray(crop(dx, pool.padding))


def gathered(pool: Pooling, places: Array, x: Array) -> Array:
    """For each window, x at its place."""
    padded = pad(x, pool.padding)
    selected = np.zeros(places.shape, x.dtype)
    for r, s, window in pool._taps(places.shape[2:]):
        here = places == r * pool.window[1] + s
        selected = np.where(here, padded[window], selected)
    return selected


def sources(pool: Pooling, x: Array, y: Array) -> Array:
    """For each window the number, in row-major order, of its first maximum."""
    padded = pad(x, pool.padding, -np.inf)
    inside = pad(np.ones(x.shape[2:], bool), pool.padding, False)
    source = np.full(y.shape, -1)
    for r, s, window in pool._taps(y.shape[2:]):
        values = padded[window]
        found = inside[window] & ((values == y) | (np.isnan(values) & np.isnan(y)))
        source[(source < 0) & found] = r * pool.window[1] + s
    return source


def _check_window(op: str, window: Pair, padding: Padding) -> None:
    for span, pads in zip(window, padding, strict=True):
        if max(pads) >= span:
            raise GraphError(
                f"{op}: padding {padding} must be less than the window {window}, "
                "or some windows see no element"
            )
