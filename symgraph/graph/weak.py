"""Python scalars are weak: they take the dtype of the array they meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.graph.config import config
from symgraph.graph.dtypes import KINDS

_SCALARS = {"b": bool, "i": int, "u": int, "f": float}


def is_weak(value: object) -> bool:
    """Whether ``value`` is a Python scalar, or lists or tuples of nothing else.

    >>> is_weak([1, 2.0]), is_weak(np.float64(1.0)), is_weak(np.ones(2))
    (True, False, False)
    """
    if isinstance(value, (list, tuple)):
        return all(is_weak(item) for item in value)
    return isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)


def weak_type(array: NDArray[Any]) -> type:
    """The Python type of the scalars an array was made of."""
    return _SCALARS.get(array.dtype.kind, float)


def weak_dtype(array: NDArray[Any]) -> str:
    """The dtype of Python scalars that meet no array: floats are ``floatX``.

    >>> weak_dtype(np.asarray(1.5)), weak_dtype(np.asarray(2))
    ('float32', 'int64')
    """
    names = {bool: "bool", int: "int64", float: config.floatX}
    return names[weak_type(array)]


def strengthened(array: NDArray[Any], dtype: str) -> NDArray[Any] | None:
    """What Python scalars are in ``dtype``; None where they do not fit.

    >>> strengthened(np.asarray(3), "float32").dtype.name
    'float32'
    >>> strengthened(np.asarray(300), "int8") is strengthened(np.asarray(0.5), "int8")
    True
    """
    if KINDS.get(array.dtype.name, 3) > KINDS[dtype]:
        return None
    strong = array.astype(dtype)
    overflows = KINDS[dtype] < 2 and not np.array_equal(strong, array)
    return None if overflows else strong
