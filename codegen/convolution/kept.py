"""Rows of results that one band of windows shares with the next, kept for it.

A unit of work makes the bands of a sample one after another. Before a band is pooled,
what was kept of the one before goes above its rows; after that, what the next band
needs of it is kept, for each vector of channels by itself.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import Correlation
from codegen.sizes import Size, symbol


def kept_bytes(c: Correlation, bands: Bands) -> int:
    """The memory of the rows that are kept of all vectors."""
    return c.channels.vectors * _plane(c, bands) * c.item


def above(c: Correlation, bands: Bands) -> list[str]:
    """Lines that put what was kept above the rows that ``band`` made."""
    size = (bands.fresh - symbol("top")) * _row(c, bands)
    return [f"memcpy(held, {_place(c, bands)}, {_bytes(size)});"]


def keep(c: Correlation, bands: Bands) -> list[str]:
    """Lines that keep what the band after this one needs of it."""
    later = symbol("band") + 1
    first, last = bands.of(later)
    top, _ = bands.seen(later, first, last)
    row = _row(c, bands)
    start = sizes.text((symbol("later") - symbol("top")) * row)
    size = (symbol("bottom") - symbol("later")) * row
    lines = [
        f"const int64_t later = {sizes.text(top)};",
        f"memcpy({_place(c, bands)}, held + {start}, {_bytes(size)});",
    ]
    return text.block(f"if (band < {bands.count - 1})", lines)


def _row(c: Correlation, bands: Bands) -> int:
    return bands.width * c.lanes


def _plane(c: Correlation, bands: Bands) -> int:
    """Elements that are kept of a vector of channels, at most."""
    return (bands.pooling.window[0] - 1) * _row(c, bands)


def _place(c: Correlation, bands: Bands) -> str:
    return f"kept + {sizes.text(symbol('bundle') * _plane(c, bands))}"


def _bytes(size: Size) -> str:
    return f"(size_t)({sizes.text(size)}) * sizeof *held"
