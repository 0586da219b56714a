"""From what a caller writes to variables: conversion, promotion, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from symgraph.graph import (
    KINDS,
    Constant,
    GraphError,
    TypeMismatch,
    Variable,
    config,
    constant,
    is_integer,
    is_weak,
    result_dtype,
    weak_type,
)
from symgraph.ops.cast import cast

TensorLike: TypeAlias = "Variable | ArrayLike"
Size: TypeAlias = "int | Variable"


def as_variable(value: TensorLike, name: str = "constant") -> Variable:
    """``value`` itself if it is a variable, else a constant.

    Python floats, alone or in lists, become ``config.floatX``.
    """
    if isinstance(value, Variable):
        return value
    if isinstance(value, (list, tuple)) and _holds_variables(value):
        raise TypeMismatch(f"{name}: {value!r} holds variables; join them by sg.stack")
    return constant(value)


def promoted(
    name: str, values: Sequence[TensorLike], floating: bool = False
) -> list[Variable]:
    """The values as variables of one dtype, by the table in ``graph/dtypes.py``.

    With ``floating`` what would be an integer or bool becomes ``config.floatX``.
    """
    arrays = [_array_or_variable(value, name) for value in values]
    dtypes = {v.dtype if isinstance(v, Variable) else None for v in values}
    if len(dtypes) == 1 and None not in dtypes and not floating:
        return arrays
    weak = [is_weak(value) for value in values]
    strong = [str(a.dtype) for a, w in zip(arrays, weak, strict=True) if not w]
    scalars = [weak_type(a) for a, w in zip(arrays, weak, strict=True) if w]
    dtype = result_dtype(strong, scalars, config.floatX)
    if floating and KINDS[dtype] < 2:
        dtype = config.floatX
    return [_converted(name, array, dtype) for array in arrays]


def as_size(name: str, value: Any) -> Size:
    """A size: a non-negative int, or an int64 scalar variable."""
    if isinstance(value, Constant) and value.ndim == 0 and is_integer(value.dtype):
        return int(value.data)
    if isinstance(value, Variable):
        if value.ndim != 0 or not is_integer(value.dtype):
            raise TypeMismatch(
                f"{name}: a size must be an integer scalar, got {value!r}"
            )
        return cast(value, "int64")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeMismatch(f"{name}: a size must be an integer, got {value!r}")
    return int(value)


def split_sizes(
    sizes: Sequence[Size],
) -> tuple[tuple[int | None, ...], tuple[Variable, ...]]:
    """Sizes as an op keeps them: a static tuple with None, and inputs for each None."""
    static = tuple(size if isinstance(size, int) else None for size in sizes)
    return static, tuple(size for size in sizes if isinstance(size, Variable))


def fill_sizes(static: Sequence[int | None], values: Sequence[Any]) -> tuple[Any, ...]:
    """The reverse of ``split_sizes``: each None replaced by the next value."""
    rest = iter(values)
    return tuple(next(rest) if size is None else size for size in static)


def _holds_variables(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_variables(item) for item in value)
    return isinstance(value, Variable)


def _array_or_variable(value: TensorLike, name: str) -> Any:
    if isinstance(value, Variable):
        return value
    if isinstance(value, (list, tuple)) and _holds_variables(value):
        raise TypeMismatch(f"{name}: {value!r} holds variables; join them by sg.stack")
    array = np.asarray(value)
    if array.dtype.name not in KINDS:
        raise TypeMismatch(
            f"{name}: expected a variable, a number or an array of one of "
            f"{', '.join(KINDS)}, got {value!r}"
        )
    return array


def _converted(name: str, value: Any, dtype: str) -> Variable:
    if isinstance(value, Variable):
        return cast(value, dtype)
    if value.dtype.kind in "iu" and is_integer(dtype) and not _fits(value, dtype):
        raise GraphError(f"{name}: {value} does not fit in {dtype}")
    return constant(value.astype(dtype))


def _fits(array: Any, dtype: str) -> bool:
    limits = np.iinfo(dtype)
    smallest, largest = array.min(initial=0), array.max(initial=0)
    return int(smallest) >= limits.min and int(largest) <= limits.max
