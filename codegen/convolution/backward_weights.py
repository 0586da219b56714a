"""``ConvolutionBackwardWeights`` -> C.

    dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i stride + r dilation - padding, ...]

A unit of work sums vectors of output channels by a chunk of input channels and all
taps, over a share of the batch: tiles of (input channels, taps) stay in registers while
pixels stream by. Where channels are single, a unit takes all of them, plane by plane as
they lie in memory. Its sums are in the order [vector][input channel][tap][lane]. Where
there is but one share, the unit itself then transposes them into rows of dw; else a
second phase adds the shares, always in the same order, and does so. Few pixels go
another way: see ``weight_patches.py``.
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution import (
    helpers,
    text,
    weight_patches,
    winograd_weight_phases,
    winograd_weights,
)
from codegen.convolution.correlation import HEADERS
from codegen.convolution.geometry import check, share
from codegen.convolution.weight_plan import Kernel, plan
from codegen.convolution.weight_sums import band_of_rows
from codegen.convolution.weight_tiles import tile_cost
from codegen.emission import Emission, Helper, Phase
from codegen.errors import CodegenError
from codegen.ir import ConvolutionBackwardWeights, Image
from codegen.sizes import Size, symbol
from codegen.target import Target


def emit_convolution_backward_weights(
    step: ConvolutionBackwardWeights, target: Target
) -> Emission:
    """The C of dw: sums over shares of the batch, and their sum."""
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
    kernel = plan(step, target)
    quick = _quick(kernel, target)
    if quick is not None:
        return winograd_weight_phases.emission(quick, target)
    few = weight_patches.patches(kernel, target)
    if few is not None:
        return weight_patches.emission(few)
    if kernel.at_once:
        return Emission((_sums(kernel),), 0, HEADERS)
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
    kernel = plan(step, target)
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


# --- sums over a share of the batch ---------------------------------------------------


def _sums(kernel: Kernel) -> Phase:
    step, by = kernel.step, kernel.samples
    chunks = ("chunk", len(kernel.channels.chunks))
    bundles = ("bundle", kernel.bundles)
    parts: list[tuple[str, Size]] = [] if kernel.across else [bundles]
    if not kernel.through:
        parts.append(chunks)
    first: Size = 0
    stop = step.x.batch
    if not kernel.at_once:
        parts.insert(0, ("part", kernel.shares))
        first = share(symbol("part"), kernel.shares, step.x.batch)
        stop = share(symbol("part") + 1, kernel.shares, step.x.batch)
    band, turned = band_of_rows(kernel), _turned(kernel) if kernel.at_once else []
    if kernel.through:
        here = f"{kernel.ctype} *const total = sums + chunk * {kernel.chunk_pitch};"
        band, turned = (text.loop(*chunks, [here, *do]) for do in (band, turned))
    swept = text.loop("band", kernel.bands, band)
    name = "sums" if kernel.through else "total"
    total = [f"{kernel.ctype} *const {name} = {_total_of(kernel)};"]
    if kernel.across:
        swept, total = text.loop(*bundles, [*total, *swept]), []
    passes = [f"const int64_t after = sg_min(base + {by}, stop);", *swept]
    body = [
        *text.decode("unit", parts),
        f"const int64_t start = {sizes.text(first)}, stop = {sizes.text(stop)};",
        *total,
        # an empty share is passed over once too, and gets its zeros
        "int64_t base = start;",
        *text.block("do", [*passes, f"base += {by};"]),
        "while (base < stop);",
        *turned,
    ]
    pixels = kernel.rows.count * kernel.columns.count
    sums = kernel.channels.vectors * kernel.channels.inputs * kernel.taps
    units = sizes.product(tuple(extent for _, extent in parts))
    results = [step.dw] if kernel.at_once else []
    places = [step.places] if step.places else []
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (step.x.buffer, step.dy.buffer, *places, *results),
        units,
        kernel.scratch,
        sizes.floordiv(pixels * step.x.batch * sums, sizes.maximum(units, 1)),
        helpers=_helpers(kernel) if kernel.at_once else (),
    )


def _total_of(kernel: Kernel) -> str:
    """Where the sums of a unit begin."""
    if kernel.at_once:
        return f"({kernel.ctype} *)(scratch + {sizes.text(kernel.used)})"
    at = symbol("part") * kernel.share_size
    at = at + symbol("bundle") * (kernel.tile.vectors * kernel.pitch)
    at = at + symbol("chunk") * kernel.chunk_pitch
    return f"({kernel.ctype} *)shared + {sizes.text(at)}"


# --- the sums as rows of dw ----------------------------------------------------------


def _turned(kernel: Kernel) -> list[str]:
    """Rows of dw from the sums of the unit that has just made them."""
    vector = symbol("bundle") * kernel.tile.vectors + symbol("k")
    source = f"total + {sizes.text(symbol('k') * kernel.pitch)}"
    return text.loop("k", kernel.tile.vectors, [_rows_of(kernel, vector, source)])


def _total(kernel: Kernel) -> Phase:
    """Rows of dw from the shares; a unit is a vector of output channels by a chunk."""
    channels, taps = kernel.channels, kernel.taps
    chunks = len(channels.chunks)
    at = symbol("vector") * kernel.pitch
    at = at + symbol("chunk") * (channels.chunk * taps * channels.lanes)
    source = f"(const {kernel.ctype} *)shared + {sizes.text(at)}"
    body = [
        *text.decode("unit", [("vector", channels.vectors), ("chunk", chunks)]),
        _rows_of(kernel, symbol("vector"), source),
    ]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (kernel.step.dw,),
        channels.vectors * chunks,
        0,
        channels.chunk * taps * (kernel.shares + 8),
        helpers=_helpers(kernel),
    )


def _helpers(kernel: Kernel) -> tuple[Helper]:
    return (helpers.sum_shares(kernel.step.dw.dtype),)


def _rows_of(kernel: Kernel, vector: Size, source: str) -> str:
    """A chunk of the rows of one vector of output channels, from sums at ``source``."""
    channels, taps = kernel.channels, kernel.taps
    first = symbol("chunk") * channels.chunk
    row = (vector * (channels.lanes * channels.inputs) + first) * taps
    count = sizes.minimum(channels.inputs - first, channels.chunk) * taps
    left = sizes.minimum(channels.result - vector * channels.lanes, channels.lanes)
    return (
        f"{_helpers(kernel)[0].name}({kernel.step.dw.name} + {sizes.text(row)}, "
        f"{channels.inputs * taps}, {source}, "
        f"{sizes.text(kernel.shares)}, {kernel.share_size}, "
        f"{sizes.text(count)}, {sizes.text(left)});"
    )
