"""What the entries of an index mean, before there is an op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.graph import GraphError, TypeMismatch, Variable, is_integer
from symgraph.ops.advanced import Positions
from symgraph.ops.arguments import Size, as_variable, split_sizes
from symgraph.ops.cast import cast
from symgraph.ops.shape import shape
from symgraph.ops.slices import slice_range
from symgraph.ops.subtensor import At, Range

PLAIN = (slice, type(None), type(Ellipsis))


class IndexOutOfRange(GraphError, IndexError):
    """A position outside its dimension, which also ends a Python loop."""


@dataclass(frozen=True)
class Part:
    """One entry of an index: the op's, its scalars, whether it takes everything."""

    entry: At | Range | Positions | None
    scalars: tuple[Variable, ...] = ()
    array: Variable | None = None
    is_whole: bool = False

    @property
    def is_new_axis(self) -> bool:
        """Whether the entry puts in a dimension of size 1."""
        return self.entry is None


@dataclass(frozen=True)
class _Masked:
    """Where one dimension of a mask is true; the mask's size there."""

    places: NDArray[np.intp]
    size: int


def read_index(x: Variable, key: Any) -> tuple[list[Part], bool]:
    """The meaning of ``key`` in ``x[key]``, one part for each dimension or new axis.

    And whether ``...`` parts positions from each other though it stands for nothing.
    """
    keys = _without_masks(key if isinstance(key, tuple) else (key,))
    whole = _without_ellipsis(x, keys)
    dims = enumerate(shape(x))
    parts = [Part(None) if key is None else _part(key, *next(dims)) for key in whole]
    return parts, len(whole) < len(keys) and _parts_positions(keys)


def takes_all(key: Any) -> bool:
    """Whether ``key`` says that it leaves nothing out: ``:``, ``...``, new axes."""
    keys = key if isinstance(key, tuple) else (key,)
    everything = (None, Ellipsis, slice(None))
    return all(isinstance(k, PLAIN) and k in everything for k in keys)


def _without_masks(keys: Sequence[Any]) -> list[Any]:
    """NumPy masks replaced by the positions where they are true."""
    result: list[Any] = []
    for key in keys:
        value = np.asarray(key) if isinstance(key, (list, np.ndarray)) else key
        is_mask = getattr(value, "dtype", None) in (np.dtype("bool"), "bool")
        if isinstance(value, Variable) and is_mask:
            raise GraphError(
                f"index: how many elements the mask {key!r} takes is not known before "
                "the call; use sg.where(mask, x, other)"
            )
        if is_mask and value.ndim:
            pairs = zip(np.nonzero(value), value.shape, strict=True)
            result += [_Masked(places, size) for places, size in pairs]
        else:
            result.append(value)
    return result


def _without_ellipsis(x: Variable, keys: list[Any]) -> list[Any]:
    places = [i for i, key in enumerate(keys) if key is Ellipsis]
    used = sum(key is not None and key is not Ellipsis for key in keys)
    if used > x.ndim or len(places) > 1:
        raise GraphError(f"index: {len(keys)} entries for {x.ndim} dimensions")
    place = places[0] if places else len(keys)
    rest = [slice(None)] * (x.ndim - used)
    return [*keys[:place], *rest, *keys[place + 1 :]]


def _parts_positions(keys: Sequence[Any]) -> bool:
    """Whether ``...`` stands between two positions."""
    kinds = "".join(
        "." if key is Ellipsis else ":" if isinstance(key, PLAIN) else "i"
        for key in keys
    )
    before, _, after = kinds.partition(".")
    return "i" in before and "i" in after


def _part(key: Any, axis: int, size: Size) -> Part:
    if isinstance(key, slice):
        return _range_part(key, size)
    if isinstance(key, _Masked):
        if isinstance(size, int) and size != key.size:
            raise IndexOutOfRange(
                f"index: the mask has size {key.size} along dimension {axis}, "
                f"expected {size}"
            )
        key = key.places
    if isinstance(key, (bool, np.bool_, str, float)) or key is Ellipsis:
        raise TypeMismatch(f"index: expected integers, slices or None, got {key!r}")
    if isinstance(key, (int, np.integer)):
        if isinstance(size, int) and not -size <= key < size:
            raise IndexOutOfRange(
                f"index: {key} is out of range for dimension {axis} of size {size}"
            )
        return Part(At(int(key)))
    position = as_variable(key, "index")
    if not is_integer(position.dtype):
        raise TypeMismatch(f"index: positions must be integers, got {position!r}")
    if position.ndim:
        return Part(Positions(), (), position)
    return Part(At(None), (cast(position, "int64"),))


def _range_part(key: slice, size: Size) -> Part:
    is_whole = key == slice(None)
    start, count, step = (0, size, 1) if is_whole else slice_range(key, size)
    (first, number), scalars = split_sizes((start, count))
    is_whole = is_whole or (start, count, step) == (0, size, 1)
    return Part(Range(first, number, step), scalars, is_whole=is_whole)
