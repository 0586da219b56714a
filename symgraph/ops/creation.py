"""Arrays from nothing but sizes: filled ones, ranges, the identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import (
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    Variable,
    argument_lines,
    config,
    constant,
    dtype_name,
    is_bool,
)
from symgraph.ops.arguments import (
    Size,
    TensorLike,
    as_size,
    as_variable,
    fill_sizes,
    promoted,
)
from symgraph.ops.cast import cast
from symgraph.ops.comparison import eq
from symgraph.ops.extrema import maximum
from symgraph.ops.logical import logical_and
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.selection import where
from symgraph.ops.shape import broadcast_to, check_sizes, dim
from symgraph.ops.shape import shape as shape_of


@dataclass(frozen=True)
class Arange(Op):
    """y = 0, 1, ..., size - 1; where ``size`` is None it is the int64 scalar input."""

    size: int | None
    dtype: str = "int64"

    def infer_type(self, *sizes: TensorType) -> TensorType:
        """A vector of ``size`` elements."""
        check_sizes(self, sizes, (self.size,))
        if is_bool(self.dtype):
            raise TypeMismatch(f"{self}: expected a dtype of numbers")
        return TensorType(self.dtype, (self.size,))

    def infer_shape(self, shapes, values):
        """(size,)."""
        return fill_sizes((self.size,), values)

    def reference(self, *sizes):
        """``np.arange``."""
        return np.arange(*(int(n) for n in fill_sizes((self.size,), sizes))).astype(
            self.dtype
        )

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: a size is an integer."""
        return (None,) * len(inputs)


def full(
    shape: Size | Sequence[Size], value: TensorLike, dtype: str | None = None
) -> Variable:
    """An array filled with ``value``, in its own dtype unless one is given."""
    sizes = [shape] if isinstance(shape, (int, Variable)) else list(shape)
    filling = as_variable(value) if dtype is None else cast(value, dtype)
    return broadcast_to(filling, [as_size("full", size) for size in sizes])


def zeros(shape: Size | Sequence[Size], dtype: str | None = None) -> Variable:
    """An array of zeros; ``config.floatX`` unless a dtype is given."""
    return full(shape, 0, dtype or config.floatX)


def ones(shape: Size | Sequence[Size], dtype: str | None = None) -> Variable:
    """An array of ones; ``config.floatX`` unless a dtype is given."""
    return full(shape, 1, dtype or config.floatX)


def full_like(x: TensorLike, value: TensorLike, dtype: str | None = None) -> Variable:
    """An array with the shape and dtype of ``x``, filled with ``value``."""
    x = as_variable(x)
    return full(shape_of(x), value, dtype or x.dtype)


def zeros_like(x: TensorLike, dtype: str | None = None) -> Variable:
    """An array of zeros with the shape and dtype of ``x``."""
    return full_like(x, 0, dtype)


def ones_like(x: TensorLike, dtype: str | None = None) -> Variable:
    """An array of ones with the shape and dtype of ``x``."""
    return full_like(x, 1, dtype)


def arange(
    start: Size | float,
    stop: Size | float | None = None,
    step: Size | float = 1,
    dtype: str | None = None,
) -> Variable:
    """start, start + step, ... as long as it is short of ``stop``; from 0 without it.

    All are integers or integer scalars, and the result int64; or numbers, some of
    them floats, and it is ``config.floatX``: a float that is not known when the graph
    is built cannot say how many elements there are. ``dtype`` is another one.
    """
    low, high = (0, start) if stop is None else (start, stop)
    if any(isinstance(n, (float, np.floating)) for n in (low, high, step)):
        return _float_range(low, high, step, dtype)
    dtype = dtype_name("arange", dtype or "int64")
    low, high, step = (as_size("arange", size) for size in (low, high, step))
    if isinstance(step, int) and step == 0:
        raise GraphError("arange: expected a step that is not 0")
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
        return constant(np.arange(low, high, step), dtype=dtype)
    if stop is None and isinstance(high, Variable):
        return Arange(None, dtype)(high)
    count = cast(maximum(-((low - high) // step), 0), "int64")
    return cast(low + step * Arange(None)(count), dtype)


def _float_range(low: Any, high: Any, step: Any, dtype: str | None) -> Variable:
    for number in (low, high, step):
        if isinstance(number, Variable):
            raise TypeMismatch(f"arange: beside floats expected numbers, got {number}")
    if step == 0:
        raise GraphError("arange: expected a step that is not 0")
    values = np.arange(low, high, step)
    return constant(values, dtype=dtype_name("arange", dtype or config.floatX))


def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: Size = 50,
    endpoint: bool = True,
    dtype: str | None = None,
) -> Variable:
    """start + i (stop - start) / (num - 1), i < num; over num without ``endpoint``.

    ``start`` and ``stop`` are scalars; with ``endpoint`` the last value is exactly
    ``stop``. The dtype is that of these two, at least ``config.floatX``.
    """
    low, high = promoted("linspace", [start, stop], floating=True)
    if low.ndim or high.ndim:
        raise GraphError(f"linspace: expected scalars\n{argument_lines([low, high])}")
    count = as_size("linspace", num)
    if isinstance(count, int) and count < 0:
        raise GraphError(f"linspace: expected num >= 0, got {count}")
    index = arange(count)
    parts = maximum(cast(count, "int64") - 1, 1) if endpoint else maximum(count, 1)
    values = low + cast(index, low.dtype) * ((high - low) / cast(parts, low.dtype))
    if endpoint:
        values = where(logical_and(eq(index, parts), index > 0), high, values)
    return values if dtype is None else cast(values, dtype)


def eye(
    rows: Size, columns: Size | None = None, k: int = 0, dtype: str | None = None
) -> Variable:
    """A matrix of zeros with ones where column - row = k."""
    columns = rows if columns is None else columns
    diagonal = eq(expand_dims(arange(rows), 1) + k, arange(columns))
    return cast(diagonal, dtype or config.floatX)


def tril(x: TensorLike, k: int = 0) -> Variable:
    """``x`` with zeros where column - row > k, in its last two dimensions."""
    return where(_column_minus_row(x) <= k, x, zeros_like(x))


def triu(x: TensorLike, k: int = 0) -> Variable:
    """``x`` with zeros where column - row < k, in its last two dimensions."""
    return where(_column_minus_row(x) >= k, x, zeros_like(x))


def _column_minus_row(x: TensorLike) -> Variable:
    x = as_variable(x)
    if x.ndim < 2:
        raise GraphError(f"tril, triu: expected at least 2 dimensions, got {x.type}")
    return arange(dim(x, -1)) - expand_dims(arange(dim(x, -2)), 1)
