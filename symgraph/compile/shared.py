"""``shared``: a value that lives across calls and that ``updates`` may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.graph import (
    DTYPES,
    GraphError,
    SharedVariable,
    TensorType,
    TypeMismatch,
    dtype_name,
)
from symgraph.graph.weak import is_weak, weak_dtype


def shared(
    value: ArrayLike,
    name: str | None = None,
    dtype: str | None = None,
    shape: Sequence[int | None] | None = None,
    borrow: bool = False,
) -> SharedVariable:
    """A shared variable that starts as ``value``.

    NumPy arrays keep their dtype; Python floats, alone or in lists, become
    ``config.floatX``, Python integers int64. The shape is fixed to that of ``value``,
    and code is specialized on it, unless ``shape`` leaves dimensions open with None.
    With ``borrow`` the array itself is kept, not a copy, where its layout allows.

    >>> shared([1.0, 2.0], name="w").type.dtype
    'float32'
    """
    array = np.asarray(value)
    own = weak_dtype(array) if is_weak(value) else array.dtype.name
    wanted = own if dtype is None else dtype_name("shared", dtype)
    if own not in DTYPES or array.dtype.name not in DTYPES:
        raise TypeMismatch(
            f"shared: expected a number or an array of one of {', '.join(DTYPES)}, "
            f"got {type(value).__name__} of dtype {array.dtype}"
        )
    type_ = TensorType(wanted, tuple(array.shape if shape is None else shape))
    if not type_.accepts(TensorType(wanted, array.shape)):
        raise GraphError(f"shared: expected shape {type_}, got {list(array.shape)}")
    return SharedVariable(_owned(array, wanted, borrow), name, type_)


def _owned(array: NDArray[Any], dtype: str, borrow: bool) -> NDArray[Any]:
    usable = array.dtype.name == dtype and array.flags.carray
    if borrow and usable and type(array) is np.ndarray:
        return array
    return np.array(array, dtype=dtype, order="C")
