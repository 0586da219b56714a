"""What the ops on images, statistics and losses ask of their arguments' types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import index

from symgraph.graph import (
    GraphError,
    TensorType,
    TypeMismatch,
    Variable,
    argument_lines,
    is_float,
    is_integer,
)

Dimension = int | None


@contextmanager
def shown(*arguments: Variable) -> Iterator[None]:
    """Adds the arguments, and the lines that made them, to what a check raises."""
    try:
        yield
    except GraphError as error:
        raise type(error)(f"{error}\n{argument_lines(arguments)}") from None


def expect_ndim(op: str, argument: str, type: TensorType, ndim: int) -> None:
    """Raise unless the argument has ``ndim`` dimensions."""
    if type.ndim != ndim:
        raise GraphError(
            f"{op}: {argument} must have {ndim} dimensions, got {type.ndim} ({type})"
        )


def expect_float(op: str, argument: str, type: TensorType) -> None:
    """Raise unless the argument is float32 or float64."""
    if not is_float(type.dtype):
        raise TypeMismatch(
            f"{op}: {argument} must be float32 or float64, got {type.dtype}"
        )


def expect_integer(op: str, argument: str, type: TensorType) -> None:
    """Raise unless the argument's dtype is an integer one."""
    if not is_integer(type.dtype):
        raise TypeMismatch(f"{op}: {argument} must be integers, got {type.dtype}")


def expect_dtype(op: str, argument: str, type: TensorType, dtype: str) -> None:
    """Raise unless the argument has exactly this dtype."""
    if type.dtype != dtype:
        raise TypeMismatch(f"{op}: {argument} must be {dtype}, got {type.dtype}")


def expect_sizes(op: str, sizes: Sequence[TensorType], count: int) -> None:
    """Raise unless there are ``count`` sizes, each an int64 scalar."""
    if len(sizes) != count:
        raise GraphError(f"{op}: expected {count} unknown sizes, got {len(sizes)}")
    for type in sizes:
        if type.ndim or type.dtype != "int64":
            raise TypeMismatch(f"{op}: a size must be an int64 scalar, got {type}")


def join_dims(op: str, what: str, left: Dimension, right: Dimension) -> Dimension:
    """The one dimension that both are; raises where both are known and differ."""
    if left is not None and right is not None and left != right:
        raise GraphError(f"{op}: {what}: {left} and {right} differ")
    return right if left is None else left


def join_shapes(
    op: str,
    argument: str,
    expected: Sequence[Dimension],
    type: TensorType,
    like: str = "as the input is",
) -> tuple[Dimension, ...]:
    """The argument's shape, which must be ``expected`` wherever both are known."""
    pairs = list(zip(expected, type.shape, strict=False))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(expected) != type.ndim or any(a != b for a, b in known):
        wanted = TensorType(type.dtype, tuple(expected))
        raise GraphError(f"{op}: {argument} must be {wanted}, {like}, got {type}")
    return tuple(b if a is None else a for a, b in pairs)


def check_axes(op: str, axes: tuple[int, ...], ndim: int) -> None:
    """Raise unless ``axes`` are increasing axes of an array of ``ndim`` dimensions."""
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < ndim for a in axes):
        raise GraphError(
            f"{op}: axes must be increasing and between 0 and {ndim - 1}, got {axes}"
        )


def check_axis(op: str, axis: int, ndim: int) -> None:
    """Raise unless ``axis``, which may count from the end, is one of ``ndim``."""
    if not -ndim <= axis < ndim:
        raise GraphError(
            f"{op}: axis {axis} is out of range for an input of {ndim} dimensions"
        )


def normalize_axes(op: str, axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """``axes`` as a sorted tuple of non-negative ints, each at most once."""
    try:
        given = tuple(map(index, axes if isinstance(axes, Iterable) else (axes,)))
    except TypeError:
        raise TypeMismatch(f"{op}: an axis must be an integer, got {axes!r}") from None
    for axis in given:
        check_axis(op, axis, ndim)
    normal = tuple(sorted(axis % ndim for axis in given))
    if len(set(normal)) < len(normal):
        raise GraphError(f"{op}: an axis is given twice in {given}")
    return normal


def kept_dims(
    shape: Sequence[Dimension], axes: tuple[int, ...]
) -> tuple[Dimension, ...]:
    """The dimensions that are not in ``axes``."""
    return tuple(dim for axis, dim in enumerate(shape) if axis not in axes)
