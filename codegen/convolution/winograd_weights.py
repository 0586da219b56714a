"""The filter gradient by Winograd's minimal filtering: its cut, and when it wins.

    dw = A' [ sum_tiles (G dy G') * (B' x B) ] A

where the roles of filters and outputs are exchanged: a tile of dy filters its patch
of x, and the taps of dw are the outputs. The transforms are the same points'.
``winograd_weight_phases.py`` has the C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import tiles
from codegen.convolution.geometry import Axis, Channels, blocks
from codegen.convolution.winograd import TYPICAL_BATCH
from codegen.convolution.winograd_grid import grid_of, outputs_of, sides
from codegen.ir import ConvolutionBackwardWeights
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size
from codegen.target import Target

GROUPS = 4, 8  # at most so many blocks of channels, in and out, that a unit takes
TILE_BYTES = 1 << 16  # for each of those, what the transformed tiles may take
MOST_TILES = 64
MOST_TURNS = 64  # additions to a sum in memory, before it is put aside
INPUT_COST, OUTPUT_COST = 250, 180  # cycles of a transform at 36 points
# cycles to clear, fill and add one vector of sums of a share, where the sums of all
# shares take up to so many bytes: in the second-level cache, in the third, in memory
SHARE_COSTS = ((1 << 21, 6), (1 << 23, 20))
FAR_SHARE_COST = 50
TAPS_COST = 10  # for each of those of one share: cycles to make taps of them


@dataclass(frozen=True)
class Cut:
    """The step cut in tiles, shares of the batch, and groups of channels."""

    step: ConvolutionBackwardWeights
    rows: Axis
    columns: Axis
    channels: Channels
    side: int
    vectors: int
    group_in: int
    group_out: int
    tiles: int
    shares: int

    @property
    def kind(self) -> str:
        return suffix(self.step.dw.dtype)

    @property
    def ctype(self) -> str:
        return C_TYPES[self.step.dw.dtype]

    @property
    def points(self) -> int:
        """Products that a tile takes, for each input and output channel."""
        return self.side * self.side

    @property
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of a tile of dy."""
        return outputs_of(self.side, self.rows, self.columns)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one sample."""
        return grid_of(self.side, self.rows, self.columns)

    @property
    def total(self) -> Size:
        """Tiles of the whole batch."""
        return self.step.x.batch * (self.grid[0] * self.grid[1])

    @property
    def long(self) -> Size:
        """1 where shares are long: their sums are put aside on the way; else 0.

        The error of a sum grows with the number of additions one after another.
        """
        tiles = sizes.floordiv(self.total + (self.shares - 1), self.shares)
        turns = sizes.floordiv(tiles + (self.tiles - 1), self.tiles)
        return sizes.minimum(sizes.floordiv(turns, MOST_TURNS + 1), 1)

    @property
    def sums(self) -> Size:
        """Arrays of sums: one for each share, and one more where these are long."""
        return (1 + self.long) * self.shares

    @property
    def groups(self) -> tuple[int, int]:
        """Groups of input blocks and of output vectors."""
        inputs = blocks(self.step.x) // self.group_in
        return inputs, self.channels.vectors // self.group_out

    @property
    def point_size(self) -> int:
        """Elements of the sums of one point."""
        return self.channels.vectors * self.channels.inputs * self.channels.lanes

    @property
    def input_step(self) -> int:
        """Elements of the transformed x of one point, off powers of two."""
        return (self.tiles * self.group_in + 1) * self.channels.lanes

    @property
    def gradient_step(self) -> int:
        """The same for dy."""
        return (self.tiles * self.group_out + 1) * self.channels.lanes


def cut(
    step: ConvolutionBackwardWeights,
    rows: Axis,
    columns: Axis,
    direct_cost: float,
    target: Target,
) -> Cut | None:
    """The cut of ``step``, or None where direct sums are estimated to be faster."""
    lanes = target.lanes(step.dw.dtype)
    if step.window.groups != 1 or step.x.block != lanes:
        return None
    found = [
        _cut(step, rows, columns, side, most, target)
        for side in sides(rows, columns)
        for most in GROUPS
    ]
    cheapest = min(found, key=lambda c: _cost(c, target), default=None)
    if cheapest is None or _cost(cheapest, target) >= direct_cost:
        return None
    return cheapest


def _cut(
    step: ConvolutionBackwardWeights,
    rows: Axis,
    columns: Axis,
    side: int,
    most: int,
    target: Target,
) -> Cut:
    """As many tiles at a time as the cache holds, and shares of the batch enough.

    A unit takes at most so many blocks. All others of x transform dy again, and those
    of dy x.
    """
    lanes = target.lanes(step.dw.dtype)
    channels = Channels(step.x.channels, step.dy.channels, 1, lanes)
    vectors = max(v for v in (1, 2) if channels.vectors % v == 0)
    group_in = _divisor(blocks(step.x), 1, most)
    group_out = _divisor(channels.vectors, vectors, most)
    item = np.dtype(step.dw.dtype).itemsize
    each = side * side * (group_in + group_out) * lanes * item
    room = max(group_in, group_out) * TILE_BYTES
    number = max(min(room // each, MOST_TILES), 8)
    units = blocks(step.x) // group_in * (channels.vectors // group_out)
    shares = -(-target.units // (2 * units))
    if isinstance(step.x.batch, int):  # each of at least as many tiles as go at once
        down, across = grid_of(side, rows, columns)
        turns = -(-step.x.batch * down * across // number)
        shares = max(min(shares, turns), 1)
    return Cut(
        step,
        rows,
        columns,
        channels,
        side,
        vectors,
        group_in,
        group_out,
        number,
        shares,
    )


def _divisor(number: int, least: int, most: int) -> int:
    """The largest divisor of ``number``, up to ``most``, that ``least`` divides."""
    wanted = range(least, max(most, least) + 1, least)
    return max(d for d in wanted if number % d == 0)


def pieces_of(c: Cut, channels: int, target: Target) -> list[int]:
    """The register tiles that ``channels`` are cut into, at each point."""
    return tiles.even_pieces(channels, tiles.most_pixels(c.vectors, target))


def _cost(c: Cut, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    pieces = pieces_of(c, c.channels.inputs, target)
    steps = sum(tiles.step_cost(c.vectors, piece, target) for piece in pieces)
    batch = c.step.x.batch if isinstance(c.step.x.batch, int) else TYPICAL_BATCH
    number = max(batch, 1) * c.grid[0] * c.grid[1]
    steps *= 1 + 2 / min(c.tiles, -(-number // c.shares))
    products = c.points * steps * c.channels.vectors / c.vectors
    scale = c.points / 36
    inputs = scale * INPUT_COST * blocks(c.step.x) * c.groups[1]
    gradients = scale * OUTPUT_COST * c.channels.vectors * c.groups[0]
    sums = c.points * c.channels.inputs * c.channels.vectors
    sums *= TAPS_COST + c.shares * _share_cost(c, sums * c.shares)
    each = c.grid[0] * c.grid[1] * (products + inputs + gradients)
    return each + sums / max(batch, 1)


def _share_cost(c: Cut, vectors: int) -> int:
    """Cycles for each of the ``vectors`` of sums that all shares have together."""
    item = np.dtype(c.step.dw.dtype).itemsize
    size = vectors * c.channels.lanes * item
    costs = (cost for most, cost in SHARE_COSTS if size <= most)
    return next(costs, FAR_SHARE_COST)
