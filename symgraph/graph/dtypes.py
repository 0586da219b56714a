"""The dtypes and the written table of promotion.

Promotion never looks at a value. Within a kind the wider wins; a float wins over any
integer and keeps its own width (``int64 * float32`` is float32); signed with unsigned
gives the signed dtype that holds both, or int64. Python scalars are weak: they take
the dtype of the array they meet, unless they are of a higher kind.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from symgraph.graph.errors import TypeMismatch

KINDS = {
    "bool": 0,
    "uint8": 1,
    "uint16": 1,
    "uint32": 1,
    "uint64": 1,
    "int8": 1,
    "int16": 1,
    "int32": 1,
    "int64": 1,
    "float32": 2,
    "float64": 2,
}
DTYPES = tuple(KINDS)

_SIGNED_ABOVE = {"uint8": "int16", "uint16": "int32", "uint32": "int64"}


def dtype_name(who: str, dtype: object) -> str:
    """The name of a dtype, given by it or as NumPy takes it: ``np.int8``, "f4".

    >>> dtype_name("zeros", np.float32), dtype_name("zeros", "bool")
    ('float32', 'bool')
    """
    if isinstance(dtype, str) and dtype in KINDS:
        return dtype
    try:
        name = None if dtype is None else np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = None
    if name not in KINDS:
        raise TypeMismatch(f"{who}: dtype {dtype!r} is not one of {', '.join(KINDS)}")
    return str(name)


def is_float(dtype: str) -> bool:
    """Whether ``dtype`` is a floating point dtype."""
    return KINDS[dtype] == 2


def is_bool(dtype: str) -> bool:
    """Whether ``dtype`` is bool."""
    return dtype == "bool"


def is_integer(dtype: str) -> bool:
    """Whether ``dtype`` is a signed or unsigned integer dtype."""
    return KINDS[dtype] == 1


def promote(left: str, right: str) -> str:
    """The dtype of an operation between arrays of two dtypes.

    >>> promote("int64", "float32"), promote("uint8", "int8"), promote("bool", "int32")
    ('float32', 'int16', 'int32')
    """
    if left == right:
        return left
    if KINDS[left] != KINDS[right]:
        return left if KINDS[left] > KINDS[right] else right
    if left.startswith("u") == right.startswith("u"):
        return max(left, right, key=_width)
    unsigned, signed = (left, right) if left.startswith("u") else (right, left)
    needed = _SIGNED_ABOVE.get(unsigned, "int64")
    return max(needed, signed, key=_width)


def result_dtype(arrays: list[str], scalars: list[type], float_dtype: str) -> str:
    """The dtype for array dtypes together with weak Python scalars of given types.

    ``float_dtype`` is used when a Python float meets no floating point array.

    >>> result_dtype(["float32"], [float], "float32")
    'float32'
    >>> result_dtype(["int8"], [int], "float32")
    'int8'
    >>> result_dtype(["int8"], [float], "float32")
    'float32'
    """
    dtype = reduce(promote, arrays) if arrays else "bool"
    kind = max((_SCALAR_KIND[scalar] for scalar in scalars), default=0)
    if kind <= KINDS[dtype]:
        return dtype
    return float_dtype if kind == 2 else "int64"


_SCALAR_KIND = {bool: 0, int: 1, float: 2}


def _width(dtype: str) -> int:
    digits = "".join(filter(str.isdigit, dtype))
    return int(digits) if digits else 1
