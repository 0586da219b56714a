"""Order: argsort, and what follows from it by indexing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, Variable, argument_lines
from symgraph.ops.arguments import TensorLike, as_variable
from symgraph.ops.checks import check_axes, check_axis
from symgraph.ops.indexing import take_along_axis
from symgraph.ops.reshaping import flatten


@dataclass(frozen=True)
class ArgSort(Op):
    """y = the order, int64, in which x increases along ``axis``; stable, NaN last."""

    axis: int

    def infer_type(self, x: TensorType) -> TensorType:
        """int64, of the shape of x."""
        check_axes(str(self), (self.axis,), x.ndim)
        return x.with_dtype("int64")

    def reference(self, x):
        """``np.argsort``, stable."""
        return np.argsort(x, axis=self.axis, kind="stable").astype("int64")

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: an index is an integer."""
        return (None,)


def argsort(x: TensorLike, axis: int | None = -1) -> Variable:
    """The order in which ``x`` increases along ``axis``; of x flattened for None."""
    x = as_variable(x)
    if axis is None:
        return argsort(flatten(x), 0)
    check_axis("argsort", axis, x.ndim)
    return ArgSort(axis % x.ndim)(x)


def sort(x: TensorLike, axis: int | None = -1) -> Variable:
    """``x`` in increasing order along ``axis``; flattened for None."""
    x = as_variable(x)
    if axis is None:
        return sort(flatten(x), 0)
    return take_along_axis(x, argsort(x, axis), axis)


def topk(x: TensorLike, k: int, axis: int = -1) -> tuple[Variable, Variable]:
    """The ``k`` largest along ``axis``, largest first, and where they are."""
    x = as_variable(x)
    check_axis("topk", axis, x.ndim)
    size = x.type.shape[axis]
    if k < 0 or (size is not None and k > size):
        most = "" if size is None else f" and <= {size}, the size of dimension {axis}"
        raise GraphError(f"topk: k must be >= 0{most}, got {k}\n{argument_lines([x])}")
    whole = (slice(None),) * (axis % x.ndim)
    last = argsort(x, axis)[(*whole, slice(None, None, -1))]
    places = last[(*whole, slice(0, k))]
    return take_along_axis(x, places, axis), places
