"""Rows of numbers: what is done to each, and going through them one at a time.

A lowering says what is done to a row by *sweeps* along it and *cells*, numbers of which
there is one for each row. ``Rows`` makes loops of that for one row after another, in
vectors along each; its heir in ``row_blocks.py`` for short rows side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen import ir
from codegen.ir import Kind
from codegen.schedule import Axis, Statements, merged, nest, opened
from codegen.sizes import Size, symbol
from symgraph.lowering.body import call
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Stored

# --- one number for each row --------------------------------------------------------


@dataclass(frozen=True)
class Scalar:
    """The number of the one row that is gone through."""

    value: ir.Local

    def set(self, value: ir.Expression) -> ir.Statement:
        """Make it ``value``; that is done once."""
        return ir.Let(self.value.name, value)

    def grow(self, function: str, value: ir.Expression) -> ir.Statement:
        """Combine it with ``value``."""
        return ir.Accumulate(self.value, function, value)


@dataclass(frozen=True)
class Lane:
    """One of the numbers of several rows that lie in scratch."""

    value: ir.Load

    def set(self, value: ir.Expression) -> ir.Statement:
        """Make it ``value``."""
        return ir.Store(self.value.buffer, self.value.position, value)

    def grow(self, function: str, value: ir.Expression) -> ir.Statement:
        """Combine it with ``value``."""
        return self.set(call(function, self.value.dtype, self.value, value))


Cell: TypeAlias = "Scalar | Lane"

# --- all rows -----------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where rows are: ``read`` is the element ``j`` of the row that ``axes`` say.

    ``write`` copies it to the row that is made, if one is.
    """

    axes: tuple[Axis, ...]
    j: str
    length: Size
    read: ir.Load
    write: ir.Store | None


def places_of(builder: Builder, x: Stored, y: Stored | None, axis: int) -> Places:
    """The rows of x along ``axis``, and those of y; axes merged where they can be."""
    kept = (*x.shape[:axis], *x.shape[axis + 1 :])
    axes, indices = opened(kept, builder.fresh("i"))
    j = builder.fresh("j")
    index = (*indices[:axis], symbol(j), *indices[axis:])
    made, read = x if y is None else y, ir.Load(x.buffer, x.position(index))
    copy = ir.Store(made.buffer, made.position(index), read)
    axes, (write,) = merged(axes, (copy,))
    assert isinstance(write, ir.Store) and isinstance(write.value, ir.Load)
    length, read = x.shape[axis], write.value
    return Places(tuple(axes), j, length, read, None if y is None else write)


class Rows:
    """Each row a unit of work; what a sweep keeps, it keeps in the row that is made."""

    def __init__(self, builder: Builder, places: Places) -> None:
        self.builder, self.places = builder, places
        self.dtype, self.length = places.read.dtype, places.length
        self.along = symbol(places.j)

    @property
    def element(self) -> ir.Expression:
        """In a sweep: the element, unless a number was kept in its place."""
        return self.places.read

    @property
    def kept(self) -> ir.Expression:
        """In a sweep: the number that one before kept."""
        write = self._write
        return ir.Load(write.buffer, write.position)

    def keep(self, value: ir.Expression) -> ir.Statement:
        """In a sweep: keep a number; the last one is what the row is made of."""
        return replace(self._write, value=value)

    def cell(self, name: str, dtype: str) -> Cell:
        """A new number for each row."""
        return Scalar(ir.Local(self.builder.fresh(name), dtype))

    def sweep(self, *body: ir.Statement) -> Statements:
        """``body`` for each element."""
        return (ir.Loop(self.places.j, 0, self.length, body, Kind.SIMD),)

    def each(self, *body: ir.Statement) -> Statements:
        """``body``, of cells alone, for each row."""
        return body

    def outside(self, *body: ir.Statement) -> Statements:
        """``body``, which reads or writes memory, for each row."""
        return body

    def step(self, body: Statements) -> ir.Step:
        """``body`` for all rows."""
        return nest(self.places.axes, body, Kind.PARALLEL)

    @property
    def _write(self) -> ir.Store:
        assert self.places.write is not None
        return self.places.write
