"""What is decided about one correlation before its C is printed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codegen import sizes
from codegen.convolution import bands as banding
from codegen.convolution import scatter_tiles, tiles
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import LINE_BYTES, Correlation
from codegen.convolution.reading import Reading, View, view
from codegen.convolution.slides import slides
from codegen.convolution.strips import Strip
from codegen.convolution.tiles import Tiling
from codegen.ir import Image
from codegen.memory import aligned
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

UNITS = 16  # units that one sample is cut in, where its rows allow
COPY_BYTES = 1 << 18  # what a copied band may take
FILTER_BYTES = 1 << 19  # filters up to this stay in a cache
NEAR_BYTES = 1 << 18  # of a band that stays in the second-level cache for all bundles
SLICE_BYTES = 1 << 14  # of filters that stay in the first-level cache for all tiles
LEAST_ROWS = 2  # of tiles in a band, that use the filters of a slice
FAR_BYTES = 1 << 17  # of filters, beside which it pays to put sums aside for that


@dataclass(frozen=True)
class Plan:
    """A correlation by direct sums: its tiles, its bands of rows, how it reads."""

    correlation: Correlation
    tiling: Tiling
    bands: int
    view: View
    cost: float  # rough cycles of a sample
    held: Bands | None = None  # whose results are pooled from the scratch
    slides: bool = False  # whether sums move along a row
    pieces: tuple[int, ...] = ()  # of the input's pixels, where sums are scattered
    slices: int = 1  # of the input channels, between which sums are in the scratch

    @property
    def kind(self) -> str:
        """The ending of names that are about the element type."""
        return suffix(self.correlation.source.buffer.dtype)

    @property
    def ctype(self) -> str:
        return C_TYPES[self.correlation.source.buffer.dtype]

    @property
    def bundles(self) -> int:
        """Units that the vectors of output channels make."""
        return self.correlation.channels.vectors // self.tiling.vectors

    @property
    def taps(self) -> int:
        return len(self.correlation.rows.taps) * len(self.correlation.columns.taps)

    @property
    def filter_step(self) -> int:
        """Elements of the filters of one vector of output channels."""
        return self.correlation.channels.inputs * self.taps * self.correlation.lanes

    @property
    def held_at(self) -> Size:
        """Where in the scratch the results of a band are, in bytes."""
        return aligned(self.view.scratch)

    @property
    def scratch(self) -> Size:
        """Bytes of scratch that a unit uses."""
        if self.pieces:
            return self.tiling.vectors * scatter_tiles.result_bytes(self.correlation)
        if self.held is not None:
            held = self.held.held_bytes(self.correlation, self.tiling.vectors)
            return self.held_at + held
        return self.held_at + self._waiting if self.slices > 1 else self.view.scratch

    @property
    def _waiting(self) -> Size:
        """Bytes of the sums of a band."""
        c = self.correlation
        most = sizes.floordiv(c.rows.count + (self.bands - 1), self.bands)
        return most * c.columns.count * (self.tiling.vectors * c.lanes * c.item)

    @property
    def unit(self) -> list[tuple[str, Size]]:
        """What a unit is, outermost first."""
        parts: list[tuple[str, Size]] = [
            ("sample", self.correlation.source.batch),
            ("band", self.bands),
            ("bundle", self.bundles),
        ]
        if not self.correlation.channels.broadcast:  # each has planes of its own
            return [parts[0], parts[2], parts[1]]
        return parts if self.sample_first else [parts[2], parts[0], parts[1]]

    @property
    def turns(self) -> Size:
        """The bands of all samples."""
        return self.correlation.source.batch * self.bands

    @property
    def sample_first(self) -> bool:
        """Whether a band stays near while bundles change, or else a bundle's filters.

        By the bytes that pass for one sample: all filters for each band, or the whole
        sample for each bundle.
        """
        c = self.correlation
        item = np.dtype(c.filters.dtype).itemsize
        filters = self.filter_step * c.channels.vectors * item
        image = _image_bytes(c.source)
        if filters <= FILTER_BYTES or image is None:
            return filters <= FILTER_BYTES
        return self.bundles * image >= self.bands * filters


def plan(c: Correlation, target: Target) -> Plan:
    """The plan of least estimated cost."""
    if slides([c], target):
        return _sliding(c)
    channels = c.channels
    vectors = channels.group_vectors
    cost, tiling, pieces = _tiles(c, target)
    if c.banded:
        tiling = replace(tiling, heights=tuple(dict.fromkeys((*tiling.heights, 1))))
    group: Size = 0
    if channels.groups > 1 and channels.broadcast:
        group = sizes.floordiv(symbol("bundle"), vectors // tiling.vectors)
    reading = Reading(c.source, c.rows, c.columns, channels, group, symbol("bundle"))
    cost *= channels.inputs * (channels.vectors // max(vectors, 1))
    if c.banded:
        held = banding.direct(c, tiling.vectors)
        seen = view(reading, held.most, tiling.clipped)
        return Plan(c, tiling, held.count, seen, cost * held.share, held)
    if pieces:
        return Plan(c, tiling, 1, view(reading, 1, True), cost, pieces=pieces)
    bands = _bands(reading, tiling, channels.vectors // tiling.vectors)
    shared = sizes.floordiv(c.rows.count, c.pooled)
    most = sizes.floordiv(shared + (bands - 1), bands) * c.pooled
    seen = view(reading, most, tiling.clipped)
    slices = _slices(c, tiling, bands, target)
    return Plan(c, tiling, bands, seen, cost, slices=slices)


def _slices(c: Correlation, tiling: Tiling, bands: int, target: Target) -> int:
    """Slices of the input channels, each of few enough filters to stay near.

    There is one where filters or tiles are few, sizes unknown, or vectors whole lines:
    such tiles do so much with a line of filters that it may come from further away.
    """
    channels = c.channels
    taps = len(c.rows.taps) * len(c.columns.taps)
    known = c.rows.known and c.columns.known and c.pooled == 1
    if target.vector_bytes == LINE_BYTES or not (known and channels.broadcast):
        return 1
    each = tiling.vectors * channels.chunk * taps * c.lanes * c.item
    chunks = len(channels.chunks)
    many = c.rows.lengths[0] >= LEAST_ROWS * bands * tiling.heights[0]
    if each * chunks < FAR_BYTES or not many:
        return 1
    return -(-chunks // max(SLICE_BYTES // max(each, 1), 1))


def _tiles(c: Correlation, target: Target) -> scatter_tiles.Found:
    """The tiling of least cost for one input channel, of results or of the input."""
    vectors, inputs = c.channels.group_vectors, c.channels.inputs
    two = c.pooled == 2
    cost, tiling = tiles.choose(
        c.rows, c.columns, vectors, inputs, target, c.clippable, two
    )
    others = scatter_tiles.choices(c, target)
    return min([(cost, tiling, ()), *others], key=lambda one: one[0])


def _sliding(c: Correlation) -> Plan:
    """A row at a time, in few bands: what they read twice is all that they share."""
    channels, rows = c.channels, c.rows.count
    reading = Reading(c.source, c.rows, c.columns, channels, 0, symbol("bundle"))
    bands = -(-UNITS // channels.vectors)
    if isinstance(rows, int):
        bands = max(min(bands, rows), 1)
    tiling = Tiling(1, (1,), (Strip(1, c.columns.count),), reading.direct)
    most = sizes.floordiv(rows + (bands - 1), bands)
    return Plan(c, tiling, bands, view(reading, most, reading.direct), 0, slides=True)


def _image_bytes(image: Image) -> int | None:
    """The bytes of one sample, where its size is known."""
    pixels = image.height * image.width
    item = np.dtype(image.buffer.dtype).itemsize
    return pixels * image.channels * item if isinstance(pixels, int) else None


def _bands(reading: Reading, tiling: Tiling, bundles: int) -> int:
    """Bands of rows: a row of tiles each, or enough to share a sample out."""
    rows = reading.rows.count
    if not isinstance(rows, int):
        return UNITS
    if tiling.heights[0] > 1:
        return -(-rows // tiling.heights[0])
    image = _image_bytes(reading.image) or 0
    bands = max(-(-UNITS // max(bundles, 1)), -(-image // NEAR_BYTES))
    if not reading.inside and not tiling.clipped:
        row = view(reading, 1).scratch
        fit = COPY_BYTES // max(row, 1) if isinstance(row, int) else 4
        bands = max(min(bands, rows // 4), -(-rows // max(fit, 1)))
    return max(min(bands, rows), 1)
