"""``ConvolutionBackwardWeights`` -> C.

    dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i stride + r dilation - padding, ...]

The first phase sums over a share of the batch, vectors of output channels by tiles
of (input channels, taps) held in registers while pixels stream by. Its sums are in
the order [share][vector][input channel][tap][lane]. The second phase adds the
shares, always in the same order, and turns the lanes into rows of dw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import text, tiles, winograd_weights
from codegen.convolution.correlation import HEADERS
from codegen.convolution.geometry import (
    Axis,
    Channels,
    check,
    forward_axis,
    share,
)
from codegen.convolution.gradients import (
    SAMPLES,
    Gradient,
    gradient_of,
    unpooled,
)
from codegen.convolution.reading import Reading, View, view
from codegen.convolution.weight_tiles import WeightTile, choose, tile_cost
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import ConvolutionBackwardWeights, Image
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

UNITS = 16  # units of work, whatever the batch
BAND_BYTES = 24 << 10  # what one pass over the pixels of a tile may read


@dataclass(frozen=True)
class Kernel:
    """The step with all that was decided about it."""

    step: ConvolutionBackwardWeights
    rows: Axis
    columns: Axis
    channels: Channels
    tile: WeightTile
    shares: int
    samples: int
    bands: int
    view: View
    dy: Gradient

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
    def share_size(self) -> int:
        """Elements of the sums over one share of the batch."""
        channels = self.channels
        return channels.vectors * channels.inputs * self.taps * channels.lanes

    def place(self, vector: Size, channel: Size, tap: Size) -> Size:
        """Where in a share the lanes of one sum are."""
        at = (vector * self.channels.inputs + channel) * self.taps + tap
        return at * self.channels.lanes


def emit_convolution_backward_weights(
    step: ConvolutionBackwardWeights, target: Target
) -> Emission:
    """The C of dw in two phases: sums over shares of the batch, and their sum."""
    lanes = target.lanes(step.dw.dtype)
    check("filter gradient", step.x, step.x.channels, step.window.groups, lanes)
    check("filter gradient", step.dy, step.dy.channels, step.window.groups, lanes)
    if step.dy.block != lanes:
        raise CodegenError(
            f"filter gradient: dy block is {step.dy.block}, expected {lanes}"
        )
    if step.places and not isinstance(step.dy.height, int):
        raise CodegenError("filter gradient: with places the rows of dy must be known")
    if step.x.channels * step.dy.channels == 0:
        return Emission(())
    kernel = _kernel(step, target)
    quick = _quick(kernel, target)
    if quick is not None:
        return winograd_weights.emission(quick, target)
    item = np.dtype(step.dw.dtype).itemsize
    shared = kernel.shares * kernel.share_size * item
    return Emission((_sums(kernel), _total(kernel)), shared, HEADERS)


def takes_places(step: ConvolutionBackwardWeights, target: Target) -> bool:
    """Whether dy, of even known sizes, is better unpooled as it is read.

    So it is where direct sums are done, and each of its numbers is read but once.
    """
    sizes_of = step.dy.height, step.dy.width
    if not all(isinstance(size, int) and size % 2 == 0 for size in sizes_of):
        return False
    if step.x.channels * step.dy.channels == 0:
        return False
    kernel = _kernel(step, target)
    return len(kernel.channels.chunks) == 1 and _quick(kernel, target) is None


def _quick(kernel: Kernel, target: Target) -> winograd_weights.Cut | None:
    """The way by minimal filtering, where that is allowed and costs less."""
    step = kernel.step
    if not step.winograd or step.places:
        return None
    cost = tile_cost(kernel.tile, kernel.channels, step.window.kernel, target)
    cost *= _pixels_of(step.dy)
    return winograd_weights.cut(step, kernel.rows, kernel.columns, cost, target)


def _pixels_of(image: Image) -> int:
    pixels = image.height * image.width
    return pixels if isinstance(pixels, int) else 0


def _kernel(step: ConvolutionBackwardWeights, target: Target) -> Kernel:
    x, dy, window = step.x, unpooled(step), step.window
    rows = forward_axis(window, 0, x.height, dy.height)
    columns = forward_axis(window, 1, x.width, dy.width)
    lanes = target.lanes(step.dw.dtype)
    channels = Channels(x.channels, dy.channels, window.groups, lanes)
    tile = choose(channels, window.kernel, target)
    units = channels.vectors // tile.vectors * len(channels.chunks)
    shares = -(-UNITS // max(units, 1))
    samples, bands = _pass(dy, x, rows, tile, lanes)
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
    seen = view(reading, most)
    gradient = gradient_of(step, tile, most, seen.scratch * samples)
    return Kernel(
        step, rows, columns, channels, tile, shares, samples, bands, seen, gradient
    )


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


# --- sums over a share of the batch ---------------------------------------------------


def _sums(kernel: Kernel) -> Phase:
    step = kernel.step
    chunks = len(kernel.channels.chunks)
    parts: list[tuple[str, Size]] = [
        ("part", kernel.shares),
        ("bundle", kernel.bundles),
        ("chunk", chunks),
    ]
    batch = kernel.step.x.batch
    start = sizes.text(share(symbol("part"), kernel.shares, batch))
    stop = sizes.text(share(symbol("part") + 1, kernel.shares, batch))
    by = kernel.samples
    body = [
        *text.decode("unit", parts),
        f"{kernel.ctype} *const total = ({kernel.ctype} *)shared"
        f" + part * {kernel.share_size};",
        *_cleared(kernel),
        *text.block(
            f"for (int64_t base = {start}; base < {stop}; base += {by})",
            [
                f"const int64_t after = sg_min(base + {by}, {stop});",
                *text.loop("band", kernel.bands, _band(kernel)),
            ],
        ),
    ]
    pixels = kernel.rows.count * kernel.columns.count
    cost = pixels * batch * (kernel.share_size // kernel.channels.lanes)
    units = kernel.shares * kernel.bundles * chunks
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (step.x.buffer, step.dy.buffer, *([step.places] if step.places else [])),
        units,
        (kernel.view.scratch + kernel.dy.scratch) * kernel.samples,
        sizes.floordiv(cost, max(units, 1)),
    )


def _cleared(kernel: Kernel) -> list[str]:
    """The sums of this unit, set to zero."""
    first = symbol("chunk") * kernel.channels.chunk
    vector = symbol("bundle") * kernel.tile.vectors + symbol("k")
    at = sizes.text(kernel.place(vector, first, 0))
    left = sizes.minimum(kernel.channels.inputs - first, kernel.channels.chunk)
    count = sizes.text(left * kernel.taps * kernel.channels.lanes)
    clear = f"memset(total + {at}, 0, (size_t)({count}) * sizeof *total);"
    return text.loop("k", kernel.tile.vectors, [clear])


def _band(kernel: Kernel) -> list[str]:
    band, scale = symbol("band"), 2 if kernel.step.places else 1
    rows = sizes.floordiv(kernel.rows.count, scale)
    top, bottom = (share(at, kernel.bands, rows) * scale for at in (band, band + 1))
    copy = text.block(SAMPLES, kernel.view.copy) if kernel.view.copy else []
    return [
        f"const int64_t top = {sizes.text(top)};",
        f"const int64_t bottom = {sizes.text(bottom)};",
        *copy,
        *kernel.dy.unpool,
        *_tiles(kernel),
    ]


def _tiles(kernel: Kernel) -> list[str]:
    """The tiles of a chunk; the last chunk may have fewer channels."""
    chunks = kernel.channels.chunks
    if len(set(chunks)) == 1:
        return _tiles_of(kernel, chunks[0])
    full = text.block(f"if (chunk < {len(chunks) - 1})", _tiles_of(kernel, chunks[0]))
    return [*full, *text.block("else", _tiles_of(kernel, chunks[-1]))]


def _tiles_of(kernel: Kernel, channels: int) -> list[str]:
    tile = kernel.tile
    lines = ["int64_t channel = 0;"]
    pieces = tiles.even_pieces(channels, tile.channels)
    for number in dict.fromkeys(pieces):
        stop = number * pieces.count(number) if number == pieces[0] else channels
        inner = _tile(kernel, number)
        for index, extent, step in (
            ("s", len(kernel.columns.taps), tile.columns),
            ("r", len(kernel.rows.taps), tile.rows),
        ):
            head = f"for (int64_t {index} = 0; {index} < {extent}; {index} += {step})"
            inner = text.block(head, inner)
        lines += text.block(
            f"for (; channel + {number} <= {stop}; channel += {number})", inner
        )
    return lines


def _tile(kernel: Kernel, number: int) -> list[str]:
    """Sums of ``number`` channels by a few taps, over the pixels of the pass."""
    tile, kind = kernel.tile, kernel.kind
    sums = number * tile.rows * tile.columns
    every = text.unrolled((("k", tile.vectors), ("p", sums)))
    return [
        f"sg_{kind}v sum[{tile.vectors}][{sums}];",
        f"{every} sum[k][p] = (sg_{kind}v){{0}};",
        *text.block(SAMPLES, _pixels(kernel, number)),
        *_added(kernel, number),
    ]


def _pixels(kernel: Kernel, number: int) -> list[str]:
    """The sweep over the rows and columns of one sample."""
    rows, columns, steps, dy = kernel.rows, kernel.columns, kernel.view, kernel.dy
    row = steps.top + symbol("row") * rows.stride + symbol("r") * rows.dilation
    column = steps.left + symbol("s") * columns.dilation
    corner = row * steps.row + column * steps.column
    corner = corner + symbol("channel") * steps.channel
    sweep = [
        f"const {kernel.ctype} *at = in + {sizes.text(corner)};",
        f"const {kernel.ctype} *from = {dy.base} + {sizes.text(dy.start)};",
        "SG_ROLLED",
        *text.loop("column", columns.count, _pixel(kernel, number)),
    ]
    return [
        f"const {kernel.ctype} *const in = {steps.pointer};",
        *text.block("for (int64_t row = top; row < bottom; row++)", sweep),
    ]


def _pixel(kernel: Kernel, number: int) -> list[str]:
    """One pixel: its vectors of dy times the numbers of x that its taps see."""
    tile, steps, kind = kernel.tile, kernel.view, kernel.kind
    rows, columns = kernel.rows, kernel.columns
    tap = symbol("i") * (rows.dilation * steps.row)
    tap = tap + symbol("j") * (columns.dilation * steps.column)
    place = sizes.text(symbol("c") * steps.channel + tap)
    value = f"at[{place}]"
    if not kernel.channels.broadcast:
        value = f"sg_load_{kind}(at + {place})"
    index = f"(c * {tile.rows} + i) * {tile.columns} + j"
    further = sizes.text(symbol("k") * kernel.dy.plane)
    extents = (("c", number), ("i", tile.rows), ("j", tile.columns))
    return [
        f"sg_{kind}v gradient[{tile.vectors}];",
        text.unrolled((("k", tile.vectors),)),
        f"    gradient[k] = sg_load_{kind}(from + {further});",
        text.unrolled((*extents, ("k", tile.vectors))),
        f"    sum[k][{index}] += gradient[k] * {value};",
        "SG_REREAD;",
        f"at += {columns.stride * steps.column};",
        f"from += {kernel.channels.lanes};",
    ]


def _added(kernel: Kernel, number: int) -> list[str]:
    """The sums of a tile added to those of the share."""
    tile = kernel.tile
    vector = symbol("bundle") * tile.vectors + symbol("k")
    first = symbol("chunk") * kernel.channels.chunk
    channel = first + symbol("channel") + symbol("c")
    tap = (symbol("r") + symbol("i")) * len(kernel.columns.taps)
    tap = tap + symbol("s") + symbol("j")
    at = sizes.text(kernel.place(vector, channel, tap))
    index = f"(c * {tile.rows} + i) * {tile.columns} + j"
    extents = (("c", number), ("i", tile.rows), ("j", tile.columns))
    load, store = f"sg_load_{kernel.kind}", f"sg_store_{kernel.kind}"
    return text.block(
        text.unrolled((("k", tile.vectors), *extents)),
        [
            f"{kernel.ctype} *const to = total + {at};",
            f"{store}(to, {load}(to) + sum[k][{index}]);",
        ],
    )


# --- the sum of the shares -----------------------------------------------------------


def _total(kernel: Kernel) -> Phase:
    """dw from the shares; a unit is a vector of output channels by an input channel."""
    channels, dw, lanes = kernel.channels, kernel.step.dw, kernel.channels.lanes
    row = symbol("vector") * lanes * channels.inputs + symbol("channel")
    to = f"{dw.name} + {sizes.text(row * kernel.taps)}"
    source = f"(const {kernel.ctype} *)shared + unit * {kernel.taps * lanes}"
    left = sizes.minimum(channels.result - symbol("vector") * lanes, lanes)
    numbers = f"{kernel.shares}, {kernel.share_size}, {kernel.taps}, {sizes.text(left)}"
    step = channels.inputs * kernel.taps
    body = [
        *text.decode(
            "unit", [("vector", channels.vectors), ("channel", channels.inputs)]
        ),
        f"sg_sum_shares_{kernel.kind}({to}, {step}, {source}, {numbers});",
    ]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (dw,),
        channels.vectors * channels.inputs,
        0,
        kernel.taps * (kernel.shares + 2 * lanes),
    )
