"""Average pooling over images, and its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.ops.arguments import fill_sizes, split_sizes
from symgraph.ops.checks import expect_float, expect_ndim, expect_sizes, join_dims
from symgraph.ops.conv import Size, spatial
from symgraph.ops.pool import Pooling
from symgraph.ops.windows import Array, crop, pad, padded_shape


@dataclass(frozen=True)
class AveragePool2D(Pooling):
    """y[n,c,i,j] = mean over r,s of x[n, c, i*stride + r - pad, j*stride + s - pad].

    x[N,C,H,W]. With ``count_include_pad`` the padding counts as zeros and every window
    divides by its area; without, by the number of its elements inside the image.
    """

    count_include_pad: bool = True

    def infer_type(self, x):
        """[N,C,H',W']."""
        expect_float("average_pool2d", "input", x)
        return self._pooled("average_pool2d", x)

    def infer_shape(self, shapes, values):
        """(N, C, H', W')."""
        batch, channels, *size = shapes[0]
        return batch, channels, *self._counts(size)

    def reference(self, x):
        """The sum over taps, divided by how many elements of each window count."""
        counts = self._counts(x.shape[2:])
        padded = pad(x, self.padding)
        y = np.zeros((*x.shape[:2], *counts), x.dtype)
        for _, _, window in self._taps(counts):
            y += padded[window]
        return y / _divisors(self, x.shape[2:], counts).astype(x.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """Each cotangent spread evenly over its window."""
        static, sizes = split_sizes(spatial(inputs[0]))
        fields = self.window, self.stride, self.padding, self.count_include_pad
        return (AveragePool2DGrad(*fields, size=static)(cotangents[0], *sizes),)


@dataclass(frozen=True)
class AveragePool2DGrad(Pooling):
    """dx = sum over windows of dy / (elements of the window that count).

    Inputs dy[N,C,H',W'] and one int64 scalar for each None of ``size``, the images'
    (height, width); output [N,C,H,W].
    """

    count_include_pad: bool = True
    size: Size = (None, None)

    def infer_type(self, dy, *sizes):
        """[N,C,H,W]."""
        op = "average_pool2d_grad"
        expect_float(op, "output gradient", dy)
        expect_sizes(op, sizes, self.size.count(None))
        expect_ndim(op, "output gradient", dy, 4)
        images = dy.with_shape((*dy.shape[:2], *self.size))
        for ours, given in zip(self._pooled(op, images).shape, dy.shape, strict=True):
            join_dims(op, "windows and output gradient", ours, given)
        return images

    def infer_shape(self, shapes, values):
        """(N, C, H, W), the unknown of H and W from the values of the sizes."""
        return *shapes[0][:2], *fill_sizes(self.size, values[1:])

    def reference(self, dy, *sizes):
        """Each tap adds its share to the elements it met."""
        height, width = (int(n) for n in fill_sizes(self.size, sizes))
        counts = dy.shape[2:]
        shape = padded_shape(dy.shape[:2], (height, width), self.padding)
        share = dy / _divisors(self, (height, width), counts).astype(dy.dtype)
        dx = np.zeros(shape, dy.dtype)
        for _, _, window in self._taps(counts):
            dx[window] += share
        return np.ascontiguousarray(crop(dx, self.padding))

    def vjp(self, inputs, outputs, cotangents):
        """The average of the cotangent, nothing for the sizes."""
        fields = self.window, self.stride, self.padding, self.count_include_pad
        dy = AveragePool2D(*fields)(cotangents[0])
        return dy, *[None] * (len(inputs) - 1)


def _divisors(pool: Any, size: Sequence[int], counts: Sequence[int]) -> Array:
    """How many elements of each window count, [H',W']."""
    if pool.count_include_pad:
        return np.full(counts, pool.window[0] * pool.window[1])
    inside = pad(np.ones(size, int), pool.padding)
    return sum(inside[window] for _, _, window in pool._taps(counts))
