"""Indexing as NumPy has it: ``x[...]``, ``set_subtensor``, ``take``, ``one_hot``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.graph import (
    GraphError,
    Op,
    TypeMismatch,
    Variable,
    argument_lines,
    config,
    is_integer,
)
from symgraph.ops.advanced import AdvancedSetSubtensor, AdvancedSubtensor
from symgraph.ops.arguments import Size, TensorLike, as_variable, promoted
from symgraph.ops.broadcasting import broadcast_together
from symgraph.ops.cast import cast
from symgraph.ops.comparison import eq
from symgraph.ops.creation import arange, zeros
from symgraph.ops.extrema import maximum, minimum
from symgraph.ops.keys import Part, read_index, takes_all
from symgraph.ops.reshaping import expand_dims, flatten, moveaxis
from symgraph.ops.shape import broadcast_to, shape
from symgraph.ops.subtensor import At, SetSubtensor, Subtensor
from symgraph.ops.take import Put, Take


def getitem(x: Variable, key: Any) -> Variable:
    """``x[key]``: integers, slices, ``...``, ``None`` and arrays of integers.

    Symbolic integers may stand for positions and bounds. A boolean mask must be a
    NumPy array, for the number of elements it takes to be known.
    """
    try:
        parts, apart = read_index(x, key)
    except GraphError as error:
        raise type(error)(f"{error}\n{argument_lines([x])}") from error
    scalars = [scalar for part in parts for scalar in part.scalars]
    if any(part.array is not None for part in parts):
        return _taken(x, parts, scalars, apart)
    entries = [part for part in parts if not part.is_new_axis]
    if len(entries) == len(parts) or not takes_all(key):  # x[:] can be written to
        index: tuple[Any, ...] = tuple(part.entry for part in entries)
        x = Subtensor(index)(x, *scalars)
    kept = [part for part in parts if not isinstance(part.entry, At)]
    return expand_dims(x, [i for i, part in enumerate(kept) if part.is_new_axis])


def set_subtensor(part: Variable, value: TensorLike) -> Variable:
    """x with ``value`` where ``part`` = x[...] was read; x itself does not change.

    Among positions that come twice in an array, the last keeps its value.
    """
    return _written("set_subtensor", part, value, False)


def inc_subtensor(part: Variable, value: TensorLike) -> Variable:
    """x with ``value`` added where ``part`` = x[...] was read, each time it was."""
    return _written("inc_subtensor", part, value, True)


def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Variable:
    """The slices of ``x`` at ``indices`` along ``axis``; of x flattened without one."""
    x = as_variable(x)
    if axis is None:
        return take(flatten(x), indices, 0)
    if not -x.ndim <= axis < x.ndim:
        raise GraphError(f"take: axis {axis} is out of range for {x.type}")
    return Take(axis % x.ndim)(x, _positions(as_variable(indices)))


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int) -> Variable:
    """y[..., j, ...] = x[..., indices[..., j, ...], ...], j along ``axis``."""
    x, picked = as_variable(x), _positions(as_variable(indices))
    if picked.ndim != x.ndim:
        raise GraphError(
            f"take_along_axis: expected indices of {x.ndim} dimensions, "
            f"got {picked.type}\n{argument_lines([x, picked])}"
        )
    last, places = moveaxis(x, axis, -1), moveaxis(picked, axis, -1)
    grid = [
        expand_dims(arange(size), [a for a in range(x.ndim) if a != own])
        for own, size in enumerate(shape(last)[:-1])
    ]
    every = broadcast_together("take_along_axis", [*grid, cast(places, "int64")])
    return moveaxis(Take(0, x.ndim)(last, *every), -1, axis)


def one_hot(labels: TensorLike, count: Size, dtype: str | None = None) -> Variable:
    """y[..., k] = [labels[...] = k] for k < count; ``floatX`` unless given."""
    labels = as_variable(labels)
    if not is_integer(labels.dtype):
        raise TypeMismatch(f"one_hot: labels must be integers, got {labels.type}")
    whole = cast(labels, "int64")  # class 256 would be class 0 of uint8 labels
    hot = eq(expand_dims(whole, labels.ndim), arange(count))
    return cast(hot, dtype or config.floatX)


def diagonal(
    x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Variable:
    """y[..., i] = x at i along ``axis1`` and i + ``offset`` along ``axis2``.

    With a negative offset, i - offset along ``axis1`` and i along ``axis2``.
    """
    x = as_variable(x)
    if x.ndim < 2:
        raise GraphError(f"diagonal: expected at least 2 dimensions, got {x.type}")
    x = moveaxis(x, (axis1, axis2), (0, 1))
    down, right = max(-offset, 0), max(offset, 0)
    rows, columns = shape(x)[0] - down, shape(x)[1] - right
    if isinstance(rows, int) and isinstance(columns, int):
        index = arange(max(min(rows, columns), 0))
    else:
        index = arange(maximum(minimum(rows, columns), 0))
    return moveaxis(Take(0, 2)(x, index + down, index + right), 0, -1)


def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
    """The sum of a diagonal, which is that of ``diagonal``."""
    return diagonal(x, offset, axis1, axis2).sum(axis=-1)


def _taken(
    x: Variable, parts: Sequence[Part], scalars: list[Variable], apart: bool
) -> Variable:
    """x at arrays of positions: a plain ``Take`` where all else is whole."""
    if any(part.is_new_axis for part in parts):
        raise GraphError(
            "index: None and arrays of integers in one index; put the new axis in by "
            f"sg.expand_dims\n{argument_lines([x])}"
        )
    arrays = _together([part.array for part in parts if part.array is not None])
    axes = [axis for axis, part in enumerate(parts) if part.array is not None]
    is_plain = axes == list(range(axes[0], axes[-1] + 1)) and not apart
    if is_plain and all(part.is_whole for part in parts if part.array is None):
        return Take(axes[0], len(axes))(x, *arrays)
    index: tuple[Any, ...] = tuple(part.entry for part in parts)
    return AdvancedSubtensor(index, apart)(x, *scalars, *arrays)


def _written(name: str, part: Variable, value: TensorLike, increment: bool) -> Variable:
    node = part.owner if isinstance(part, Variable) else None
    op = node.op if node is not None else None
    write: Op
    match op:
        case Subtensor():
            write = SetSubtensor(op.index, increment)
        case Take():
            write = Put(op.axis, op.count, increment)
        case AdvancedSubtensor():
            write = AdvancedSetSubtensor(op.index, increment, op.apart)
        case _:
            raise GraphError(
                f"{name}: expected an indexed variable such as x[1:] or x[:], without "
                f"None in the index; got {part!r}"
            )
    assert node is not None
    x, *rest = node.inputs
    fitting = broadcast_to(_stored(name, value, x), shape(part))
    return write(x, fitting, *rest)


def _stored(name: str, value: TensorLike, x: Variable) -> Variable:
    """``value`` in the dtype of ``x``, where no wider one is needed."""
    new = promoted(name, [value, zeros((), x.dtype)])[0]
    if new.dtype != x.dtype:
        raise TypeMismatch(
            f"{name}: {new!r} does not fit in {x!r}; cast it\n{argument_lines([x])}"
        )
    return new


def _together(arrays: Sequence[Variable]) -> list[Variable]:
    """Positions of one dtype and shape."""
    return broadcast_together("index", promoted("index", arrays))


def _positions(indices: Variable) -> Variable:
    if not is_integer(indices.dtype):
        raise TypeMismatch(f"index: positions must be integers, got {indices!r}")
    return indices
