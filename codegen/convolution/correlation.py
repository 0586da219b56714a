"""One correlation as C: the forward kernel, and the backward one for the data.

A unit of work is a bundle of vectors of output channels at a band of rows of one
sample. It runs through the tiles of the band; each tile sums over chunks of input
channels, taps, and the channels of a chunk, in the order the filters are packed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import sizes
from codegen.convolution import epilogue, text, tiles
from codegen.convolution.geometry import Correlation, share
from codegen.convolution.reading import Reading, View, view
from codegen.convolution.tiles import Tiling
from codegen.emission import Phase
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h")
UNITS = 16  # units that one sample is cut in, where its rows allow
COPY_BYTES = 1 << 18  # what a copied band may take
FILTER_BYTES = 1 << 19  # filters beyond this are gone through once, not once a sample


@dataclass(frozen=True)
class Kernel:
    """A correlation with all that was decided about it."""

    correlation: Correlation
    tiling: Tiling
    bands: int
    view: View

    @property
    def kind(self) -> str:
        return suffix(self.correlation.source.buffer.dtype)

    @property
    def bundles(self) -> int:
        return self.correlation.channels.vectors // self.tiling.vectors

    @property
    def taps(self) -> int:
        return len(self.correlation.rows.taps) * len(self.correlation.columns.taps)

    @property
    def filter_step(self) -> int:
        """Elements of the filters of one vector of output channels."""
        return self.correlation.channels.inputs * self.taps * self.correlation.lanes


def phase(c: Correlation, target: Target) -> Phase:
    """The C function that computes ``c``."""
    kernel = _kernel(c, target)
    bundle_step = kernel.tiling.vectors * kernel.filter_step
    at = sizes.text(c.first_filter + symbol("bundle") * bundle_step)
    operands = [
        f"const {C_TYPES[c.filters.dtype]} *const filters = {c.filters.name} + {at};",
        *kernel.view.lines,
    ]
    body = [
        *text.decode("unit", _unit_parts(kernel)),
        *_band(kernel),
        *(operands if kernel.taps else ()),
        *_tiles(kernel),
    ]
    units = sizes.product(tuple(extent for _, extent in _unit_parts(kernel)))
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.source.buffer, c.filters, c.result.buffer, *epilogue.buffers_of(c.epilogue)),
        units,
        kernel.view.scratch,
        _unit_cost(kernel),
    )


def _kernel(c: Correlation, target: Target) -> Kernel:
    channels, taps = c.channels, len(c.rows.taps) * len(c.columns.taps)
    tiling = tiles.choose(
        c.rows.count,
        c.columns.count,
        channels.group_vectors,
        channels.inputs * taps,
        target,
    )
    bundles = channels.vectors // tiling.vectors
    group: Size = symbol("bundle")
    if channels.groups == 1:
        group = 0
    elif channels.broadcast:
        group = sizes.floordiv(group, channels.group_vectors // tiling.vectors)
    reading = Reading(c.source, c.rows, c.columns, channels, group, symbol("bundle"))
    bands = _bands(reading, tiling, bundles)
    most = sizes.floordiv(c.rows.count + (bands - 1), bands)
    return Kernel(c, tiling, bands, view(reading, most))


def _bands(reading: Reading, tiling: Tiling, bundles: int) -> int:
    """Bands of rows: a row of tiles each, or enough to share a sample out."""
    rows = reading.rows.count
    if not isinstance(rows, int):
        return UNITS
    if tiling.rows.pairs and tiling.rows.pairs[0][0] > 1:
        return -(-rows // tiling.rows.pairs[0][0])
    bands = -(-UNITS // max(bundles, 1))
    if not reading.inside:
        row = view(reading, 1).scratch
        fit = COPY_BYTES // max(row, 1) if isinstance(row, int) else 4
        bands = max(min(bands, rows // 4), -(-rows // max(fit, 1)))
    return max(min(bands, rows), 1)


def _unit_parts(kernel: Kernel) -> list[tuple[str, Size]]:
    """What a unit is, outermost first: large filters stay while samples change."""
    c = kernel.correlation
    parts: list[tuple[str, Size]] = [
        ("sample", c.source.batch),
        ("band", kernel.bands),
        ("bundle", kernel.bundles),
    ]
    item = 8 if kernel.kind == "f64" else 4
    if kernel.filter_step * c.channels.vectors * item > FILTER_BYTES:
        return [parts[2], parts[0], parts[1]]
    return parts


def _band(kernel: Kernel) -> list[str]:
    rows, band = kernel.correlation.rows.count, symbol("band")
    return [
        f"const int64_t top = {sizes.text(share(band, kernel.bands, rows))};",
        f"const int64_t bottom = {sizes.text(share(band + 1, kernel.bands, rows))};",
    ]


def _unit_cost(kernel: Kernel) -> Size:
    c = kernel.correlation
    pixels = sizes.floordiv(c.rows.count, kernel.bands) * c.columns.count
    work = c.channels.inputs * kernel.taps + c.lanes * epilogue.cost(c.epilogue)
    return pixels * (kernel.tiling.vectors * work)


# --- tiles ------------------------------------------------------------------------


def _tiles(kernel: Kernel) -> list[str]:
    lines = ["int64_t row = top;"]
    for height, _ in kernel.tiling.rows.pairs:
        across = ["int64_t column = 0;"]
        for width, stop in kernel.tiling.columns.pairs:
            across += _while("column", width, stop, _tile(kernel, height, width))
        lines += _while("row", height, symbol("bottom"), across)
    return lines


def _while(index: str, size: int, stop: Size, body: list[str]) -> list[str]:
    """Steps of ``size`` as far as they fit below ``stop``."""
    head = f"for (; {index} + {size} <= {sizes.text(stop)}; {index} += {size})"
    return text.block(head, body)


def _tile(kernel: Kernel, height: int, width: int) -> list[str]:
    """One tile: sums set to zero, multiplied up, sent through the epilogue."""
    c, vectors = kernel.correlation, kernel.tiling.vectors
    pixels = height * width
    zero = text.unrolled((("k", vectors), ("p", pixels)))
    return [
        f"sg_{kernel.kind}v sum[{vectors}][{pixels}];",
        f"{zero} sum[k][p] = (sg_{kernel.kind}v){{0}};",
        *(_sums(kernel, height, width) if kernel.taps else ()),
        *epilogue.store_lines(c, vectors, height, width),
    ]


def _sums(kernel: Kernel, height: int, width: int) -> list[str]:
    c, steps = kernel.correlation, kernel.view
    ctype = C_TYPES[c.source.buffer.dtype]
    row = (symbol("row") - steps.origin) * c.rows.stride * steps.row
    corner = row + symbol("column") * (c.columns.stride * steps.column)
    tap = symbol("r") * c.rows.dilation * steps.row
    tap = tap + symbol("s") * (c.columns.dilation * steps.column)
    at = sizes.text(symbol("chunk") * steps.chunk + tap)
    inner = [
        f"const {ctype} *at = corner + {at};",
        *_channels(kernel, height, width),
    ]
    for index, extent in (
        ("s", len(c.columns.taps)),
        ("r", len(c.rows.taps)),
        ("chunk", len(c.channels.chunks)),
    ):
        inner = text.loop(index, extent, inner)
    return [
        f"const {ctype} *filter = filters;",
        f"const {ctype} *const corner = in + {sizes.text(corner)};",
        *inner,
    ]


def _channels(kernel: Kernel, height: int, width: int) -> list[str]:
    """The innermost loop: the channels of a chunk, V P multiply-adds each."""
    c, steps, kind = kernel.correlation, kernel.view, kernel.kind
    i = symbol("i") * c.rows.stride * steps.row
    place = sizes.text(i + symbol("j") * (c.columns.stride * steps.column))
    value = f"at[{place}]"
    if not c.channels.broadcast:
        value = f"sg_load_{kind}(at + {place})"
    vectors = kernel.tiling.vectors
    body = [
        f"sg_{kind}v weight[{vectors}];",
        f"{text.unrolled((('k', vectors),))}",
        f"    weight[k] = sg_load_{kind}(filter + k * {kernel.filter_step});",
        text.unrolled((("i", height), ("j", width), ("k", vectors))),
        f"    sum[k][i * {width} + j] += weight[k] * {value};",
        f"at += {sizes.text(steps.channel)};",
        f"filter += {c.lanes};",
    ]
    return ["SG_ROLLED", *text.loop("channel", _chunk_size(c), body)]


def _chunk_size(c: Correlation) -> Size:
    sizes_ = c.channels.chunks
    if len(set(sizes_)) == 1:
        return sizes_[0]
    left = c.channels.inputs - c.lanes * symbol("chunk")
    return sizes.minimum(left, c.lanes)
