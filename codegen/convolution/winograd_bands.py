"""The bands of pooled results that tiles of Winograd's filtering make together."""

from __future__ import annotations

from dataclasses import replace

from codegen import sizes
from codegen.convolution import bands as banding
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import Correlation
from codegen.convolution.winograd_grid import are_many, banded_grid, grid_of, outputs_of

MOST_FIT = 2  # times as many tiles in a band, where fewer are computed twice then


def bands_for(c: Correlation, side: int, fit: int) -> Bands:
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
        down, across = banded_grid(side, c.rows, c.columns, bands)
        return max(down * across, MOST_FIT * fit), bands.count * down

    return min(found, key=size)


def _keeps(c: Correlation, side: int, fit: int) -> bool:
    """Whether one unit makes the bands of a sample: they overlap, samples are many."""
    assert c.pool is not None
    down, across = grid_of(side, c.rows, c.columns)
    overlap = c.pool.stride[0] < c.pool.window[0]
    return are_many(c) and overlap and down * across > fit


def _units(c: Correlation, side: int, fit: int) -> int:
    """Two units of work for a sample, but where it is small or one of many."""
    down, across = grid_of(side, c.rows, c.columns)
    return 1 if are_many(c) or down * across <= fit // 2 else 2
