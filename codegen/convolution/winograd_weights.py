"""The filter gradient by Winograd's minimal filtering.

    dw = A' [ sum_tiles (G dy G') * (B' x B) ] A

where the roles of filters and outputs are exchanged: a tile of dy filters its patch
of x, and the taps of dw are the outputs. The transforms are the same points'.

A unit of the first phase takes some tiles at a time: patches of x and tiles of dy are
transformed, and at each point a matrix product adds up over the tiles. Its sums are in
the order [share][point][vector][input channel][lane]; the second phase adds the
shares, always in the same order, and transforms back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import helpers, text, tiles
from codegen.convolution.geometry import Axis, Channels, blocks, share
from codegen.convolution.helpers import Helper
from codegen.convolution.patches import patch, place
from codegen.convolution.winograd import (
    TYPICAL_BATCH,
    grid_of,
    outputs_of,
    sides,
)
from codegen.emission import Emission, Phase
from codegen.ir import ConvolutionBackwardWeights
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "winograd.h", "products.h")
UNITS = 8  # units of work, whatever the batch
GROUP = 4  # blocks of channels, in and out, that a unit takes
TILE_BYTES = 1 << 18  # what the transformed tiles of a unit may take
MOST_TILES = 64
INPUT_COST, OUTPUT_COST = 250, 180  # cycles of a transform at 36 points
SHARE_COST = 6  # cycles to clear, fill and add one vector of sums of a share


@dataclass(frozen=True)
class Cut:
    """The step cut in tiles, shares of the batch, and groups of channels."""

    step: ConvolutionBackwardWeights
    rows: Axis
    columns: Axis
    channels: Channels
    side: int
    vectors: int
    group_in: int
    group_out: int
    tiles: int
    shares: int

    @property
    def kind(self) -> str:
        return suffix(self.step.dw.dtype)

    @property
    def ctype(self) -> str:
        return C_TYPES[self.step.dw.dtype]

    @property
    def points(self) -> int:
        """Products that a tile takes, for each input and output channel."""
        return self.side * self.side

    @property
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of a tile of dy."""
        return outputs_of(self.side, self.rows, self.columns)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one sample."""
        return grid_of(self.side, self.rows, self.columns)

    @property
    def total(self) -> Size:
        """Tiles of the whole batch."""
        return self.step.x.batch * (self.grid[0] * self.grid[1])

    @property
    def groups(self) -> tuple[int, int]:
        """Groups of input blocks and of output vectors."""
        inputs = blocks(self.step.x) // self.group_in
        return inputs, self.channels.vectors // self.group_out

    @property
    def point_size(self) -> int:
        """Elements of the sums of one point."""
        return self.channels.vectors * self.channels.inputs * self.channels.lanes

    @property
    def input_step(self) -> int:
        """Elements of the transformed x of one point, off powers of two."""
        return (self.tiles * self.group_in + 1) * self.channels.lanes

    @property
    def gradient_step(self) -> int:
        """The same for dy."""
        return (self.tiles * self.group_out + 1) * self.channels.lanes


def cut(
    step: ConvolutionBackwardWeights,
    rows: Axis,
    columns: Axis,
    direct_cost: float,
    target: Target,
) -> Cut | None:
    """The cut of ``step``, or None where direct sums are estimated to be faster."""
    lanes = target.lanes(step.dw.dtype)
    if step.window.groups != 1 or step.x.block != lanes:
        return None
    found = [_cut(step, rows, columns, side, lanes) for side in sides(rows, columns)]
    cheapest = min(found, key=lambda c: _cost(c, target), default=None)
    if cheapest is None or _cost(cheapest, target) >= direct_cost:
        return None
    return cheapest


def _cut(
    step: ConvolutionBackwardWeights, rows: Axis, columns: Axis, side: int, lanes: int
) -> Cut:
    """As many tiles at a time as the cache holds, and shares of the batch enough."""
    channels = Channels(step.x.channels, step.dy.channels, 1, lanes)
    vectors = max(v for v in (1, 2) if channels.vectors % v == 0)
    group_in = _divisor(blocks(step.x), 1)
    group_out = _divisor(channels.vectors, vectors)
    item = np.dtype(step.dw.dtype).itemsize
    each = side * side * (group_in + group_out) * lanes * item
    number = max(min(TILE_BYTES // each, MOST_TILES), 8)
    units = blocks(step.x) // group_in * (channels.vectors // group_out)
    return Cut(
        step,
        rows,
        columns,
        channels,
        side,
        vectors,
        group_in,
        group_out,
        number,
        shares=-(-UNITS // units),
    )


def _divisor(number: int, least: int) -> int:
    """The largest divisor of ``number`` up to GROUP that is a multiple of ``least``."""
    wanted = range(least, max(GROUP, least) + 1, least)
    return max(d for d in wanted if number % d == 0)


def _pieces(c: Cut, channels: int, target: Target) -> list[int]:
    return tiles.even_pieces(channels, tiles.most_pixels(c.vectors, target))


def _cost(c: Cut, target: Target) -> float:
    """Rough cycles of one sample, in the measure of the direct tiles."""
    pieces = _pieces(c, c.channels.inputs, target)
    steps = sum(tiles.step_cost(c.vectors, piece, target) for piece in pieces)
    steps *= 1 + 2 / c.tiles
    products = c.points * steps * c.channels.vectors / c.vectors
    scale = c.points / 36
    inputs = scale * INPUT_COST * blocks(c.step.x) * c.groups[1]
    gradients = scale * OUTPUT_COST * c.channels.vectors * c.groups[0]
    batch = c.step.x.batch if isinstance(c.step.x.batch, int) else TYPICAL_BATCH
    sums = c.points * c.channels.inputs * c.channels.vectors * SHARE_COST * c.shares
    each = c.grid[0] * c.grid[1] * (products + inputs + gradients)
    return each + sums / max(batch, 1)


def emission(c: Cut, target: Target) -> Emission:
    """The two phases: sums at the points, and the taps of dw from them."""
    item = np.dtype(c.step.dw.dtype).itemsize
    shared = c.shares * c.points * c.point_size * item
    return Emission((_sums(c, target), _taps(c)), shared, HEADERS)


def _sums(c: Cut, target: Target) -> Phase:
    inputs, outputs = c.groups
    parts: list[tuple[str, Size]] = [
        ("part", c.shares),
        ("bundle", outputs),
        ("chunk", inputs),
    ]
    start = sizes.text(share(symbol("part"), c.shares, c.total))
    stop = sizes.text(share(symbol("part") + 1, c.shares, c.total))
    size = c.points * c.point_size
    body = [
        *text.decode("unit", parts),
        f"{c.ctype} *const total = ({c.ctype} *)shared + part * {size};",
        f"{c.ctype} *const inputs = ({c.ctype} *)scratch;",
        f"{c.ctype} *const gradients = inputs + {c.points * c.input_step};",
        *_cleared(c),
        *text.block(
            f"for (int64_t first = {start}; first < {stop}; first += {c.tiles})",
            [
                f"const int64_t count = sg_min({c.tiles}, {stop} - first);",
                *text.loop("tile", symbol("count"), _transformed(c)),
                *_products(c, target),
            ],
        ),
    ]
    item = np.dtype(c.step.dw.dtype).itemsize
    units = c.shares * inputs * outputs
    called = [_inputs(c), _gradients(c)]
    called += [
        helpers.products(c.step.dw.dtype, c.vectors, pieces)
        for pieces in _forms(c, target)
    ]
    work = c.points * c.point_size // c.channels.lanes
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.step.x.buffer, c.step.dy.buffer),
        units,
        c.points * (c.input_step + c.gradient_step) * item,
        sizes.floordiv(c.total * work, units),
        helpers=tuple(helper.definition for helper in called),
        family=f"winograd{c.side}",
    )


def _inputs(c: Cut) -> Helper:
    return helpers.inputs(c.step.dw.dtype, c.side, c.outputs[1])


def _gradients(c: Cut) -> Helper:
    return helpers.filters(c.step.dw.dtype, c.side, c.outputs)


def _channel_range(c: Cut) -> tuple[Size, Size]:
    """The first input channel of a unit, and how many it has."""
    wide = c.group_in * c.channels.lanes
    first = symbol("chunk") * wide
    return first, sizes.minimum(c.channels.inputs - first, min(wide, c.channels.inputs))


def _place_of_sum(c: Cut, vector: Size, channel: Size) -> Size:
    at = (vector * c.channels.inputs + channel) * c.channels.lanes
    return at + symbol("point") * c.point_size


def _cleared(c: Cut) -> list[str]:
    first, count = _channel_range(c)
    vector = symbol("bundle") * c.group_out + symbol("k")
    at = sizes.text(_place_of_sum(c, vector, first))
    size = sizes.text(count * c.channels.lanes)
    clear = f"memset(total + {at}, 0, (size_t)({size}) * sizeof *total);"
    return text.loop("point", c.points, text.loop("k", c.group_out, [clear]))


def _transformed(c: Cut) -> list[str]:
    """One tile: its patches of x and its part of dy at the 36 points."""
    lanes = c.channels.lanes
    corner = c.rows.first + symbol("row"), c.columns.first + symbol("column")
    to = f"inputs + (tile * {c.group_in} + k) * {lanes}, {c.input_step}"
    inputs = patch(
        c.step.x,
        symbol("chunk") * c.group_in + symbol("k"),
        corner,
        (c.side, c.side),
        f"{_inputs(c).name}({{}}, {{}}, {to});",
    )
    to = f"gradients + (tile * {c.group_out} + k) * {lanes}, {c.gradient_step}"
    gradients = patch(
        c.step.dy,
        symbol("bundle") * c.group_out + symbol("k"),
        (symbol("row"), symbol("column")),
        c.outputs,
        f"{_gradients(c).name}({{}}, {{}}, {lanes}, {to});",
    )
    return [
        *place(c.grid, c.outputs, "first + tile"),
        *text.loop("k", c.group_in, inputs),
        *text.loop("k", c.group_out, gradients),
    ]


def _forms(c: Cut, target: Target) -> tuple[list[int], ...]:
    """The pieces of the channels of a unit: of most units, and of the last if other."""
    wide = c.group_in * c.channels.lanes
    full = min(wide, c.channels.inputs)
    last = c.channels.inputs - (c.groups[0] - 1) * wide
    each = (full,) if full == last else (full, last)
    return tuple(_pieces(c, channels, target) for channels in each)


def _products(c: Cut, target: Target) -> list[str]:
    """At each point: the sums of a unit's channels, over its tiles."""
    most, *last = (_product(c, pieces) for pieces in _forms(c, target))
    if not last:
        return text.block("", most)
    head = f"if (chunk < {c.groups[0] - 1})"
    return [*text.block(head, most), *text.block("else", last[0])]


