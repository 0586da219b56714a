"""Builders of reductions: axes as NumPy takes them, dtypes, kept dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from symgraph.graph import Variable, config, is_float
from symgraph.ops.arguments import Size, TensorLike, as_variable
from symgraph.ops.arithmetic import abs, square
from symgraph.ops.cast import cast, stop_gradient
from symgraph.ops.checks import normalize_axes, shown
from symgraph.ops.comparison import isfinite
from symgraph.ops.exponential import exp, log, sqrt
from symgraph.ops.reduce import All, Any, ArgMax, ArgMin, Max, Min, Prod, Sum
from symgraph.ops.reshaping import expand_dims, flatten, product
from symgraph.ops.selection import where
from symgraph.ops.shape import shape

Axis: TypeAlias = "int | Sequence[int] | None"


def sum(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The sum over ``axis``, an axis, several or all; bools and small ints as int64."""
    return _reduced(Sum, wide(as_variable(x)), axis, keepdims)


def prod(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The product over ``axis``; bools and small ints as int64."""
    return _reduced(Prod, wide(as_variable(x)), axis, keepdims)


def max(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The largest over ``axis``, NaN where any is."""
    return _reduced(Max, as_variable(x), axis, keepdims)


def min(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The smallest over ``axis``, NaN where any is."""
    return _reduced(Min, as_variable(x), axis, keepdims)


def any(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Whether any over ``axis`` is true."""
    return _reduced(Any, cast(as_variable(x), "bool"), axis, keepdims)


def all(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Whether all over ``axis`` are true."""
    return _reduced(All, cast(as_variable(x), "bool"), axis, keepdims)


def mean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """sum(x) / n over ``axis``; of integers, a ``floatX`` of a sum in float64."""
    x = as_variable(x)
    if not is_float(x.dtype):
        return cast(mean(cast(x, "float64"), axis, keepdims), config.floatX)
    return sum(x, axis, keepdims) / count(x, axis, x.dtype)


def var(
    x: TensorLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False
) -> Variable:
    """sum (x - mean)^2 / (n - ddof) over ``axis``, in two passes; integers in float64.

    Of integers it is a ``floatX``.
    """
    x = as_variable(x)
    if not is_float(x.dtype):
        return cast(var(cast(x, "float64"), axis, ddof, keepdims), config.floatX)
    centred = x - mean(x, axis, keepdims=True)
    freedom = count(x, axis, x.dtype) - float(ddof)
    return sum(square(centred), axis, keepdims) / freedom


def std(
    x: TensorLike, axis: Axis = None, ddof: int = 0, keepdims: bool = False
) -> Variable:
    """The square root of the variance."""
    return sqrt(var(x, axis, ddof, keepdims))


def logsumexp(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """log sum e ** x over ``axis``, without overflow."""
    x = _floating(as_variable(x))
    largest = stop_gradient(max(x, axis, keepdims=True))
    largest = where(isfinite(largest), largest, 0.0)
    shifted = log(sum(exp(x - largest), axis, keepdims))
    return shifted + (largest if keepdims else sum(largest, axis))


def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Variable:
    """The first index along ``axis`` of the largest; of x flattened without one."""
    return _located(ArgMax, as_variable(x), axis, keepdims)


def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Variable:
    """The first index along ``axis`` of the smallest; of x flattened without one."""
    return _located(ArgMin, as_variable(x), axis, keepdims)


def count(x: Variable, axis: Axis, dtype: str) -> Variable | float:
    """The number of elements along ``axis``: a Python float where it is known."""
    axes = reduced_axes("count", axis, x)
    size: Size = product([shape(x)[a] for a in axes])
    return float(size) if isinstance(size, int) else cast(size, dtype)


def unless_empty(
    value: Variable, x: Variable, axes: tuple[int, ...], otherwise: TensorLike
) -> Variable:
    """``value``, or ``otherwise`` where x may have, and has, no element along ``axes``.

    A mean over no elements is NaN, and what is made of it makes NaN of a sum of none
    too, which is 0, where it is a factor that was taken out of that sum.
    """
    m = count(x, axes, "int64")
    if isinstance(m, float) and m > 0:
        return value
    return where(as_variable(m) > 0, value, otherwise)


def norm(
    x: TensorLike, ord: float = 2, axis: Axis = None, keepdims: bool = False
) -> Variable:
    """(sum |x| ** ord) ** (1 / ord) over ``axis``; the largest |x| for ord=inf."""
    x = _floating(as_variable(x))
    if ord == float("inf"):
        return max(abs(x), axis, keepdims)
    if ord == 1:
        return sum(abs(x), axis, keepdims)
    if ord == 2:
        return sqrt(sum(square(x), axis, keepdims))
    return sum(abs(x) ** ord, axis, keepdims) ** (1.0 / ord)


def reduced_axes(name: str, axis: Axis, x: Variable) -> tuple[int, ...]:
    """The axes to reduce, sorted: all of them for None."""
    if axis is None:
        return tuple(range(x.ndim))
    with shown(x):
        return normalize_axes(name, axis, x.ndim)


def _reduced(op: type, x: Variable, axis: Axis, keepdims: bool) -> Variable:
    axes = reduced_axes(op.__name__.lower(), axis, x)
    result = op(axes)(x) if axes else x
    return expand_dims(result, axes) if keepdims else result


def _located(op: type, x: Variable, axis: int | None, keepdims: bool) -> Variable:
    if axis is None:
        place = op(0)(flatten(x))
        return expand_dims(place, range(x.ndim)) if keepdims else place
    (along,) = reduced_axes(op.__name__.lower(), axis, x)
    place = op(along)(x)
    return expand_dims(place, along) if keepdims else place


def wide(x: Variable) -> Variable:
    """Integers as NumPy sums them: in 64 bits, of their own sign."""
    if is_float(x.dtype):
        return x
    return cast(x, "uint64" if x.dtype.startswith("uint") else "int64")


def _floating(x: Variable) -> Variable:
    return x if is_float(x.dtype) else cast(x, config.floatX)
