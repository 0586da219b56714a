"""The decisions about a filter gradient: its tile, shares of the batch, and passes.

A tile of sums stays in registers while pixels stream by (``weight_tiles.py``). Its
pixels come in passes of few enough rows that the next tile finds them in the
first-level cache. Where channels alone do not give enough units of work, the batch is
cut in shares, whose number depends on the sizes alone. ``backward_weights.py`` writes
the C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution.geometry import Axis, Channels, forward_axis
from codegen.convolution.gradients import Gradient, gradient_of, unpooled
from codegen.convolution.reading import Reading, View, view
from codegen.convolution.slides import weights_slide
from codegen.convolution.tiles import even_pieces, most_pixels, writes_out
from codegen.convolution.weight_tiles import WeightTile, choose
from codegen.ir import ConvolutionBackwardWeights, Image
from codegen.memory import aligned
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

FEW_TAPS = 4  # that a pass over a chunk of input channels hardly pays for
IN_A_ROW = 4  # pixels that are written out on AVX2
BAND_BYTES = 40 << 10  # what one pass over the pixels of a tile may read


@dataclass(frozen=True)
class Kernel:
    """The step with all that was decided about it."""

    step: ConvolutionBackwardWeights
    rows: Axis
    columns: Axis
    channels: Channels
    tile: WeightTile
    shares: Size
    samples: int
    bands: int
    reading: Reading
    view: View
    dy: Gradient
    through: bool  # whether a unit runs through all chunks at each pass
    slides: bool  # whether dy moves along a row while columns of x pass
    across: bool  # whether a unit runs through all vectors of channels of a sample
    in_a_row: int  # pixels that are written out, each as if it were alone

    @property
    def kind(self) -> str:
        return suffix(self.step.dw.dtype)

    @property
    def ctype(self) -> str:
        return C_TYPES[self.step.dw.dtype]

    @property
    def taps(self) -> int:
        return len(self.rows.taps) * len(self.columns.taps)

    @property
    def bundles(self) -> int:
        return self.channels.vectors // self.tile.vectors

    @property
    def at_once(self) -> bool:
        """Whether a unit's sums go to dw when they are done: they are those of all."""
        return self.shares == 1

    @property
    def pitch(self) -> int:
        """Elements from the sums of one vector of output channels to the next one's."""
        channels = self.channels
        some = self.at_once and not self.through
        inputs = channels.chunk if some else channels.inputs
        return inputs * self.taps * channels.lanes

    @property
    def chunk_pitch(self) -> int:
        """Elements from the sums of one chunk of input channels to the next one's."""
        return self.channels.chunk * self.taps * self.channels.lanes

    def tiles_of(self, channels: int) -> int:
        """The tiles of so many input channels."""
        pieces = even_pieces(channels, self.tile.channels)
        return len(pieces) * (self.taps // (self.tile.rows * self.tile.columns))

    @property
    def share_size(self) -> int:
        """Elements of the sums over one share of the batch."""
        return self.channels.vectors * self.pitch

    @property
    def used(self) -> Size:
        """Bytes of scratch that the images take; the sums of a unit come after."""
        return aligned((self.view.scratch + self.dy.scratch) * self.samples)

    @property
    def scratch(self) -> Size:
        item = np.dtype(self.step.dw.dtype).itemsize
        sums = self.tile.vectors * self.pitch * item if self.at_once else 0
        return self.used + sums


def plan(step: ConvolutionBackwardWeights, target: Target) -> Kernel:
    """Everything that is decided about the gradient by direct sums."""
    x, dy, window = step.x, unpooled(step), step.window
    rows = forward_axis(window, 0, x.height, dy.height)
    columns = forward_axis(window, 1, x.width, dy.width)
    lanes = target.lanes(step.dw.dtype)
    channels = Channels(x.channels, dy.channels, window.groups, lanes)
    slides = weights_slide(channels, rows, columns, target)
    tile = choose(channels, window.kernel, columns, target)
    if slides:
        tile = WeightTile(1, 1, *window.kernel)
    across = slides and not (isinstance(x.batch, int) and x.batch < target.units)
    units = 1 if across else channels.vectors // tile.vectors * len(channels.chunks)
    shares = _shares(-(-target.units // max(units, 1)), x.batch)
    samples, bands = _pass(dy, x, rows, tile, lanes)
    if across:
        samples = 1  # the next plane is the next one in memory
    if step.places:
        bands = min(bands, int(step.dy.height))  # type: ignore[arg-type]
    group: Size = 0
    if channels.groups > 1 and channels.broadcast:
        bundles = channels.group_vectors // tile.vectors
        group = sizes.floordiv(symbol("bundle"), bundles)
    slot = symbol("sample") - symbol("base") if samples > 1 else 0
    bundle, chunk = symbol("bundle"), symbol("chunk")
    reading = Reading(x, rows, columns, channels, group, bundle, chunk, slot)
    scale = 2 if step.places else 1
    bundled = sizes.floordiv(rows.count, scale)
    most = sizes.floordiv(bundled + (bands - 1), bands) * scale
    seen = view(reading, most, clipped=slides)
    gradient = gradient_of(step, tile, most, seen.scratch * samples)
    return Kernel(
        step,
        rows,
        columns,
        channels,
        tile,
        shares,
        samples,
        bands,
        reading,
        seen,
        gradient,
        _through(channels, tile, window.kernel, target) and step.places is None,
        slides,
        across,
        _in_a_row(channels, tile, columns, target),
    )


def _in_a_row(
    channels: Channels, tile: WeightTile, columns: Axis, target: Target
) -> int:
    """How many pixels are written out.

    A tile that wants a register more than there are is better left to the compiler.
    """
    numbers = tile.channels * tile.rows * tile.columns
    full = numbers > most_pixels(tile.vectors, target)
    if not writes_out(target.vector_bytes) or full or tile.pixels > 1:
        return 1
    count = columns.count
    if not (isinstance(count, int) and count >= IN_A_ROW and channels.broadcast):
        return 1
    whole = [by for by in range(IN_A_ROW, 2 * IN_A_ROW + 1) if count % by == 0]
    return min(whole, default=IN_A_ROW)


def _through(
    channels: Channels, tile: WeightTile, kernel: tuple[int, int], target: Target
) -> bool:
    """Whether each pass over the pixels of dy serves every chunk of input channels.

    With few taps a chunk multiplies so little with a pixel that it would wait for the
    gradient, read again for each; but units must be enough without the chunks.
    """
    many = channels.vectors // tile.vectors >= target.units
    return many and kernel[0] * kernel[1] < FEW_TAPS and len(channels.chunks) > 1


def _shares(wanted: int, batch: Size) -> Size:
    """No more shares than samples, but one for none."""
    if wanted == 1:
        return 1
    return sizes.maximum(sizes.minimum(wanted, batch), 1)


def _pass(
    dy: Image, x: Image, rows: Axis, tile: WeightTile, lanes: int
) -> tuple[int, int]:
    """Samples and bands of rows that a tile passes over before the next one does."""
    if not isinstance(dy.height * dy.width * x.width * x.height, int):
        return 1, 8
    height, width, across = int(dy.height), int(dy.width), int(x.width)  # type: ignore[arg-type]
    vector = lanes * np.dtype(dy.buffer.dtype).itemsize
    row = (width * tile.vectors + rows.stride * across) * vector
    fit = max(BAND_BYTES // max(row, 1), 1)
    if fit >= height:
        return max(fit // max(height, 1), 1), 1
    return 1, -(-height // fit)
