"""What a variable is while its graph is lowered: something that can be read.

A ``Value`` answers ``at(index, body)`` with the scalar expression of one element.
``Stored`` is memory seen through strides (so transposing, broadcasting and slicing
cost nothing); ``Computed`` is an elementwise expression not yet, or never, stored;
``Number`` is a constant or a size.

An index holds one entry a dimension: a ``Size``, or a ``Split`` where a loop runs over
blocks of a vector width, so that a blocked layout is read without any division.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from codegen import ir
from codegen.sizes import (
    Size,
    contiguous_strides,
    floordiv,
    minimum,
    mod,
)
from symgraph.lowering.body import Body


@dataclass(frozen=True)
class Split:
    """The index ``outer * width + inner`` with ``0 <= inner < width``."""

    outer: Size
    inner: Size
    width: int

    @property
    def flat(self) -> Size:
        """The index as one number."""
        return self.outer * self.width + self.inner


Index: TypeAlias = "Size | Split"


def flat(index: Index) -> Size:
    """An index entry as one number."""
    return index.flat if isinstance(index, Split) else index


class Value(Protocol):
    """An array that can be read element by element while lowering."""

    @property
    def dtype(self) -> str:
        """The dtype of the elements."""

    @property
    def shape(self) -> tuple[Size, ...]:
        """The logical shape."""

    def at(self, index: Sequence[Index], body: Body) -> ir.Expression:
        """The element at ``index``; statements it needs go to ``body``."""


@dataclass(frozen=True)
class Number:
    """One scalar seen at every index: a literal, or an integer known as a size."""

    expression: ir.Expression
    shape: tuple[Size, ...] = ()

    @property
    def dtype(self) -> str:
        return self.expression.dtype

    def at(self, index: Sequence[Index], body: Body) -> ir.Expression:
        return self.expression


@dataclass(frozen=True)
class Stored:
    """Memory: element ``i`` is at ``offset + sum_d i_d * strides[d]``.

    With ``block`` v > 1 the dimension ``channel`` is cut into blocks of v: its index
    c is at ``(c // v) * strides[channel] + c % v``, the last block padded with zeros.
    """

    buffer: ir.Buffer
    shape: tuple[Size, ...]
    strides: tuple[Size, ...]
    offset: Size = 0
    channel: int = -1
    block: int = 1

    @property
    def dtype(self) -> str:
        return self.buffer.dtype

    @property
    def is_plain(self) -> bool:
        """Whether the elements lie in row-major order from the buffer's start."""
        return self.offset == 0 and self.is_dense

    @property
    def is_dense(self) -> bool:
        """Whether the elements lie in row-major order, from wherever they start."""
        if self.block > 1:
            return False
        expected = contiguous_strides(self.shape)
        triples = zip(self.shape, self.strides, expected, strict=True)
        return all(dim == 1 or mine == theirs for dim, mine, theirs in triples)

    def position(self, index: Sequence[Index]) -> Size:
        """Where the element at ``index`` is, in elements from the buffer's start."""
        total = self.offset
        for axis, entry in enumerate(index):
            if self.strides[axis] == 0:
                continue
            if axis == self.channel and self.block > 1:
                outer, inner = _split(entry, self.block)
                total = total + outer * self.strides[axis] + inner
            else:
                total = total + self._clamped(axis, entry) * self.strides[axis]
        return total

    def _clamped(self, axis: int, entry: Index) -> Size:
        """The flat index, kept inside where a last block reaches past the end."""
        if not isinstance(entry, Split):
            return entry
        extent = self.shape[axis]
        if isinstance(extent, int) and extent % entry.width == 0:
            return entry.flat
        return minimum(entry.flat, extent - 1)

    def at(self, index: Sequence[Index], body: Body) -> ir.Expression:
        return body.load(self.buffer, self.position(index))

    def transposed(self, axes: Sequence[int]) -> Stored:
        """The dimensions in another order."""
        channel = list(axes).index(self.channel) if self.block > 1 else -1
        shape = tuple(self.shape[axis] for axis in axes)
        strides = tuple(self.strides[axis] for axis in axes)
        return replace(self, shape=shape, strides=strides, channel=channel)

    def broadcast(self, shape: tuple[Size, ...]) -> Stored:
        """New leading dimensions and dimensions of size 1 repeated by stride 0."""
        lead = len(shape) - len(self.shape)
        strides: list[Size] = [0] * lead
        for axis, dim in enumerate(self.shape):
            repeated = dim == 1 and shape[lead + axis] != 1
            strides.append(0 if repeated else self.strides[axis])
        channel = self.channel + lead if self.block > 1 else -1
        return replace(self, shape=shape, strides=tuple(strides), channel=channel)

    def sliced(
        self, starts: Sequence[Size], steps: Sequence[int], shape: tuple[Size, ...]
    ) -> Stored | None:
        """Every ``steps[d]``-th element from ``starts[d]``; None for a blocked cut."""
        if self.block > 1 and (starts[self.channel] != 0 or steps[self.channel] != 1):
            return None
        offset = self.offset
        for start, stride in zip(starts, self.strides, strict=True):
            offset = offset + start * stride
        pairs = zip(steps, self.strides, strict=True)
        strides = tuple(stride * step for step, stride in pairs)
        return replace(self, shape=shape, strides=strides, offset=offset)

    def reshaped(self, shape: tuple[Size, ...]) -> Stored | None:
        """The same memory under another shape, or None where that takes a copy."""
        if self.block > 1:
            return None
        if self.is_plain:
            return replace(self, shape=shape, strides=contiguous_strides(shape))
        kept = [i for i, dim in enumerate(self.shape) if dim != 1]
        if [self.shape[i] for i in kept] != [dim for dim in shape if dim != 1]:
            return None
        remaining = iter(kept)
        strides = tuple(
            0 if dim == 1 else self.strides[next(remaining)] for dim in shape
        )
        return replace(self, shape=shape, strides=strides)


@dataclass(frozen=True, eq=False)
class Computed:
    """An elementwise expression, evaluated wherever it is read.

    It equals itself alone. What was computed is remembered by the object, not by its
    address, which is another object's once this one is gone.
    """

    dtype: str
    shape: tuple[Size, ...]
    compute: Callable[[Sequence[Index], Body], ir.Expression]

    def at(self, index: Sequence[Index], body: Body) -> ir.Expression:
        return body.once((self, tuple(index)), lambda: self.compute(index, body))


def plain_view(buffer: ir.Buffer) -> Stored:
    """A buffer read in its own row-major order."""
    return Stored(buffer, buffer.shape, contiguous_strides(buffer.shape))


def _split(entry: Index, width: int) -> tuple[Size, Size]:
    if isinstance(entry, Split) and entry.width == width:
        return entry.outer, entry.inner
    number = flat(entry)
    return floordiv(number, width), mod(number, width)
