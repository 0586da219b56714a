"""Reading and writing a regular part of an array: positions and strided ranges.

An op here is told what each dimension takes by one entry of ``index``: ``At`` one
position, or ``Range`` so many elements from a start in steps. What is not known when
the graph is built is None in the entry and an int64 scalar input of the op. The rules
of Python's slices (negative, missing and oversized bounds) are the builders' work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch
from symgraph.ops.arguments import fill_sizes
from symgraph.ops.creation import zeros_like
from symgraph.ops.shape import check_sizes


@dataclass(frozen=True)
class At:
    """One position, which may count from the end; the dimension is then gone."""

    position: int | None

    def __str__(self) -> str:
        return "?" if self.position is None else str(self.position)

    __repr__ = __str__


@dataclass(frozen=True)
class Range:
    """Elements start, start + step, ...: ``size`` of them, all inside the dimension."""

    start: int | None
    size: int | None
    step: int = 1

    def __str__(self) -> str:
        start, size = ("?" if n is None else n for n in (self.start, self.size))
        step = "" if self.step == 1 else f" by {self.step}"
        return f"{start}+{size}{step}"

    __repr__ = __str__


Entry: TypeAlias = "At | Range"
Index: TypeAlias = "tuple[Entry, ...]"


@dataclass(frozen=True)
class Subtensor(Op):
    """y[j] = x[start + j step], one entry of ``index`` for each dimension of x.

    Inputs are x and an int64 scalar for each None in ``index``, in order. A position
    outside its dimension is an ``IndexError`` when the function runs.
    """

    index: Index

    def infer_type(self, x: TensorType, *scalars: TensorType) -> TensorType:
        """The sizes of the ranges."""
        check_index(self, self.index, x, scalars)
        return x.with_shape(e.size for e in self.index if isinstance(e, Range))

    def infer_shape(self, shapes, values):
        """The sizes of the ranges."""
        return range_sizes(self.index, values[1:])

    def reference(self, x, *scalars):
        """The NumPy slices."""
        return x[numpy_index(self.index, x.shape, scalars)]

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy where it was read, zeros elsewhere."""
        x, *scalars = inputs
        dx = SetSubtensor(self.index)(zeros_like(x), cotangents[0], *scalars)
        return dx, *[None] * len(scalars)


@dataclass(frozen=True)
class SetSubtensor(Op):
    """y = x with value, or with ``increment`` x + value, where ``index`` says.

    Inputs are x, value and an int64 scalar for each None in ``index``, in order. The
    value has exactly the shape of that part of x.
    """

    index: Index
    increment: bool = False

    def infer_type(
        self, x: TensorType, value: TensorType, *scalars: TensorType
    ) -> TensorType:
        """The type of x."""
        check_index(self, self.index, x, scalars)
        part = x.with_shape(e.size for e in self.index if isinstance(e, Range))
        if value.dtype != x.dtype:
            raise TypeMismatch(f"{self}: expected a value of {x.dtype}, got {value}")
        fits = value.ndim == part.ndim and all(
            None in (a, b) or a == b
            for a, b in zip(value.shape, part.shape, strict=True)
        )
        if not fits:
            raise GraphError(f"{self}: expected a value {part}, got {value}")
        return x

    def reference(self, x, value, *scalars):
        """Assignment to the NumPy slices of a copy."""
        y = x.copy()
        where = numpy_index(self.index, x.shape, scalars)
        if y[where].shape != value.shape:
            raise GraphError(
                f"{self}: expected a value of shape {list(y[where].shape)}, "
                f"got {list(value.shape)}"
            )
        y[where] = y[where] + value if self.increment else value
        return y

    def vjp(self, inputs, outputs, cotangents):
        """dvalue = dy at the index; dx = dy, zero there unless ``increment``."""
        (_, value, *scalars), (dy,) = inputs, cotangents
        dx = dy
        if not self.increment:
            dx = SetSubtensor(self.index)(dy, zeros_like(value), *scalars)
        return dx, Subtensor(self.index)(dy, *scalars), *[None] * len(scalars)


def unknowns(index: Index) -> list[int | None]:
    """What the scalar inputs stand for: the entries' numbers, in order."""
    numbers: list[int | None] = []
    for entry in index:
        if isinstance(entry, At):
            numbers.append(entry.position)
        else:
            numbers += [entry.start, entry.size]
    return numbers


def filled(index: Index, scalars: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Each entry's numbers, (position,) or (start, size), the unknown filled in."""
    numbers = iter(fill_sizes(unknowns(index), scalars))
    return [
        (next(numbers),) if isinstance(entry, At) else (next(numbers), next(numbers))
        for entry in index
    ]


def range_sizes(index: Index, scalars: Sequence[Any]) -> tuple[Any, ...]:
    """The sizes of the ranges, the unknown ones filled in."""
    return tuple(entry[1] for entry in filled(index, scalars) if len(entry) == 2)


def numpy_index(
    index: Index, shape: Sequence[int], scalars: Sequence[Any]
) -> tuple[int | slice, ...]:
    """The index as NumPy takes it."""
    result: list[int | slice] = []
    numbers = filled(index, scalars)
    for axis, (entry, values) in enumerate(zip(index, numbers, strict=True)):
        size, (start, *count) = shape[axis], (int(n) for n in values)
        if isinstance(entry, At):
            if not -size <= start < size:
                raise IndexError(
                    f"index {start} is out of range for dimension {axis} of size {size}"
                )
            result.append(start)
        else:
            result.append(_slice(start, count[0], entry.step))
    return tuple(result)


def check_index(
    op: Op, index: Index, x: TensorType, scalars: Sequence[TensorType]
) -> None:
    """Raise unless the index fits x."""
    check_sizes(op, scalars, tuple(unknowns(index)))
    if len(index) != x.ndim:
        raise GraphError(f"{op}: expected an entry for each dimension of {x}")
    for axis, (entry, size) in enumerate(zip(index, x.shape, strict=True)):
        if size is not None and not _inside(entry, size):
            raise GraphError(f"{op}: entry {axis}, {entry}, is outside {x}")


def _inside(entry: Entry, size: int) -> bool:
    if isinstance(entry, At):
        return entry.position is None or -size <= entry.position < size
    if entry.start is None or not entry.size:
        return True
    last = entry.start + (entry.size - 1) * entry.step
    return 0 <= entry.start < size and 0 <= last < size


def _slice(start: int, count: int, step: int) -> slice:
    stop = start + count * step
    return slice(start, stop if stop >= 0 else None, step) if count else slice(0, 0)