def _product(c: Cut, pieces: list[int]) -> list[str]:
    lanes, inputs = c.channels.lanes, c.channels.inputs
    fields: dict[str, Size] = {
        "points": c.points,
        "parts": c.group_out // c.vectors,
        "turns": symbol("count"),
        "width": sum(pieces),
        "input_point": c.input_step,
        "input_turn": c.group_in * lanes,
        "input_step": 1,
        "filter_point": c.gradient_step,
        "filter_part": c.vectors * lanes,
        "filter_turn": c.group_out * lanes,
        "filter_vector": lanes,
        "to_point": c.point_size,
        "to_part": c.vectors * inputs * lanes,
        "to_vector": inputs * lanes,
        "to_step": lanes,
        "add": 1,
    }
    first = symbol("bundle") * (c.group_out * inputs) + _channel_range(c)[0]
    to = f"total + {sizes.text(first * lanes, sizes.FREE)}"
    pointers = ("inputs", "gradients", to)
    helper = helpers.products(c.step.dw.dtype, c.vectors, pieces)
    return helpers.products_call(helper, pieces, pointers, fields)


def _taps(c: Cut) -> Phase:
    """dw from the sums; a unit is a vector of output channels by an input channel."""
    channels, kind = c.channels, c.kind
    lanes, (height, width) = channels.lanes, (len(c.rows.taps), len(c.columns.taps))
    helper = helpers.outputs(c.step.dw.dtype, c.side, (height, width))
    point = f"unit * {lanes} + point * {c.point_size}"
    row = symbol("vector") * lanes * channels.inputs + symbol("channel")
    to = f"{c.step.dw.name} + {sizes.text(row * (height * width))}"
    step = channels.inputs * height * width
    left = sizes.minimum(channels.result - symbol("vector") * lanes, lanes)
    summed = [
        f"const {c.ctype} *const from = (const {c.ctype} *)shared + {point};",
        f"sg_{kind}v sum = sg_load_{kind}(from);",
        f"for (int64_t part = 1; part < {c.shares}; part++)",
        f"    sum += sg_load_{kind}(from + part * {c.points * c.point_size});",
        f"sg_store_{kind}(sums + point * {lanes}, sum);",
    ]
    body = [
        *text.decode(
            "unit", [("vector", channels.vectors), ("channel", channels.inputs)]
        ),
        f"{c.ctype} sums[{c.points * lanes}];",
        *text.loop("point", c.points, summed),
        f"sg_{kind}v taps[{height * width}];",
        f"{helper.name}(sums, {lanes}, taps);",
        f"sg_sum_shares_{kind}({to}, {step}, (const {c.ctype} *)taps, 1, 0,",
        f"    {height * width}, {sizes.text(left)});",
    ]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.step.dw,),
        channels.vectors * channels.inputs,
        0,
        c.points * (c.shares + 4),
        helpers=(helper.definition,),
        family=f"winograd{c.side}",
    )
