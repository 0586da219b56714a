"""The filter gradient of few pixels: a product of dy with the patches of x.

    dw[k, (c, r, s)] = sum_p dy[k, p] X[p, (c, r, s)]

where X[p] is the patch of x that pixel p sees, in the order of the rows of dw. Where
pixels are fewer than output channels, sums in another order than that of dw cost more
to bring in order than the patches, which are fewer numbers. So a unit lays down the
patches of a chunk of input channels and multiplies them by all of dy: its vectors are
of neighbours in a row of dw, and are stored where they belong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import helpers, text, tiles
from codegen.convolution.geometry import LINE_BYTES, plane, position
from codegen.convolution.reading import Reading, View, view
from codegen.convolution.weight_plan import Kernel
from codegen.emission import Emission, Helper, Phase
from codegen.memory import aligned
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "products.h")
FEWER = 2  # times fewer pixels than output channels, at least
MOST_VECTORS = 5
NEAR_BYTES = 1 << 19  # of a gradient whose lines need not be asked for


@dataclass(frozen=True)
class Part:
    """``turns`` times ``vectors`` of a patch, each by ``pieces`` of the rows of dw."""

    turns: int
    vectors: int
    pieces: tuple[int, ...]

    def cost(self, target: Target) -> float:
        """Rough cycles of a pixel, one multiply-add a cycle; all is in a cache."""
        return self.turns * sum(
            max(self.vectors * piece, tiles.latency(target))
            + tiles.loads(self.vectors, piece, target)
            for piece in self.pieces
        )


@dataclass(frozen=True)
class Patches:
    """The step as a product: how patches are read, and the parts they are cut in."""

    kernel: Kernel
    view: View
    parts: tuple[Part, ...]
    group: int  # chunks of input channels of a unit

    @property
    def lanes(self) -> int:
        return self.kernel.channels.lanes

    @property
    def size(self) -> int:
        """Elements of a patch of a unit's channels."""
        return self.group * self.kernel.taps * self.lanes

    @property
    def pixels(self) -> int:
        """Pixels of dy in one sample."""
        return self.kernel.rows.lengths[0] * self.kernel.columns.lengths[0]

    @property
    def row(self) -> int:
        """Elements of a row of dw."""
        return self.kernel.channels.inputs * self.kernel.taps

    @property
    def item(self) -> int:
        """The bytes of a number."""
        return np.dtype(self.kernel.step.dw.dtype).itemsize


def patches(kernel: Kernel, target: Target) -> Patches | None:
    """The step as a product, where its pixels are few and its channels whole vectors.

    An empty batch has none that would clear dw.
    """
    step, channels = kernel.step, kernel.channels
    whole = channels.inputs % channels.lanes == 0 == channels.result % channels.lanes
    if not whole or channels.groups > 1 or step.x.block == 1 or step.places:
        return None
    if not (kernel.rows.known and kernel.columns.known):
        return None
    pixels = step.x.batch * plane(step.dy)
    if not isinstance(pixels, int) or pixels == 0:
        return None
    if pixels * FEWER > channels.result * channels.lanes:
        return None
    chunk = symbol("chunk")
    reading = Reading(step.x, kernel.rows, kernel.columns, channels, 0, 0, chunk)
    found = view(reading, kernel.rows.count)
    group = _group(kernel, target) if kernel.taps == 1 and not found.copy else 1
    parts = _cheapest(group * kernel.taps, channels.lanes, target)
    return Patches(kernel, found, parts, group)


def _group(kernel: Kernel, target: Target) -> int:
    """Chunks of a single tap go together: each group reads all of dy again."""
    chunks = len(kernel.channels.chunks)
    enough = (
        n
        for n in range(2, MOST_VECTORS + 1)
        if chunks % n == 0 and chunks // n >= target.units
    )
    return max(enough, default=1)


def _cheapest(taps: int, lanes: int, target: Target) -> tuple[Part, ...]:
    """``taps`` vectors cut in parts of as many at a time as cost least."""
    ways = (
        _parts(taps, vectors, lanes, target)
        for vectors in range(1, min(taps, MOST_VECTORS) + 1)
    )
    return min(ways, key=lambda parts: sum(part.cost(target) for part in parts))


