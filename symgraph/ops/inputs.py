"""The inputs of graphs, by rank and dtype, under the names Theano gave them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from symgraph.graph import TensorType, TypeMismatch, Variable, config

_PREFIXES = {"b": "int8", "i": "int32", "l": "int64", "f": "float32", "d": "float64"}


def tensor(
    name: str | None = None,
    dtype: str | None = None,
    shape: Sequence[int | None] = (),
) -> Variable:
    """An input of a graph; None stands for a dimension not known before the call.

    The dtype is ``config.floatX`` unless given.

    >>> tensor("x", shape=(None, 3))
    x: float32[?, 3]
    """
    if name is not None and not isinstance(name, str):
        raise TypeMismatch(f"tensor: expected a name, got {name!r}")
    sizes: Any = shape  # checked there
    return Variable(TensorType(dtype or config.floatX, sizes), name=name)


def scalar(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with no dimension."""
    return tensor(name, dtype, ())


def vector(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with one dimension, not known before the call."""
    return tensor(name, dtype, (None,))


def matrix(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with two dimensions, not known before the call."""
    return tensor(name, dtype, (None,) * 2)


def tensor3(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with three dimensions, not known before the call."""
    return tensor(name, dtype, (None,) * 3)


def tensor4(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with four dimensions, not known before the call."""
    return tensor(name, dtype, (None,) * 4)


def tensor5(name: str | None = None, dtype: str | None = None) -> Variable:
    """An input with five dimensions, not known before the call."""
    return tensor(name, dtype, (None,) * 5)


def _typed(builder: Callable[..., Variable]) -> list[Callable[..., Variable]]:
    return [partial(builder, dtype=dtype) for dtype in _PREFIXES.values()]


# int8, int32, int64, float32 and float64 inputs of each rank
bscalar, iscalar, lscalar, fscalar, dscalar = _typed(scalar)
bvector, ivector, lvector, fvector, dvector = _typed(vector)
bmatrix, imatrix, lmatrix, fmatrix, dmatrix = _typed(matrix)
btensor3, itensor3, ltensor3, ftensor3, dtensor3 = _typed(tensor3)
btensor4, itensor4, ltensor4, ftensor4, dtensor4 = _typed(tensor4)
btensor5, itensor5, ltensor5, ftensor5, dtensor5 = _typed(tensor5)
