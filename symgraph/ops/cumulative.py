"""Running sums and products along an axis, and their inverse, differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import Op, TensorType, TypeMismatch, Variable, is_bool
from symgraph.ops.arguments import TensorLike, as_variable
from symgraph.ops.checks import check_axes, check_axis
from symgraph.ops.comparison import eq
from symgraph.ops.creation import arange, triu
from symgraph.ops.reshaping import expand_dims, flatten, moveaxis
from symgraph.ops.selection import where
from symgraph.ops.shape import dim
from symgraph.ops.statistics import wide


@dataclass(frozen=True)
class Cumulative(Op):
    """y of the shape of x, each element made of those up to it along ``axis``."""

    axis: int = 0

    def infer_type(self, x: TensorType) -> TensorType:
        """The type of x."""
        check_axes(str(self), (self.axis,), x.ndim)
        if is_bool(x.dtype):
            raise TypeMismatch(f"{self}: expected integers or floats, got {x}")
        return x


@dataclass(frozen=True)
class CumSum(Cumulative):
    """y_i = sum over j <= i of x_j; over j >= i with ``reverse``."""

    reverse: bool = False

    def reference(self, x):
        """``np.cumsum``, from the end with ``reverse``."""
        ordered = np.flip(x, self.axis) if self.reverse else x
        y = np.cumsum(ordered, axis=self.axis, dtype=x.dtype)
        return np.flip(y, self.axis) if self.reverse else y

    def vjp(self, inputs, outputs, cotangents):
        """dx_i = sum of dy from the other end."""
        return (CumSum(self.axis, not self.reverse)(cotangents[0]),)


class CumProd(Cumulative):
    """y_i = product over j <= i of x_j."""

    def reference(self, x):
        """``np.cumprod``."""
        return np.cumprod(x, axis=self.axis, dtype=x.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """dx_k = sum over i >= k of dy_i times the product over j <= i, j != k of x_j.

        Right also where factors are 0. It takes n times the memory of x.
        """
        x, dy = (moveaxis(v, self.axis, -1) for v in (inputs[0], cotangents[0]))
        index = arange(dim(x, -1))
        without = where(eq(expand_dims(index, 1), index), 1.0, expand_dims(x, -2))
        products = triu(CumProd(x.ndim)(without))
        dx = (products * expand_dims(dy, -2)).sum(axis=-1)
        return (moveaxis(dx, -1, self.axis),)


def cumsum(x: TensorLike, axis: int | None = None) -> Variable:
    """The running sum along ``axis``; of x flattened without one."""
    return _accumulated(CumSum, wide(as_variable(x)), axis)


def cumprod(x: TensorLike, axis: int | None = None) -> Variable:
    """The running product along ``axis``; of x flattened without one."""
    return _accumulated(CumProd, wide(as_variable(x)), axis)


def diff(x: TensorLike, n: int = 1, axis: int = -1) -> Variable:
    """x[i + 1] - x[i] along ``axis``, ``n`` times."""
    x = as_variable(x)
    check_axis("diff", axis, x.ndim)
    whole = (slice(None),) * (axis % x.ndim)
    for _ in range(n):
        x = x[(*whole, slice(1, None))] - x[(*whole, slice(None, -1))]
    return x


def _accumulated(op: type[Cumulative], x: Variable, axis: int | None) -> Variable:
    if axis is None:
        return op(0)(flatten(x))
    check_axis(op.__name__.lower(), axis, x.ndim)
    return op(axis % x.ndim)(x)
