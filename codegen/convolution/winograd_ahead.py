"""Where a tile of Winograd's filtering is, and what is asked for beside its products.

A unit's transforms wait for memory if what they read and write is not near; its
products, in between, want nothing of it. So they ask for the memory of its results,
for what their epilogue reads beside them, and for the image under the next unit: a few
lines with each register tile (``ahead.h``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import ahead, bands, patches
from codegen.convolution.geometry import blocks, plane, position
from codegen.convolution.winograd_cut import Winograd
from codegen.ir import Image
from codegen.sizes import Size, symbol


def place(w: Winograd, index: str = "first + tile") -> list[str]:
    """Which tile of which sample, or of which of its bands, ``index`` is."""
    if w.bands is None:
        return patches.place(w.grid, w.step, index)
    (down, across), (height, width) = w.grid, w.step
    line = f"index / {across} % {down} * {height}"
    return [
        f"const int64_t index = {index};",
        f"const int64_t of_all = index / {down * across};",
        f"const int64_t sample = of_all / {w.bands.count};",
        f"const int64_t band = of_all % {w.bands.count};",
        *bands.rows(w.bands),
        f"const int64_t row = {sizes.text(w.bands.fresh)} + {line};",
        f"const int64_t column = index % {across} * {width};",
        "(void)sample, (void)last_window, (void)top, (void)bottom;",
    ]


def corner(w: Winograd) -> tuple[Size, Size]:
    """Where the patch of a tile begins."""
    first_row, first_column = w.patch[0]
    return first_row + symbol("row"), first_column + symbol("column")


@dataclass(frozen=True)
class Stream:
    """What tiles touch of ``planes`` of an image, the first of which is ``at``.

    ``grid`` are the tiles down and across a sample, of which one is ``rise`` / ``run``
    rows below another and sees so many ``more``. It is that of the unit after this one
    where it is ``next``.
    """

    image: Image
    at: str
    planes: int
    grid: tuple[int, int]
    rise: Size
    run: int = 1
    more: Size = 0
    next: bool = False

    def line(self, tiles: int, stop: str) -> str:
        """The C that looks ahead, up to ``stop``, from units of so many tiles."""
        begin, end = "first", f"first + {tiles}"
        if self.next:
            begin, end = end, f"first + {2 * tiles}"
        item = np.dtype(self.image.buffer.dtype).itemsize
        row = self.image.width * (self.image.block * item)
        sample = blocks(self.image) * plane(self.image) * item
        down, across = self.grid
        numbers: list[Size] = [across, down, self.rise, self.run, self.more]
        numbers += [self.planes, self.image.height, row, sample]
        rows = ", ".join(map(sizes.text, numbers))
        return (
            f"sg_look_ahead(&ahead, {self.at}, (sg_rows){{{rows}}},"
            f" {begin}, sg_min({end}, {stop}));"
        )


def looking(streams: Sequence[Stream], tiles: int, stop: str, turns: int) -> list[str]:
    """Lines that declare what ``turns`` register tiles ask for, ``ahead``."""
    most = sum(_stretches(stream.grid, tiles) for stream in streams)
    return [
        f"sg_stretch stretches[{most}];",
        "sg_ahead ahead = {stretches, stretches, 0, 0};",
        *(stream.line(tiles, stop) for stream in streams),
        f"sg_spread_out(&ahead, {turns});",
    ]


def _stretches(grid: tuple[int, int], tiles: int) -> int:
    """How many samples so many tiles can be of."""
    down, across = grid
    lines = -(-tiles // across) + 1
    return lines // down + 2


def beside_products(w: Winograd) -> list[str]:
    """What the products of a unit ask for."""
    turns = w.points * (w.share // w.vectors) * len(w.pieces)
    stop = sizes.text(w.correlation.source.batch * w.sample_tiles)
    return looking([*_results(w), _source(w)], w.tiles, stop, turns)


def _grid(w: Winograd) -> tuple[int, int]:
    """Tiles down, through all bands, and across a sample."""
    down, across = w.grid
    return down * (w.bands.count if w.bands else 1), across


def _source(w: Winograd) -> Stream:
    """The image under the next unit."""
    image, grid = w.correlation.source, _grid(w)
    rise, run = (image.height, grid[0]) if w.bands else (w.step[0], 1)
    more = w.patch[0][0] + w.patch[1][0] - w.step[0]
    at = image.buffer.name
    return Stream(image, at, blocks(image), grid, rise, run, more, next=True)


def _results(w: Winograd) -> list[Stream]:
    """The memory of a unit's results, and what their epilogue reads beside them.

    Where tiles overlap, or bands do, their rows are about as even.
    """
    c, grid = w.correlation, _grid(w)
    if c.result.block == 1:
        return []
    rise: Size = w.step[0]
    run = c.pooled
    if w.bands or w.transposed:
        rise, run = c.result.height, grid[0]
    vector = symbol("share") * w.share if w.shares > 1 else 0
    first = sizes.text(position(c.result, 0, vector, 0, 0))
    places = [f"{c.result.buffer.name} + {first}", *ahead.beside(c, 0, vector, 0, 0)]
    return [Stream(c.result, at, w.share, grid, rise, run) for at in places]