def _parts(taps: int, vectors: int, lanes: int, target: Target) -> tuple[Part, ...]:
    turns = ((taps // vectors, vectors), (1, taps % vectors))
    return tuple(
        Part(n, v, tuple(tiles.even_pieces(lanes, tiles.most_pixels(v, target))))
        for n, v in turns
        if v
    )


def emission(p: Patches) -> Emission:
    """One phase; a unit is a group of chunks of input channels."""
    kernel, step = p.kernel, p.kernel.step
    used = aligned(p.view.scratch)
    start = f"({kernel.ctype} *)(scratch + {sizes.text(used)})"
    body = [
        f"const int64_t top = 0, bottom = {sizes.text(kernel.rows.count)};",
        f"{kernel.ctype} *const patches = {start};",
        "(void)top, (void)bottom;",
        *(_taps(p) if p.kernel.taps > 1 else []),
        *text.loop("sample", step.x.batch, [*_laid(p), *_multiplied(p)]),
    ]
    phase = Phase(
        tuple(text.block("for (int64_t group = begin; group < end; group++)", body)),
        (step.x.buffer, step.dy.buffer, step.dw),
        len(kernel.channels.chunks) // p.group,
        used + (p.pixels * p.size + p.lanes) * p.item,
        p.pixels * step.x.batch * kernel.channels.vectors * p.size,
        helpers=tuple(_helper(p, part) for part in p.parts),
    )
    return Emission((phase,), 0, HEADERS)


def _helper(p: Patches, part: Part) -> Helper:
    dtype, across = p.kernel.step.dw.dtype, helpers.ACROSS
    return helpers.products(dtype, part.vectors, part.pieces, across, p.lanes)


def _taps(p: Patches) -> list[str]:
    """Where the taps of a patch are, from its corner on."""
    rows, columns = p.kernel.rows, p.kernel.columns
    at = symbol("r") * (rows.dilation * p.view.row)
    at = at + symbol("s") * (columns.dilation * p.view.column)
    tap = symbol("r") * len(columns.taps) + symbol("s")
    each = f"taps[{sizes.text(tap)}] = {sizes.text(at)};"
    across = text.loop("s", len(columns.taps), [each])
    return [f"int64_t taps[{p.kernel.taps}];", *text.loop("r", len(rows.taps), across)]


def _laid(p: Patches) -> list[str]:
    """The patches of a sample, pixel by pixel."""
    rows, columns, steps = p.kernel.rows, p.kernel.columns, p.view
    row = steps.top + symbol("row") * rows.stride
    column = steps.left + symbol("column") * columns.stride
    corner = sizes.text(row * steps.row + column * steps.column)
    pixel = (symbol("row") * columns.count + symbol("column")) * p.size
    to = sizes.text(pixel + symbol("part") * (p.kernel.taps * p.lanes))
    kind = p.kernel.kind
    call = f"sg_lay_patch_{kind}(patches + {to}, in + {corner}, taps, {p.kernel.taps});"
    if p.kernel.taps == 1:
        call = f"sg_store_{kind}(patches + {to}, sg_load_{kind}(in + {corner}));"
    each = [
        f"const int64_t chunk = group * {p.group} + part;",
        *steps.copy,
        f"const {p.kernel.ctype} *const in = {steps.pointer};",
    ]
    swept = text.loop("row", rows.count, text.loop("column", columns.count, [call]))
    return text.loop("part", p.group, [*each, *swept])


def _multiplied(p: Patches) -> list[str]:
    """Their products with each vector of channels of dy: as many rows of dw."""
    lines, done = _asked(p), 0
    for part in p.parts:
        lines += text.block("", _product(p, part, done * p.lanes))
        done += part.turns * part.vectors
    return text.loop("vector", p.kernel.channels.vectors, lines)


def _product(p: Patches, part: Part, first: int) -> list[str]:
    """What ``part`` makes of the patches from element ``first`` on."""
    step, lanes = p.kernel.step, p.lanes
    dy = position(step.dy, symbol("sample"), symbol("vector"), 0, 0)
    to = symbol("vector") * (lanes * p.row) + symbol("group") * p.size + first
    fields: dict[str, Size] = {
        "points": 1,
        "parts": part.turns,
        "turns": p.pixels,
        "width": lanes,
        "input_turn": lanes,
        "input_step": 1,
        "filter_part": part.vectors * lanes,
        "filter_turn": p.size,
        "filter_vector": lanes,
        "to_part": part.vectors * lanes,
        "to_vector": lanes,
        "to_step": p.row,
        "add": sizes.minimum(symbol("sample"), 1),
    }
    pointers = (
        f"{step.dy.buffer.name} + {sizes.text(dy, sizes.FREE)}",
        f"patches + {first}",
        f"{step.dw.name} + {sizes.text(to, sizes.FREE)}",
    )
    return helpers.products_call(
        _helper(p, part), part.pieces, pointers, fields, ahead=False
    )


def _asked(p: Patches) -> list[str]:
    """Ask for the rows that the next vector of channels makes, where they are far."""
    step, line = p.kernel.step, LINE_BYTES // p.item
    if p.row * step.dy.channels * p.item <= NEAR_BYTES:
        return []
    row = (symbol("vector") + 1) * p.lanes + symbol("row")
    at = row * p.row + symbol("group") * p.size + symbol("line") * line
    ask = f"__builtin_prefetch({step.dw.name} + {sizes.text(at)}, 1, 2);"
    return text.loop("row", p.lanes, text.loop("line", -(-p.size // line), [ask]))
