"""The filter gradient by Winograd's minimal filtering as C.

A unit of the first phase takes some tiles at a time: patches of x and tiles of dy are
transformed, and at each point a matrix product adds up over the tiles. Its sums are in
the order [share][point][vector][input channel][lane]; the second phase makes dw of them
(``winograd_weight_taps.py``). In a long share the sums are put aside after some
additions, as if another share began, so that their error stays small.
``winograd_weights.py`` says how the step is cut.
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution import helpers, text
from codegen.convolution.geometry import position, share
from codegen.convolution.patches import patch, place
from codegen.convolution.winograd_ahead import Stream, looking
from codegen.convolution.winograd_weight_taps import taps
from codegen.convolution.winograd_weights import MOST_TURNS, Cut, pieces_of
from codegen.emission import Emission, Helper, Phase
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "winograd.h", "products.h")


def emission(c: Cut, target: Target) -> Emission:
    """The two phases: sums at the points, and the taps of dw from them."""
    item = np.dtype(c.step.dw.dtype).itemsize
    shared = c.sums * (c.points * c.point_size * item)
    return Emission((_sums(c, target), taps(c)), shared, HEADERS)


def _sums(c: Cut, target: Target) -> Phase:
    """Sums at the points, over a share of the tiles, for groups of channels."""
    inputs, outputs = c.groups
    item = np.dtype(c.step.dw.dtype).itemsize
    units = c.shares * inputs * outputs
    called = [_inputs(c), helpers.filters(c.step.dw.dtype, c.side, c.outputs)]
    called += [_gradients(c)]
    called += [_multiplied(c, pieces) for pieces in _forms(c, target)]
    work = c.points * c.point_size // c.channels.lanes
    body = _unit(c, target)
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.step.x.buffer, c.step.dy.buffer),
        units,
        c.points * (c.input_step + c.gradient_step) * item,
        sizes.floordiv(c.total * work, units),
        helpers=tuple(called),
    )


def _unit(c: Cut, target: Target) -> list[str]:
    """Some tiles at a time: transformed, then multiplied and added up at each point."""
    inputs, outputs = c.groups
    parts: list[tuple[str, Size]] = [
        ("part", c.shares),
        ("bundle", outputs),
        ("chunk", inputs),
    ]
    start = sizes.text(share(symbol("part"), c.shares, c.total))
    stop = sizes.text(share(symbol("part") + 1, c.shares, c.total))
    size = c.points * c.point_size
    return [
        *text.decode("unit", parts),
        f"{c.ctype} *const total = ({c.ctype} *)shared + part * {size};",
        f"{c.ctype} *const inputs = ({c.ctype} *)scratch;",
        f"{c.ctype} *const gradients = inputs + {c.points * c.input_step};",
        *_cleared(c),
        *_aside(c),
        *text.block(
            f"for (int64_t first = {start}; first < {stop}; first += {c.tiles})",
            [
                f"const int64_t count = sg_min({c.tiles}, {stop} - first);",
                *text.loop("tile", symbol("count"), _transformed(c)),
                *_put_aside(c),
                *_beside_products(c, target),
                *_products(c, target),
            ],
        ),
    ]


def _inputs(c: Cut) -> Helper:
    return helpers.inputs(c.step.dw.dtype, c.side, c.outputs[1])


def _gradients(c: Cut) -> Helper:
    return helpers.gradients(c.step.dw.dtype, c.side, c.outputs)


def _multiplied(c: Cut, pieces: list[int]) -> Helper:
    dtype, lanes = c.step.dw.dtype, c.channels.lanes
    return helpers.products(dtype, c.vectors, pieces, helpers.ACROSS, lanes)


def _channel_range(c: Cut) -> tuple[Size, Size]:
    """The first input channel of a unit, and how many it has."""
    wide = c.group_in * c.channels.lanes
    first = symbol("chunk") * wide
    return first, sizes.minimum(c.channels.inputs - first, min(wide, c.channels.inputs))


def _place_of_sum(c: Cut, vector: Size, channel: Size) -> Size:
    at = (vector * c.channels.inputs + channel) * c.channels.lanes
    return at + symbol("point") * c.point_size


def _cleared(c: Cut, sums: str = "total") -> list[str]:
    clear = f"memset({sums} + {{at}}, 0, (size_t)({{size}}) * sizeof *total);"
    return _each_row(c, clear)


def _each_row(c: Cut, line: str) -> list[str]:
    """``line`` for each row of a unit's sums: ``size`` numbers that begin ``at``."""
    first, count = _channel_range(c)
    vector = symbol("bundle") * c.group_out + symbol("k")
    at = sizes.text(_place_of_sum(c, vector, first))
    size = sizes.text(count * c.channels.lanes)
    shown = line.format(at=at, size=size)
    return text.loop("point", c.points, text.loop("k", c.group_out, [shown]))


