"""Winograd's minimal filtering: how a correlation is cut for it, and when it wins.

Outputs are cut in tiles of m by n, each from a patch of 6 by 6 or 8 by 8 inputs;
``winograd.h`` has the mathematics, ``winograd_phases.py`` the C. A unit of work takes
some tiles through three stages, all in the second-level cache: patches are transformed,
on vectors of input channels; at each of the 36 or 64 points a matrix product turns
input channels into output channels; its results are transformed back, on vectors of
output channels.

Rounding: in float32, results are within 2e-5 of the largest output of those of exact
arithmetic (measured: 1e-6 to 1e-5), where direct sums are within 2e-6. The more outputs
a tile has, the more it rounds, so eight points are for windows of five taps and more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import sizes
from codegen.convolution import bands as banding
from codegen.convolution import tiles
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import Axis, Correlation, blocks
from codegen.target import Target

LEAST_TAPS = {6: 3, 8: 5}  # by the number of points in one dimension
MOST_TILES = 56  # of a unit
MOST_FIT = 2  # times as many tiles in a band, where fewer are computed twice then
INPUT_BYTES = 1 << 18  # what the transformed inputs of a unit may take
PRODUCT_BYTES = 1 << 18  # what the products of a group of output channels may take
INPUT_COST, OUTPUT_COST = 250, 200  # cycles of a transform at 36 points
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
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of outputs of a tile."""
        if self.whole:
            return self.side, self.side
        return outputs_of(self.side, self.correlation.rows, self.correlation.columns)

    @property
    def whole(self) -> bool:
        """Whether one tile has all results, those of an image that all taps see."""
        return self.bands is None and _is_whole(self.correlation, self.side)

    @property
    def patch(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where the input of the first tile begins, and its extents."""
        rows, columns = self.correlation.rows, self.correlation.columns
        if self.whole:
            return (0, 0), outputs_of(self.side, rows, columns)
        return (rows.first, columns.first), (self.side, self.side)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one band, or one sample where there are none."""
        if self.whole:
            return 1, 1
        rows, columns = self.correlation.rows, self.correlation.columns
        return _grid(self.side, rows, columns, self.bands)

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


def sides(rows: Axis, columns: Axis) -> tuple[int, ...]:
    """The numbers of points that serve windows of this form."""
    if not all(a.stride == a.dilation == 1 and a.known for a in (rows, columns)):
        return ()
    few, many = sorted((len(rows.taps), len(columns.taps)))
    return tuple(s for s, least in LEAST_TAPS.items() if least <= few and many < s)


def outputs_of(side: int, rows: Axis, columns: Axis) -> tuple[int, int]:
    """Rows and columns of outputs of a tile."""
    return side + 1 - len(rows.taps), side + 1 - len(columns.taps)


def _is_whole(c: Correlation, side: int) -> bool:
    """Whether all taps see all inputs, and there are no more results than points.

    So it is in the gradient of one tile of outputs: its transposed transforms make all
    that the tile has seen of as many products as the tile itself.
    """
    if c.pool is not None:
        return False
    return all(
        axis.first == 1 - len(axis.taps)
        and axis.lengths[0] == axis.lengths[1] + len(axis.taps) - 1 <= side
        for axis in (c.rows, c.columns)
    )


def grid_of(side: int, rows: Axis, columns: Axis) -> tuple[int, int]:
    """Tiles down and across one sample."""
    down, across = outputs_of(side, rows, columns)
    return -(-rows.lengths[0] // down), -(-columns.lengths[0] // across)


def _grid(side: int, rows: Axis, columns: Axis, bands: Bands | None) -> tuple[int, int]:
    down, across = grid_of(side, rows, columns)
    if bands is None:
        return down, across
    length = bands.step or bands.most
    return -(-length // outputs_of(side, rows, columns)[0]), across


def _spread(vectors: int, c: Correlation) -> int:
    """The elements of ``vectors``, off the powers of two that share cache sets."""
    elements, page = vectors * c.lanes, 4096 // c.item
    return elements + c.lanes if elements % page == 0 else elements


def cut(c: Correlation, side: int, target: Target) -> Winograd:
    """As many tiles a unit as the cache holds, a sample in an even number of units."""
    each = side * side * c.item * c.lanes
    fit = min(INPUT_BYTES // (each * blocks(c.source)), MOST_TILES)
    vectors = max(v for v in (1, 2) if c.channels.vectors % v == 0)
    widest = tiles.most_pixels(vectors, target)
    fit = max(fit, min(widest, 14))
    bands = _bands(c, side, fit) if c.banded else None
    down, across = _grid(side, c.rows, c.columns, bands)
    if _is_whole(c, side):
        down, across = 1, 1
    whole = down * across if bands else 1  # tiles that stay together
    fit = 1 if bands and bands.step else max(fit // whole, 1)
    total = bands.count if bands else down * across
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


def _bands(c: Correlation, side: int, fit: int) -> Bands:
    """The bands of which all tiles are fewest, where ``fit`` or so may be in one."""
    windows = max(sizes.evaluate(c.result.height, {}), 1)
    if _keeps(c, side, fit):
        height = outputs_of(side, c.rows, c.columns)[0]
        down, across = grid_of(side, c.rows, c.columns)
        count = -(-down // max(fit // across, 1))
        step = -(-down // count) * height
        whole = banding.bands_of(c, -(-c.rows.lengths[0] // step))
        return replace(whole, step=step)
    least = min(_units(c, side, fit), windows)
    found = [banding.bands_of(c, count) for count in range(least, windows + 1)]

    def size(bands: Bands) -> tuple[int, int]:
        down, across = _grid(side, c.rows, c.columns, bands)
        return max(down * across, MOST_FIT * fit), bands.count * down

    return min(found, key=size)


def _keeps(c: Correlation, side: int, fit: int) -> bool:
    """Whether one unit makes the bands of a sample: they overlap, samples are many."""
    assert c.pool is not None
    down, across = grid_of(side, c.rows, c.columns)
    overlap = c.pool.stride[0] < c.pool.window[0]
    return _are_many(c) and overlap and down * across > fit


def _are_many(c: Correlation) -> bool:
    """Whether samples are enough to share out."""
    return isinstance(c.source.batch, int) and c.source.batch >= banding.UNITS


def _units(c: Correlation, side: int, fit: int) -> int:
    """Two units of work for a sample, but where it is small or one of many."""
    down, across = grid_of(side, c.rows, c.columns)
    return 1 if _are_many(c) or down * across <= fit // 2 else 2


def _cost(w: Winograd, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    c = w.correlation
    number = w.sample_tiles
    steps = sum(tiles.step_cost(w.vectors, piece, target) for piece in w.pieces)
    products = w.points * c.channels.inputs * c.channels.vectors / w.vectors
    transforms = INPUT_COST * blocks(c.source) + OUTPUT_COST * c.channels.vectors
    each = products * steps / w.tiles + transforms * w.points / 36
    return number * each


def _filter_cost(w: Winograd) -> float:
    """The same for the transform of the filters, shared by the samples of a batch."""
    c = w.correlation
    taps = len(c.rows.taps) * len(c.columns.taps)
    each = FILTER_COST * (taps + w.points // 9)
    batch = c.source.batch if isinstance(c.source.batch, int) else TYPICAL_BATCH
    return each * c.channels.inputs * c.channels.vectors / max(batch, 1)
