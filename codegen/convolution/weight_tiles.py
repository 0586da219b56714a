"""Register tiles of the filter gradient: vectors of dy by numbers of x.

A tile of V vectors of output channels by A numbers (some input channels at some
taps) keeps V A sums in registers; each pixel brings V vectors of dy and A numbers
of x for its V A multiply-adds. The best one is found by trying all that fit. Where
registers are left, some neighbouring pixels are done at once: what the taps of one see,
those of the next see too, and it is loaded only once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen.convolution import tiles
from codegen.convolution.geometry import LINE_BYTES, Axis, Channels
from codegen.target import Target

LOAD = 0.4  # of the time of a multiply-add
FEED = 1.2  # the same where loads of narrow vectors are what takes longest
CHAIN = 10  # sums that hardly wait where each gets several products one after another
MOST_PIXELS = 4  # at once
SPARE = 2  # registers beside sums and gradients: a number of x, and a product


@dataclass(frozen=True)
class WeightTile:
    """``vectors`` of output channels by channels, rows and columns of taps of x.

    With ``pixels``, so many neighbours are done at once, which share numbers of x.
    """

    vectors: int
    channels: int
    rows: int
    columns: int
    pixels: int = 1


def choose(
    channels: Channels, kernel: tuple[int, int], columns: Axis, target: Target
) -> WeightTile:
    """The tile of least cost, with as many pixels at once as it leaves room for."""
    dense = channels.broadcast and columns.stride == columns.dilation == 1
    found = _candidates(channels, kernel, target)
    if dense:
        found = (replace(tile, pixels=_pixels(tile, target)) for tile in found)
    return min(found, key=lambda tile: tile_cost(tile, channels, kernel, target))


def _candidates(
    channels: Channels, kernel: tuple[int, int], target: Target
) -> Iterator[WeightTile]:
    for vectors in range(1, min(channels.group_vectors, tiles.MOST_VECTORS) + 1):
        if channels.group_vectors % vectors:
            continue
        most = tiles.widest(vectors, target)
        for rows in _divisors(kernel[0], most):
            for columns in _divisors(kernel[1], most // rows):
                left = most // (rows * columns)
                for number in range(1, min(left, max(channels.chunk, 1)) + 1):
                    yield WeightTile(vectors, number, rows, columns)


def _pixels(tile: WeightTile, target: Target) -> int:
    """How many neighbours are done at once: as many as there are registers for.

    Only columns of taps share numbers, and AVX-512 loads them for nothing.
    """
    if tile.columns == 1 or target.vector_bytes == LINE_BYTES:
        return 1
    sums = tile.vectors * tile.channels * tile.rows * tile.columns
    left = (target.registers - SPARE - sums) // tile.vectors
    return min(max(left, 1), MOST_PIXELS)


def _pixel_cost(tile: WeightTile, channels: int, target: Target) -> float:
    """Rough cycles of one pixel and some channels, one multiply-add a cycle.

    With AVX-512 every number is loaded and spread over the lanes in one, and loads are
    not quite free beside multiply-adds. Fitted to tiles of 1, 2 and 4 vectors. Narrow
    vectors may be one more than registers hold: it is read anew for each number.
    """
    vectors, numbers = tile.vectors, channels * tile.rows * tile.columns
    shared = channels * tile.rows * (tile.columns + tile.pixels - 1) / tile.pixels
    again = numbers if numbers > tiles.most_pixels(vectors, target) else 0
    loads = vectors + shared + again
    if target.vector_bytes == LINE_BYTES:
        busy = tiles.busy(vectors, numbers, target)
    else:
        wait = CHAIN if tile.pixels > 1 else tiles.latency(target)
        busy = max(vectors * numbers, wait, FEED * loads)
    return busy + LOAD * loads


def _divisors(number: int, most: int) -> list[int]:
    return [d for d in range(1, min(number, most) + 1) if number % d == 0]


def tile_cost(
    tile: WeightTile, channels: Channels, kernel: tuple[int, int], target: Target
) -> float:
    """Rough cycles of one output pixel, for the output channels of one group."""
    taps = tile.rows * tile.columns
    once = sum(
        _pixel_cost(tile, piece, target)
        for chunk in channels.chunks
        for piece in tiles.even_pieces(chunk, tile.channels)
    )
    passes = kernel[0] * kernel[1] / taps * channels.group_vectors / tile.vectors
    return once * passes