def _aside(c: Cut) -> list[str]:
    """Where sums are put aside, where they are."""
    if c.long == 0:
        return []
    size = sizes.text(c.long * (c.shares * c.points * c.point_size))
    return [
        f"{c.ctype} *const aside = total + {size};",
        *text.block("if (aside != total)", _cleared(c, "aside")),
        "int64_t turns = 0;",
    ]


def _put_aside(c: Cut) -> list[str]:
    """The sums added to those that are aside, after enough turns."""
    if c.long == 0:
        return []
    move = f"sg_put_aside_{c.kind}(aside + {{at}}, total + {{at}}, {{size}});"
    head = f"if (turns++ == {MOST_TURNS})"
    return text.block(head, ["turns = 1;", *_each_row(c, move)])


def _transformed(c: Cut) -> list[str]:
    """One tile: its patches of x and its part of dy at the 36 points."""
    lanes, wide, many = c.channels.lanes, c.group_in, c.group_out
    corner = c.rows.first + symbol("row"), c.columns.first + symbol("column")
    shape = c.side, c.side
    to = f"inputs + tile * {wide * lanes}", c.input_step
    inputs = patch(
        _inputs(c), c.step.x, symbol("chunk") * wide, wide, corner, shape, to
    )
    corner = symbol("row"), symbol("column")
    to = f"gradients + tile * {many * lanes}", c.gradient_step
    first = symbol("bundle") * many
    gradients = patch(_gradients(c), c.step.dy, first, many, corner, c.outputs, to)
    return [
        *place(c.grid, c.outputs, "first + tile"),
        *text.block("", inputs),
        *text.block("", gradients),
    ]


def _beside_products(c: Cut, target: Target) -> list[str]:
    """What the products ask for: what the next tiles of the share read."""
    x, dy, rise = c.step.x, c.step.dy, c.outputs[0]
    block, vector = symbol("chunk") * c.group_in, symbol("bundle") * c.group_out
    at_x, at_dy = (
        f"{image.buffer.name} + {sizes.text(position(image, 0, first, 0, 0))}"
        for image, first in ((x, block), (dy, vector))
    )
    more = c.rows.first + c.side - rise
    streams = [
        Stream(x, at_x, c.group_in, c.grid, rise, more=more, next=True),
        Stream(dy, at_dy, c.group_out, c.grid, rise, next=True),
    ]
    pieces = max(map(len, _forms(c, target)))
    turns = c.points * (c.group_out // c.vectors) * pieces
    stop = sizes.text(share(symbol("part") + 1, c.shares, c.total))
    return looking(streams, c.tiles, stop, turns)


def _forms(c: Cut, target: Target) -> tuple[list[int], ...]:
    """The pieces of the channels of a unit: of most units, and of the last if other."""
    wide = c.group_in * c.channels.lanes
    full = min(wide, c.channels.inputs)
    last = c.channels.inputs - (c.groups[0] - 1) * wide
    each = (full,) if full == last else (full, last)
    return tuple(pieces_of(c, channels, target) for channels in each)


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
    return helpers.products_call(
        _multiplied(c, pieces), pieces, pointers, fields, ahead=True
    )
