"""Where a tile of Winograd's filtering is, and what is asked for before its turn."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import ahead, bands, patches, text
from codegen.convolution.geometry import blocks, position
from codegen.convolution.winograd_cut import Winograd
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


def ask_for_results(w: Winograd) -> list[str]:
    """Ask for the memory of a tile's results, well before they are there.

    And for what their epilogue reads beside them.
    """
    c = w.correlation
    if c.result.block == 1 or w.bands:
        return []
    row, column = (sizes.floordiv(symbol(at), c.pooled) for at in ("row", "column"))
    before = symbol("share") * w.share if w.shares > 1 else 0
    vector = symbol("k") + before
    at = position(c.result, symbol("sample"), vector, row, column)
    high, wide = w.step if w.overlaps else w.outputs
    shape = high // c.pooled, wide // c.pooled
    place = f"{c.result.buffer.name} + {sizes.text(at)}"
    lines = [ahead.asked_rows(place, c.result, shape, ahead.WRITE)]
    for other in ahead.beside(c, vector, row, column):
        lines.append(ahead.asked_rows(other, c.result, shape, ahead.READ))
    return text.loop("k", w.share, lines)


def ask_for_next(w: Winograd) -> list[str]:
    """Ask for the image under the tile that the next unit has in the place of this."""
    c, (high, wide) = w.correlation, w.patch[1]
    # the tile beside it asks for the other columns
    under = (high, min(wide, w.step[1]))
    body = [
        *place(w, f"first + tile + {w.tiles}"),
        *text.loop(
            "chunk",
            blocks(c.source),
            patches.asked(c.source, symbol("chunk"), corner(w), under),
        ),
    ]
    return text.block("if (group == 0)", body)


def ask_for_next_once(w: Winograd) -> list[str]:
    """The same where each vector of a group goes through all tiles."""
    return text.block("if (part == 0)", ask_for_next(w))
