"""Winograd's minimal filtering: how a correlation is cut for it, and when it wins.

Outputs are cut in tiles of m by n, each from a patch of 6 by 6 inputs; ``winograd.h``
has the mathematics, ``winograd_phases.py`` the C. A unit of work takes some tiles
through three stages, all in the second-level cache: patches are transformed, on
vectors of input channels; at each of the 36 points a matrix product turns input
channels into output channels; its results are transformed back, on vectors of output
channels.

Rounding: in float32, results are within 1e-5 of the largest output of those of exact
arithmetic (measured: 1e-6 to 4e-6 for 3 by 3 filters), where direct sums are within
1e-6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen.convolution import tiles
from codegen.convolution.geometry import Axis, Correlation, blocks
from codegen.target import Target

SIDE = 6  # points in one dimension
POINTS = SIDE * SIDE
LEAST_TAPS = 3  # with fewer, the many outputs of a tile round too much
MOST_TILES = 56  # of a unit
INPUT_BYTES = 1 << 18  # what the transformed inputs of a unit may take
PRODUCT_BYTES = 1 << 18  # what the products of a group of output channels may take
INPUT_COST, OUTPUT_COST = 250, 200  # cycles of a transform
FILTER_COST = 12  # the same for each tap of a vector of filters
TYPICAL_BATCH = 16  # where the batch is known only at the call


@dataclass(frozen=True)
class Winograd:
    """A correlation cut in tiles: units of ``pieces`` of tiles, each a register tile
    with ``vectors`` of output channels; ``group`` vectors go through a unit at once.
    """

    correlation: Correlation
    vectors: int
    pieces: tuple[int, ...]
    group: int

    @property
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of outputs of a tile."""
        return _outputs(self.correlation)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one sample."""
        return _grid(self.correlation)

    @property
    def tiles(self) -> int:
        """Tiles of a unit."""
        return sum(self.pieces)

    @property
    def input_row(self) -> int:
        """Elements from the input channels of one tile to those of the next."""
        return _spread(blocks(self.correlation.source), self.correlation)

    @property
    def input_step(self) -> int:
        """Elements from one point to the next."""
        return self.tiles * self.input_row + self.correlation.lanes

    @property
    def product_row(self) -> int:
        """Elements from the output channels of one tile to those of the next."""
        return _spread(self.group, self.correlation)

    @property
    def product_step(self) -> int:
        """Elements from one point to the next."""
        return self.tiles * self.product_row + self.correlation.lanes

    @property
    def filter_step(self) -> int:
        """Elements from the filters of one point to those of the next."""
        channels = self.correlation.channels
        return channels.vectors * channels.inputs * channels.lanes


def winograd(c: Correlation, direct_cost: float, target: Target) -> Winograd | None:
    """The cut of ``c``, or None where direct sums are estimated to be faster."""
    if not possible(c):
        return None
    found = _cut(c, target)
    return found if _cost(found, target) < direct_cost else None


def possible(c: Correlation) -> bool:
    """Whether ``c`` has the form: whole vectors in, no strides, taps for six points."""
    plain = all(
        axis.stride == axis.step == axis.dilation == 1
        and axis.known
        and LEAST_TAPS <= len(axis.taps) < SIDE
        for axis in (c.rows, c.columns)
    )
    whole = c.groups == 1 and c.source.block == c.lanes
    return plain and whole and not c.empty and c.source.channels > 0


def _outputs(c: Correlation) -> tuple[int, int]:
    return SIDE + 1 - len(c.rows.taps), SIDE + 1 - len(c.columns.taps)


def _grid(c: Correlation) -> tuple[int, int]:
    down, across = _outputs(c)
    return _parts(c.rows, down), _parts(c.columns, across)


def _parts(axis: Axis, size: int) -> int:
    return -(-axis.lengths[0] // size)


def _spread(vectors: int, c: Correlation) -> int:
    """The elements of ``vectors``, off the powers of two that share cache sets."""
    elements, page = vectors * c.lanes, 4096 // _item(c)
    return elements + c.lanes if elements % page == 0 else elements


def _item(c: Correlation) -> int:
    return np.dtype(c.source.buffer.dtype).itemsize


def _cut(c: Correlation, target: Target) -> Winograd:
    """As many tiles a unit as the cache holds, a sample in an even number of units."""
    down, across = _grid(c)
    each = POINTS * _item(c) * c.lanes
    fit = min(INPUT_BYTES // (each * blocks(c.source)), MOST_TILES)
    vectors = max(v for v in (1, 2) if c.channels.vectors % v == 0)
    widest = tiles.most_pixels(vectors, target)
    fit = max(fit, min(widest, 14))
    total = down * across
    number = total if isinstance(c.source.batch, int) else 0
    if isinstance(c.source.batch, int):
        number = total * max(c.source.batch, 1)
    if total > fit // 2:
        units = 2 * -(-total // (2 * fit))
        fit = -(-total // units)
    elif number:
        fit = min(fit, number)
    pieces = tuple(tiles.even_pieces(fit, widest))
    room = max(PRODUCT_BYTES // (each * fit), vectors)
    group = max(
        g
        for g in range(vectors, c.channels.vectors + 1, vectors)
        if c.channels.vectors % g == 0 and (g <= room or g == vectors)
    )
    return Winograd(c, vectors, pieces, group)


def _cost(w: Winograd, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    c = w.correlation
    number = w.grid[0] * w.grid[1]
    steps = sum(tiles.step_cost(w.vectors, piece, target) for piece in w.pieces)
    products = POINTS * c.channels.inputs * c.channels.vectors / w.vectors
    transforms = INPUT_COST * blocks(c.source) + OUTPUT_COST * c.channels.vectors
    taps = len(c.rows.taps) * len(c.columns.taps)
    filters = FILTER_COST * (taps + 4) * c.channels.inputs * c.channels.vectors
    batch = c.source.batch if isinstance(c.source.batch, int) else TYPICAL_BATCH
    each = products * steps / w.tiles + transforms
    return number * each + filters / max(batch, 1)
