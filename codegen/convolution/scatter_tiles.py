"""Tiles of the input's pixels, where each of them adds to as many results as taps.

``scattered.py`` says when that is better than tiles of results.
"""

from __future__ import annotations

from collections.abc import Iterator

from codegen.convolution import epilogue, tiles
from codegen.convolution.geometry import Correlation
from codegen.convolution.strips import Strip
from codegen.convolution.tiles import Tiling
from codegen.convolution.winograd_grid import sees_all
from codegen.target import Target

FETCH = 2  # cycles to fetch a sum and to put it back, at each tap
MOST_PIECES = 4  # each of which is written out
MOST_BYTES = 1 << 14  # of the sums of a sample, which stay in the first-level cache

Found = tuple[float, Tiling, tuple[int, ...]]


def possible(c: Correlation) -> bool:
    """Whether every tap sees every pixel of an image of known size, side by side."""
    axes = c.rows, c.columns
    if not (c.channels.broadcast and all(axis.known for axis in axes)):
        return False
    close = all(
        (axis.stride, axis.dilation, axis.start, axis.step) == (1, 1, 0, 1)
        and axis.taps
        for axis in axes
    )
    return close and c.pool is None and c.rows.lengths[1] > 0 and sees_all(c)


def result_bytes(c: Correlation) -> int:
    """The bytes of a vector of channels of the results of a sample."""
    return c.rows.lengths[0] * c.columns.lengths[0] * c.lanes * c.item


def choices(c: Correlation, target: Target) -> Iterator[Found]:
    """Cost for one input channel, tiling of results, and pieces of the pixels.

    None where a row of the input has enough pixels for sums not to wait.
    """
    if not possible(c) or c.columns.lengths[1] >= tiles.latency(target):
        return
    channels, (width, _) = c.channels, c.columns.lengths
    taps = len(c.rows.taps) * len(c.columns.taps)
    pixels = c.rows.lengths[1] * c.columns.lengths[1]
    once = epilogue.at_once(width)
    for vectors in tiles.vectors_of(channels.group_vectors):
        pieces = tiles.even_pieces(pixels, tiles.most_pixels(vectors, target))
        if len(pieces) > MOST_PIECES or vectors * result_bytes(c) > MOST_BYTES:
            continue
        fetched = FETCH * vectors * pixels / max(channels.inputs, 1)
        steps = sum(tiles.step_cost(vectors, piece, target) for piece in pieces)
        tiling = Tiling(vectors, (1,), (Strip(once, width),), clipped=True)
        cost = (steps + fetched) * taps * channels.group_vectors / vectors
        yield cost, tiling, tuple(pieces)
