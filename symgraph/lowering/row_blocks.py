"""Short rows gone through in blocks, side by side, in vectors across them.

A row of ten numbers does not fill a vector, and its sum goes through all lanes of one.
So a block of as many rows as two vectors have lanes is copied to a thread's scratch,
first elements of all the rows, then second ones. There everything is whole vectors,
be the last block full or not, and each row has a lane of its own from beginning to end:
its results do not depend on its neighbours.
"""

from __future__ import annotations

import numpy as np

from codegen import ir
from codegen.ir import Kind, Role
from codegen.schedule import Axis, Statements, nest, span
from codegen.sizes import Size, coefficient, symbol
from codegen.traverse import substituted
from symgraph.lowering.builder import Builder
from symgraph.lowering.rows import Cell, Lane, Places, Rows

VECTORS = 2  # across a block: while a sum of one waits for itself, the other goes on
SHORT = 3  # vectors that a row may fill for its transposing to be worth it
TILE = 1 << 18  # bytes of a block for which a second-level cache has room


def rows_at(builder: Builder, places: Places) -> Rows:
    """The better way through the rows: one at a time, or side by side."""
    lanes = builder.target.lanes(places.read.dtype)
    axis = _across(places, lanes)
    if axis is None:
        return Rows(builder, places)
    return RowBlocks(builder, places, axis, VECTORS * lanes)


def _across(places: Places, lanes: int) -> Axis | None:
    """The axis along which rows go side by side, if any."""
    length = places.length
    wide = [axis for axis in places.axes if _may_fill(axis.extent, lanes)]
    if not isinstance(length, int) or not wide:
        return None
    row = length * np.dtype(places.read.dtype).itemsize
    for axis in wide:
        neighbours = coefficient(places.read.position, axis.index) == 1
        if neighbours and row * VECTORS * lanes <= TILE:
            return axis
    return wide[-1] if length <= SHORT * lanes else None


def _may_fill(extent: Size, lanes: int) -> bool:
    return not isinstance(extent, int) or extent >= lanes


class RowBlocks(Rows):
    """A block of ``width`` rows along ``axis`` a unit of work.

    What a sweep keeps takes the place of the element in the block.
    """

    def __init__(
        self, builder: Builder, places: Places, axis: Axis, width: int
    ) -> None:
        super().__init__(builder, places)
        self.axis, self.width = axis, width
        self._lane = builder.fresh("lane")
        self._tile = self._scratch("tile", self.dtype, places.length, width)

    @property
    def element(self) -> ir.Expression:
        return self.kept

    @property
    def kept(self) -> ir.Expression:
        return ir.Load(self._tile, self._position)

    def keep(self, value: ir.Expression) -> ir.Statement:
        return ir.Store(self._tile, self._position, value)

    def cell(self, name: str, dtype: str) -> Cell:
        return Lane(ir.Load(self._scratch(name, dtype, self.width), symbol(self._lane)))

    def sweep(self, *body: ir.Statement) -> Statements:
        return (ir.Loop(self.places.j, 0, self.length, self.each(*body)),)

    def each(self, *body: ir.Statement) -> Statements:
        """``body`` for each lane, also where the last block has no row for it."""
        return (ir.Loop(self._lane, 0, self.width, body, Kind.SIMD),)

    def outside(self, *body: ir.Statement) -> Statements:
        return (self._for_rows(body, Kind.SIMD),)

    def step(self, body: Statements) -> ir.Step:
        places = self.places
        others = [axis for axis in places.axes if axis != self.axis]
        blocks, _, _ = span(self.axis, self.width)
        body = (self._moved(self.keep(places.read), places.read.position), *body)
        if places.write is not None:
            made = ir.Store(places.write.buffer, places.write.position, self.kept)
            body = (*body, self._moved(made, made.position))
        return nest([*others, *blocks], body, Kind.PARALLEL)

    @property
    def _position(self) -> Size:
        return self.along * self.width + symbol(self._lane)

    def _scratch(self, name: str, dtype: str, *shape: Size) -> ir.Buffer:
        return ir.Buffer(self.builder.fresh(name), dtype, shape, Role.SCRATCH)

    def _moved(self, copy: ir.Statement, position: Size) -> ir.Statement:
        """``copy`` for the whole block, in the order of the memory at ``position``."""
        j = self.places.j
        if coefficient(position, self.axis.index) == 1:
            return ir.Loop(j, 0, self.length, (self._for_rows((copy,), Kind.SIMD),))
        return self._for_rows((ir.Loop(j, 0, self.length, (copy,)),), Kind.SERIAL)

    def _for_rows(self, body: Statements, kind: Kind) -> ir.Statement:
        """``body`` for the rows of a block, each in its lane."""
        _, start, stop = span(self.axis, self.width)
        row = self.axis.index
        placed = substituted(body, self._lane, symbol(row) - start)
        return ir.Loop(row, start, stop, placed, kind)
