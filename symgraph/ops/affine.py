"""Parameters along some axes of a tensor: bias, scale and shift, dense layers.

An op here has ``axes``, those of x over which one parameter is shared; the parameter
has the remaining dimensions of x, in order. Images with a bias for each channel have
axes (0, 2, 3); the output of a dense layer has axes (0,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch, Variable, is_bool
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.checks import (
    Dimension,
    check_axes,
    expect_dtype,
    join_shapes,
    kept_dims,
    normalize_axes,
)
from symgraph.ops.linalg import matmul
from symgraph.ops.reshaping import expand_dims, reshape
from symgraph.ops.shape import shape


@dataclass(frozen=True)
class AddBias(Op):
    """y = x + bias, the bias shared along ``axes``."""

    axes: tuple[int, ...]

    def infer_type(self, x, bias):
        """The type of x."""
        return parametrized("add_bias", self.axes, x, bias=bias)

    def reference(self, x, bias):
        """x + bias."""
        return x + np.expand_dims(bias, self.axes)

    def vjp(self, inputs, outputs, cotangents):
        """(dy, sum of dy over ``axes``)."""
        (dy,) = cotangents
        return dy, dy.sum(axis=self.axes)

    def expand(self, x, bias):
        """The sum, written with broadcasting."""
        return x + expand_dims(bias, self.axes)


@dataclass(frozen=True)
class Affine(Op):
    """y = x scale + shift, scale and shift shared along ``axes``."""

    axes: tuple[int, ...]

    def infer_type(self, x, scale, shift):
        """The type of x."""
        return parametrized("affine", self.axes, x, scale=scale, shift=shift)

    def reference(self, x, scale, shift):
        """x scale + shift."""
        scaled = x * np.expand_dims(scale, self.axes)
        return scaled + np.expand_dims(shift, self.axes)

    def vjp(self, inputs, outputs, cotangents):
        """(dy scale, sum of dy x over ``axes``, sum of dy over ``axes``)."""
        (x, scale, _), (dy,) = inputs, cotangents
        dx = dy * expand_dims(scale, self.axes)
        return dx, (dy * x).sum(axis=self.axes), dy.sum(axis=self.axes)

    def expand(self, x, scale, shift):
        """The product and sum, written with broadcasting."""
        return x * expand_dims(scale, self.axes) + expand_dims(shift, self.axes)


def add_bias(
    x: TensorLike, bias: TensorLike, axes: int | Sequence[int] | None = None
) -> Variable:
    """x + bias, the bias shared along ``axes`` (default: all but the channel's)."""
    x, bias = promoted("add_bias", [x, bias])
    return AddBias(_axes("add_bias", axes, x))(x, bias)


def affine(
    x: TensorLike,
    scale: TensorLike,
    shift: TensorLike,
    axes: int | Sequence[int] | None = None,
) -> Variable:
    """x scale + shift, both shared along ``axes`` (default: all but the channel's)."""
    x, scale, shift = promoted("affine", [x, scale, shift])
    return Affine(_axes("affine", axes, x))(x, scale, shift)


def dense(
    x: TensorLike, weights: TensorLike, bias: TensorLike | None = None
) -> Variable:
    """y = x W + b: x[..., inputs], W[inputs, outputs], b[outputs] -> y[..., outputs].

    Raises ``GraphError`` where the inputs of x and of the weights differ.
    """
    x, weights = promoted("dense", [x, weights])
    if weights.ndim != 2 or x.ndim < 1:
        raise GraphError(
            "dense: expected an input of at least 1 dimension and weights of 2, "
            f"got {x.type} and {weights.type}"
        )
    known, given = weights.type.shape[0], x.type.shape[-1]
    if known is not None and given is not None and known != given:
        raise GraphError(f"dense: weights expect {known} inputs, input has {given}")
    leading = shape(x)[:-1]
    y = matmul(x if x.ndim == 2 else reshape(x, (-1, shape(x)[-1])), weights)
    if bias is not None:
        y = add_bias(y, bias, axes=0)
    return y if x.ndim == 2 else reshape(y, (*leading, shape(weights)[1]))


def default_axes(ndim: int) -> tuple[int, ...]:
    """All axes but the channel's: axis 1, or the last of fewer than three dimensions.

    >>> default_axes(4), default_axes(2)
    ((0, 2, 3), (0,))
    """
    channel = min(1, ndim - 1)
    return tuple(axis for axis in range(ndim) if axis != channel)


def parametrized(
    op: str, axes: tuple[int, ...], x: TensorType, **parameters: TensorType
) -> TensorType:
    """The type of x, made more precise by its parameters, which are checked."""
    check_axes(op, axes, x.ndim)
    if is_bool(x.dtype):
        raise TypeMismatch(f"{op}: input must be numbers, got bool")
    kept: tuple[Dimension, ...] = kept_dims(x.shape, axes)
    for name, type in parameters.items():
        expect_dtype(op, name, type, x.dtype)
        kept = join_shapes(
            op, name, kept, type, f"as the input {x} is outside axes {axes}"
        )
    dims = iter(kept)
    return x.with_shape(
        dim if axis in axes else next(dims) for axis, dim in enumerate(x.shape)
    )


def _axes(op: str, axes: int | Sequence[int] | None, x: Variable) -> tuple[int, ...]:
    if axes is None:
        return default_axes(x.ndim)
    return normalize_axes(op, axes, x.ndim)
