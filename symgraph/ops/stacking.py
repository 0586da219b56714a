"""Builders that stack, take apart, pad and roll arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgraph.graph import GraphError, Variable
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.checks import check_axis
from symgraph.ops.join import Pad, concatenate, split
from symgraph.ops.reshaping import atleast_1d, expand_dims, flatten, squeeze
from symgraph.ops.shape import dim, shape


def stack(arrays: Sequence[TensorLike], axis: int = 0) -> Variable:
    """Arrays of one shape, one after the other along a new axis."""
    variables = _same_rank("stack", promoted("stack", list(arrays)))
    ndim = variables[0].ndim + 1
    check_axis("stack", axis, ndim)
    return concatenate([expand_dims(v, axis % ndim) for v in variables], axis)


def vstack(arrays: Sequence[TensorLike]) -> Variable:
    """Rows, or arrays of rows, one under the other."""
    variables = [atleast_1d(v) for v in arrays]
    return concatenate([expand_dims(v, 0) if v.ndim == 1 else v for v in variables])


def hstack(arrays: Sequence[TensorLike]) -> Variable:
    """Arrays one beside the other: vectors along axis 0, others along axis 1."""
    variables = [atleast_1d(v) for v in arrays]
    return concatenate(variables, 0 if variables[0].ndim == 1 else 1)


def unstack(x: TensorLike, axis: int = 0) -> tuple[Variable, ...]:
    """The slices of ``x`` along an axis whose size is known."""
    x = as_variable(x)
    check_axis("unstack", axis, x.ndim)
    count = x.type.shape[axis]
    if not count:
        raise GraphError(f"unstack: dimension {axis} of {x.type} must be known and > 0")
    return tuple(squeeze(piece, axis) for piece in split(x, count, axis))


def pad(
    x: TensorLike,
    widths: int | Sequence[int] | Sequence[Sequence[int]],
    value: float = 0.0,
) -> Variable:
    """``x`` surrounded by ``value``: one width, one pair, or one pair a dimension."""
    x = as_variable(x)
    pairs = np.broadcast_to(np.asarray(widths, dtype="int64"), (x.ndim, 2))
    static = tuple((int(before), int(after)) for before, after in pairs)
    return Pad(static, value)(x) if any(w for pair in static for w in pair) else x


def roll(x: TensorLike, shift: int, axis: int | None = None) -> Variable:
    """Elements moved up by ``shift`` along ``axis``, those at the end to the front."""
    x = as_variable(x)
    if axis is None:
        return roll(flatten(x), shift, 0).reshape(shape(x))
    check_axis("roll", axis, x.ndim)
    size = dim(x, axis)
    if size == 0:
        return x
    cut = (size - shift) % size  # 0 where the size turns out to be 0
    whole = (slice(None),) * (axis % x.ndim)
    return concatenate(
        [x[(*whole, slice(cut, None))], x[(*whole, slice(0, cut))]], axis
    )


def _same_rank(name: str, variables: Sequence[Variable]) -> list[Variable]:
    """The variables, which must already have one shape."""
    if not variables:
        raise GraphError(f"{name}: expected at least one array")
    if any(v.ndim != variables[0].ndim for v in variables):
        ranks = ", ".join(str(v.type) for v in variables)
        raise GraphError(f"{name}: expected arrays of one shape, got {ranks}")
    return list(variables)
