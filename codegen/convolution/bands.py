"""Pooling by the convolution before it, of any windows: from bands of its results.

A unit of work makes the rows of results that a band of rows of windows sees, in this
thread's scratch, and pools them from there, where they are in a cache: the whole image
is never stored. Where windows overlap, two bands see some rows in common, and each
computes them for itself; the fewer bands there are, the fewer such rows. Or one unit
makes all bands of a sample, and keeps for each what it shares with the one before.

Windows that tile the image 2 by 2 are pooled on the registers: ``epilogue.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from codegen import sizes
from codegen.convolution import epilogue, text
from codegen.convolution.geometry import Correlation, position, share
from codegen.convolution.outlets import Outlet, Tile, stored
from codegen.convolution.windows import Plane, pooled_rows
from codegen.ir import Buffer, Image, Pooling
from codegen.scalars import C_TYPES
from codegen.sizes import Size, symbol

HELD_BYTES = 1 << 19  # what the results of a band may take
UNITS = 16  # units of work that are enough to share out


@dataclass(frozen=True)
class Bands:
    """``windows`` rows of windows in ``count`` even bands; the results they see.

    With ``step`` a band makes so many rows of results and pools all windows that are
    whole with them; rows that other windows see are kept for the next band.
    """

    pooling: Pooling
    height: int
    width: int
    windows: int
    count: int
    step: int = 0

    def of(self, band: Size) -> tuple[Size, Size]:
        """The first and the last + 1 of the rows of windows of a band."""
        first, last = (
            self._whole(at) if self.step else share(at, self.count, self.windows)
            for at in (band, band + 1)
        )
        return first, last

    def _whole(self, bands: Size) -> Size:
        """The rows of windows that see no more than the first ``bands`` bands."""
        span, stride = self.pooling.window[0], self.pooling.stride[0]
        over = self.pooling.padding[0][0] - span + stride
        number = sizes.floordiv(bands * self.step + over, stride)
        every = sizes.floordiv(bands, self.count) * self.windows
        return sizes.maximum(
            sizes.minimum(sizes.maximum(number, 0), self.windows), every
        )

    def seen(self, band: Size, first: Size, last: Size) -> tuple[Size, Size]:
        """The first and the last + 1 of the rows of results that its windows see."""
        span, stride = self.pooling.window[0], self.pooling.stride[0]
        before = self.pooling.padding[0][0]
        top = sizes.maximum(first * stride - before, 0)
        if self.step:
            bottom = sizes.minimum((band + 1) * self.step, self.height)
            return sizes.minimum(top, band * self.step), bottom
        bottom = sizes.minimum((last - 1) * stride + (span - before), self.height)
        return top, bottom

    @property
    def fresh(self) -> Size:
        """The first row of results that ``band`` makes."""
        return symbol("band") * self.step if self.step else symbol("top")

    @property
    def lengths(self) -> list[int]:
        """The rows of results of each band."""
        seen = [self.seen(band, *self.of(band)) for band in range(self.count)]
        return [sizes.evaluate(bottom - top, {}) for top, bottom in seen]

    @property
    def most(self) -> int:
        """Rows of results that a band has at most."""
        return max(self.lengths)

    @property
    def share(self) -> float:
        """The rows that all bands compute, for each row of results."""
        return sum(self.lengths) / self.height

    def held_bytes(self, c: Correlation, vectors: int) -> int:
        """The memory that a band's results take."""
        return self.most * self.width * vectors * c.lanes * c.item

    def fits(self, c: Correlation, vectors: int) -> bool:
        """Whether a band's results stay in a cache."""
        return self.held_bytes(c, vectors) <= HELD_BYTES


def bands_of(c: Correlation, count: int) -> Bands:
    """The rows of windows of a correlation in ``count`` bands."""
    assert c.pool is not None
    windows = sizes.evaluate(c.result.height, {})
    return Bands(c.pool, c.rows.lengths[0], c.columns.lengths[0], windows, count)


def direct(c: Correlation, vectors: int) -> Bands:
    """As few bands as stay in a cache and as make enough units of work."""
    batch = c.source.batch if isinstance(c.source.batch, int) else 1
    units = -(-UNITS // max(batch * c.channels.vectors // vectors, 1))
    windows = sizes.evaluate(c.result.height, {})
    for count in range(max(min(units, windows), 1), windows):
        found = bands_of(c, count)
        if found.fits(c, vectors):
            return found
    return bands_of(c, max(windows, 1))


# --- as C -------------------------------------------------------------------------


class Held(Outlet):
    """Results of ``band`` on their way to its rows, a plane for each vector."""

    @property
    def place(self) -> Size:
        """Where a vector of the band begins."""
        first = symbol("bundle") * (self.image.channels // self.lanes)
        row = symbol("out_row") - symbol("top")
        vector = symbol("vector") - first
        return position(self.image, 0, vector, row, symbol("out_column"))

    @property
    def ends(self) -> tuple[Size, Size]:
        """The row and the column that a bounded tile must not reach."""
        return symbol("bottom"), self.image.width


def rows(bands: Bands) -> list[str]:
    """The rows of windows of ``band``, and of results from ``top`` to ``bottom``."""
    first, last = bands.of(symbol("band"))
    windows = symbol("first_window"), symbol("last_window")
    top, bottom = bands.seen(symbol("band"), *windows)
    return [
        f"const int64_t first_window = {sizes.text(first)};",
        f"const int64_t last_window = {sizes.text(last)};",
        f"const int64_t top = {sizes.text(top)};",
        f"const int64_t bottom = {sizes.text(bottom)};",
    ]


def held(c: Correlation, at: Size, name: str = "held") -> str:
    """The declaration of the memory of a band, ``at`` so many bytes of the scratch."""
    ctype = C_TYPES[c.source.buffer.dtype]
    return f"{ctype} *const {name} = ({ctype} *)(scratch + {sizes.text(at)});"


def store_lines(c: Correlation, bands: Bands, tile: Tile) -> list[str]:
    """Lines that send a tile of sums to the rows of the band."""
    outlet = epilogue.outlet_of(c)
    values = {field.name: getattr(outlet, field.name) for field in fields(outlet)}
    image = _image(c, bands, tile.vectors)
    values |= {"image": image, "epilogue": c.before, "places": None}
    return stored(Held(**values), tile)


def pool_lines(c: Correlation, bands: Bands, vectors: int) -> list[str]:
    """Lines that pool the ``vectors`` planes of a band, those of ``bundle``."""
    dtype = c.source.buffer.dtype
    row, column = symbol("row") + symbol("i"), symbol("column") + symbol("j")
    outlet = Outlet(c.result, dtype, c.lanes, c.epilogue, row, column, c.places)
    start = position(_image(c, bands, vectors), 0, symbol("part"), 0, 0)
    plane = Plane("plane", bands.height, bands.width, symbol("top"))
    first, last = symbol("first_window"), symbol("last_window")
    body = [
        f"const {C_TYPES[dtype]} *const plane = held + {sizes.text(start)};",
        "const int64_t bundle = vector;",
        *pooled_rows(bands.pooling, plane, outlet, first, last),
    ]
    vector = sizes.text(symbol("bundle") * vectors + symbol("part"))
    each = [f"const int64_t vector = {vector};", *text.block("", body)]
    return text.loop("part", vectors, each)


def _image(c: Correlation, bands: Bands, vectors: int) -> Image:
    """The rows of a band as an image."""
    buffer = Buffer("held", c.source.buffer.dtype, ())
    return Image(buffer, 1, vectors * c.lanes, bands.most, bands.width, c.lanes)
