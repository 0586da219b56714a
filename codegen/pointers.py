"""Where the data of arrays lies, learned without a Python call for each array.

NumPy's C interface fixes what an array object holds: its type, then data, ndim,
shape, strides, base, dtype and flags, one word each. A compiled program reads the
data pointers itself, out of the tuple of arrays that it is called with, and sees
that each is a plain, contiguous array of its dtype. How far into an object these
words begin differs between Python versions; ``find_layout`` looks it up on objects
that it knows. Where it finds no such layout, or an array is not plain, ``addresses``
asks each array in the ordinary way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codegen.declared import ffi

Array = npt.NDArray[Any]

_WORDS = 8  # how far into an object to look
_DTYPE, _FLAGS = 6, 7  # places after the type: data, ndim, shape, strides, base, ...


@dataclass(frozen=True)
class Layout:
    """Offsets in bytes: of a tuple's first item, of an array's type pointer."""

    items: int
    array: int


def find_layout() -> Layout | None:
    """The layout of this interpreter's objects, if it is the one we know."""
    if sys.implementation.name != "cpython":
        return None
    probes = (np.zeros(3, np.float32), np.zeros((2, 5), np.int64), np.zeros((7, 1)))
    items = _offset(probes, [id(probe) for probe in probes])
    arrays = {_offset(probe, [id(np.ndarray), _address(probe)]) for probe in probes}
    if items is None or len(arrays) != 1 or None in arrays:
        return None
    (array,) = arrays
    assert array is not None
    known = all(_describes(probe, array) for probe in probes)
    return Layout(items, array) if known else None


def addresses(arrays: Sequence[Array], dtypes: Sequence[str], who: str) -> list[int]:
    """The address of each array; it must be contiguous and of the dtype expected."""
    found = []
    for place, (array, dtype) in enumerate(zip(arrays, dtypes, strict=True)):
        if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype):
            got = getattr(array, "dtype", type(array).__name__)
            raise TypeError(f"{who}: argument {place} must be {dtype}, got {got}")
        if not (array.flags.c_contiguous and array.flags.aligned):
            raise ValueError(f"{who}: argument {place} is not a contiguous array")
        found.append(_address(array))
    return found


def _offset(thing: object, expected: Sequence[int]) -> int | None:
    """Where in the memory of ``thing`` the ``expected`` words stand."""
    words = ffi.cast("intptr_t *", id(thing))
    for place in range(1, _WORDS):
        if [words[place + more] for more in range(len(expected))] == list(expected):
            return place * int(ffi.sizeof("intptr_t"))
    return None


def _describes(array: Array, offset: int) -> bool:
    words = ffi.cast("intptr_t *", id(array) + offset)
    shape = ffi.cast("intptr_t *", words[3])
    return (
        int(ffi.cast("int", words[2])) == array.ndim
        and tuple(shape[axis] for axis in range(array.ndim)) == array.shape
        and words[_DTYPE] == id(array.dtype)
        and int(ffi.cast("int", words[_FLAGS])) == array.flags.num
    )


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
