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

from dataclasses import replace

from codegen.convolution import tiles
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import LINE_BYTES, Correlation, blocks
from codegen.convolution.winograd_bands import bands_for
from codegen.convolution.winograd_cut import Winograd
from codegen.convolution.winograd_grid import (
    INPUT_BYTES,
    banded_grid,
    inputs_grid,
    is_transposed,
    outputs_of,
    sides,
)
from codegen.target import Target

MOST_TILES = 56  # of a unit
UNITS = 4  # that share the channels of few tiles
MANY = 16  # units, that need no shares
FAR_BYTES = 1 << 22  # of filters, that each run of tiles fetches from memory
WIDE_FAR_BYTES = 1 << 24  # the same for the larger caches of cores with AVX-512
FAR_COST, WIDE_FAR_COST = 0.5, 0.08  # of a byte of them, in cycles
FAR_INPUT_BYTES = 1 << 21  # what the inputs of a run may take, to fetch them less often
AGAIN = 1 / 8  # of their products, what transforms repeated for them may cost
PRODUCT_BYTES = 1 << 18  # what the products of a group of output channels may take
INPUT_COST, OUTPUT_COST = 250, 200  # cycles of a transform at 36 points
SUM_COST = 2  # to add a result to what other tiles made there
FILTER_COST = 12  # the same for each tap of a vector of filters
TYPICAL_BATCH = 16  # where the batch is known only at the call


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


def cut(c: Correlation, side: int, target: Target) -> Winograd:
    """As many tiles a unit as the cache holds, a sample in an even number of units."""
    each = side * side * c.item * c.lanes
    vectors = max(v for v in (1, 2) if c.channels.vectors % v == 0)
    widest = tiles.most_pixels(vectors, target)
    room = FAR_INPUT_BYTES if _is_far(c, side) else INPUT_BYTES
    fit = min(room // (each * blocks(c.source)), MOST_TILES)
    fit = max(fit, min(widest, 14))
    bands = bands_for(c, side, fit) if c.banded else None
    fit = _tiles_of_a_unit(c, side, bands, fit, widest)
    pieces = tuple(tiles.even_pieces(fit, widest))
    room = max(PRODUCT_BYTES // (each * fit), vectors)
    alone = Winograd(c, side, vectors, pieces, vectors, bands)
    shares = _shares(alone, target) if bands is None else 1
    share = c.channels.vectors // shares
    group = max(
        g
        for g in range(vectors, share + 1, vectors)
        if share % g == 0 and (g <= room or g == vectors)
    )
    return replace(alone, group=group, shares=shares)


def _tiles_of_a_unit(
    c: Correlation, side: int, bands: Bands | None, fit: int, widest: int
) -> int:
    """How many there are where about ``fit`` stay near, ``widest`` in registers."""
    down, across = banded_grid(side, c.rows, c.columns, bands)
    total, whole = down * across, 1  # parts of a sample, and the tiles of one
    if bands:
        total, whole = bands.count, down * across
    elif is_transposed(c, side):
        down, across = inputs_grid(side, c)
        total, whole = 1, down * across
    fit = 1 if bands and bands.step else max(fit // whole, 1)
    if total > fit // 2 and (bands or total > widest):
        units = 2 * -(-total // (2 * fit))
        return -(-total // units) * whole
    number = total * max(c.source.batch, 1) if isinstance(c.source.batch, int) else 0
    if number > fit and _is_far(c, side):
        fit = -(-number // (2 * max(round(number / (2 * fit)), 1)))
    return (min(fit, number) if number else fit) * whole


def _is_far(c: Correlation, side: int) -> bool:
    """Whether the transformed filters are more than caches hold."""
    filters = c.channels.inputs * c.channels.vectors * c.lanes
    near = WIDE_FAR_BYTES if _is_wide(c) else FAR_BYTES
    return side * side * filters * c.item > near


def _is_wide(c: Correlation) -> bool:
    """Whether a vector is a whole line."""
    return c.lanes * c.item == LINE_BYTES


def _shares(w: Winograd, target: Target) -> int:
    """How many units share out the channels of a single run of tiles.

    Each of them transforms the inputs for itself. So do a few runs whose filters come
    from memory: those of a share stay in a cache for the next run.
    """
    c, runs = w.correlation, w.runs
    few = isinstance(runs, int) and runs < MANY and _is_far(c, w.side)
    if runs != 1 and not few:
        return 1
    again = INPUT_COST * blocks(c.source) * w.points / 36
    most = 1 + _products_cost(w, target) * AGAIN / max(again, 1)
    parts = c.channels.vectors // w.vectors
    return max(n for n in range(1, UNITS + 1) if parts % n == 0 and n <= most)


def _cost(w: Winograd, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    c = w.correlation
    number = w.sample_tiles
    transforms = INPUT_COST * blocks(c.source) + OUTPUT_COST * c.channels.vectors
    each = _products_cost(w, target) + transforms * w.points / 36
    if w.overlaps:
        each += SUM_COST * c.channels.vectors * w.points
    return number * each + _fetch_cost(w)


def _fetch_cost(w: Winograd) -> float:
    """The same to fetch far filters for each run of tiles.

    Direct sums of few pixels ask for theirs in time, which are a quarter as many.
    """
    c = w.correlation
    if not _is_far(c, w.side):
        return 0
    batch = c.source.batch if isinstance(c.source.batch, int) else TYPICAL_BATCH
    runs = max(w.sample_tiles / w.tiles, 1 / max(batch, 1))
    cost = WIDE_FAR_COST if _is_wide(c) else FAR_COST
    return runs * w.points * w.filter_step * c.item * cost


def _products_cost(w: Winograd, target: Target) -> float:
    """The same of the products of a tile."""
    channels = w.correlation.channels
    steps = sum(tiles.step_cost(w.vectors, piece, target) for piece in w.pieces)
    products = w.points * channels.inputs * channels.vectors / w.vectors
    return products * steps / w.tiles


def _filter_cost(w: Winograd) -> float:
    """The same for the transform of the filters, shared by the samples of a batch."""
    c = w.correlation
    taps = len(c.rows.taps) * len(c.columns.taps)
    each = FILTER_COST * (taps + w.points // 9)
    batch = c.source.batch if isinstance(c.source.batch, int) else TYPICAL_BATCH
    return each * c.channels.inputs * c.channels.vectors / max(batch, 1)
