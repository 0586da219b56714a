"""Batches as they come from a source, checked and made ready for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.graph import DTYPES, TensorType
from symgraph.training.errors import DataError


def fresh(source: Callable[[], Iterable[Any]], who: str) -> Iterator[Any]:
    """A new iterator of ``source``, which must be a callable that gives one."""
    if not callable(source):
        raise DataError(
            f"{who}: expected a callable that returns a fresh iterator of batches, "
            f"got {type(source).__name__}"
        )
    items = source()
    try:
        return iter(items)
    except TypeError:
        raise DataError(
            f"{who}: expected an iterator of batches, got {type(items).__name__}"
        ) from None


def input_of(item: Any, expected: TensorType, who: str, number: int) -> NDArray[Any]:
    """The network's input of one batch: the array, or the first of several."""
    value = item[0] if isinstance(item, (tuple, list)) and len(item) else item
    return as_input(value, expected, f"{who}: batch {number}")


def as_input(value: Any, expected: TensorType, where: str) -> NDArray[Any]:
    """``value`` in the network's dtype and of its shape, every number finite.

    Integers (images of uint8, for example) and other floats are converted.
    """
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise DataError(f"{where}: expected numbers, got dtype {array.dtype}")
    _check_shape(array, expected, where)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{where}: has {array[place]} at {list(place)}")
    return np.ascontiguousarray(array, dtype=expected.dtype)


def _check_shape(array: NDArray[Any], expected: TensorType, where: str) -> None:
    pairs = zip(expected.shape, array.shape, strict=False)
    differs = any(mine not in (None, theirs) for mine, theirs in pairs)
    if array.ndim != expected.ndim or differs:
        raise DataError(f"{where}: expected {expected}, got shape {list(array.shape)}")
    if array.ndim and len(array) == 0:
        raise DataError(f"{where}: has no examples")
