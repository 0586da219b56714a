"""Winograd's minimal filtering: how a correlation is cut for it, and when it wins.

Outputs are cut in tiles of m by n, each from a patch of 6 by 6 or 8 by 8 inputs;
``winograd.h`` has the mathematics, ``winograd_phases.py`` the C. A unit of work takes
some tiles through three stages, all in the second-level cache: patches are transformed,
on vectors of input channels; at each of the 36 or 64 points a matrix product turns
input channels into output channels; its results are transformed back, on vectors of
output channels. The gradient of an image that was not padded has tiles of the outputs
instead, and transposed transforms (``winograd_grid.py``).

Rounding: in float32, results are within 2e-5 of the largest output of those of exact
arithmetic (measured: 1e-6 to 1e-5), where direct sums are within 2e-6. The more outputs
a tile has, the more it rounds, so eight points are for windows of five taps and more.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.convolution import tiles
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import Correlation, blocks
from codegen.convolution.winograd_bands import are_many, bands_for
from codegen.convolution.winograd_grid import (
    banded_grid,
    grid_of,
    inputs_grid,
    outputs_of,
    sees_all,
    sides,
)
from codegen.target import Target

MOST_TILES = 56  # of a unit
INPUT_BYTES = 1 << 18  # what the transformed inputs of a unit may take
PRODUCT_BYTES = 1 << 18  # what the products of a group of output channels may take
INPUT_COST, OUTPUT_COST = 250, 200  # cycles of a transform at 36 points
SUM_COST = 2  # to add a result to what other tiles made there
FILTER_COST = 12  # the same for each tap of a vector of filters
TYPICAL_BATCH = 16  # where the batch is known only at the call


@dataclass(frozen=True)
class Winograd:
    """A correlation cut in tiles: units of ``pieces`` of tiles, each a register tile
    with ``vectors`` of output channels; ``group`` vectors go through a unit at once.
    With ``bands`` a unit takes all tiles of one or more bands, or a sample's bands one
    after another.
    """

    correlation: Correlation
    side: int
    vectors: int
    pieces: tuple[int, ...]
    group: int
    bands: Bands | None = None

    @property
    def points(self) -> int:
        """Products that a tile takes, for each input and output channel."""
        return self.side * self.side

    @property
    def step(self) -> tuple[int, int]:
        """Rows and columns from one tile to the next."""
        return outputs_of(self.side, self.correlation.rows, self.correlation.columns)

    @property
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of results of a tile."""
        return (self.side, self.side) if self.transposed else self.step

    @property
    def transposed(self) -> bool:
        """Whether tiles are those of the input, and the transforms the transposed."""
        return is_transposed(self.correlation, self.side)

    @property
    def overlaps(self) -> bool:
        """Whether the results of some tiles have to be added up."""
        return self.transposed and self.sample_tiles > 1

    @property
    def patch(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where the input of the first tile begins, and its extents."""
        if self.transposed:
            return (0, 0), self.step
        first = self.correlation.rows.first, self.correlation.columns.first
        return first, (self.side, self.side)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one band, or one sample where there are none."""
        if self.transposed:
            return inputs_grid(self.side, self.correlation)
        rows, columns = self.correlation.rows, self.correlation.columns
        return banded_grid(self.side, rows, columns, self.bands)

    @property
    def keeps(self) -> bool:
        """Whether a unit makes the bands of a sample, and keeps rows between them."""
        return self.bands is not None and self.bands.step > 0

    @property
    def sample_tiles(self) -> int:
        """Tiles of one sample."""
        return self.grid[0] * self.grid[1] * (self.bands.count if self.bands else 1)

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


def costs_of(
    c: Correlation, direct_cost: float, target: Target, ready: bool
) -> dict[int, float]:
    """Rough cycles of a sample by the points in one dimension, direct sums as 0.

    ``ready`` says that the transform of the filters is no part of the cost.
    """
    costs = {0: direct_cost}
    if c.groups != 1 or c.source.block != c.lanes or not c.source.channels:
        return costs
    for side in sides(c.rows, c.columns):
        if c.pooled == 2 and any(n % 2 for n in outputs_of(side, c.rows, c.columns)):
            continue
        found = cut(c, side, target)
        if found.bands and not found.bands.fits(c, 1):
            continue
        costs[side] = _cost(found, target) + (0 if ready else _filter_cost(found))
    return costs


def _spread(vectors: int, c: Correlation) -> int:
    """The elements of ``vectors``, off the powers of two that share cache sets."""
    elements, page = vectors * c.lanes, 4096 // c.item
    return elements + c.lanes if elements % page == 0 else elements


def is_transposed(c: Correlation, side: int) -> bool:
    """Whether all taps see all inputs, whose tiles are fewer than those of results.

    Tiles whose results overlap are all in one unit, so that samples must be many.
    """
    if c.pool is not None or not sees_all(c):
        return False
    number, others = (
        down * across
        for down, across in (inputs_grid(side, c), grid_of(side, c.rows, c.columns))
    )
    if number == 1:
        return True
    size = side * side * blocks(c.source) * c.lanes * c.item
    many = are_many(c) or not isinstance(c.source.batch, int)
    return many and number < others and number * size <= INPUT_BYTES


def cut(c: Correlation, side: int, target: Target) -> Winograd:
    """As many tiles a unit as the cache holds, a sample in an even number of units."""
    each = side * side * c.item * c.lanes
    fit = min(INPUT_BYTES // (each * blocks(c.source)), MOST_TILES)
    vectors = max(v for v in (1, 2) if c.channels.vectors % v == 0)
    widest = tiles.most_pixels(vectors, target)
    fit = max(fit, min(widest, 14))
    bands = bands_for(c, side, fit) if c.banded else None
    down, across = banded_grid(side, c.rows, c.columns, bands)
    total, whole = down * across, 1  # tiles of a sample, and those that stay together
    if bands:
        total, whole = bands.count, down * across
    elif is_transposed(c, side):
        down, across = inputs_grid(side, c)
        total, whole = 1, down * across
    fit = 1 if bands and bands.step else max(fit // whole, 1)
    number = total if isinstance(c.source.batch, int) else 0
    if isinstance(c.source.batch, int):
        number = total * max(c.source.batch, 1)
    if total > fit // 2:
        units = 2 * -(-total // (2 * fit))
        fit = -(-total // units)
    elif number:
        fit = min(fit, number)
    fit *= whole
    pieces = tuple(tiles.even_pieces(fit, widest))
    room = max(PRODUCT_BYTES // (each * fit), vectors)
    group = max(
        g
        for g in range(vectors, c.channels.vectors + 1, vectors)
        if c.channels.vectors % g == 0 and (g <= room or g == vectors)
    )
    return Winograd(c, side, vectors, pieces, group, bands)


def _cost(w: Winograd, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    c = w.correlation
    number = w.sample_tiles
    steps = sum(tiles.step_cost(w.vectors, piece, target) for piece in w.pieces)
    products = w.points * c.channels.inputs * c.channels.vectors / w.vectors
    transforms = INPUT_COST * blocks(c.source) + OUTPUT_COST * c.channels.vectors
    each = products * steps / w.tiles + transforms * w.points / 36
    if w.overlaps:
        each += SUM_COST * c.channels.vectors * w.points
    return number * each


def _filter_cost(w: Winograd) -> float:
    """The same for the transform of the filters, shared by the samples of a batch."""
    c = w.correlation
    taps = len(c.rows.taps) * len(c.columns.taps)
    each = FILTER_COST * (taps + w.points // 9)
    batch = c.source.batch if isinstance(c.source.batch, int) else TYPICAL_BATCH
    return each * c.channels.inputs * c.channels.vectors / max(batch, 1)
