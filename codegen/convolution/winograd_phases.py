"""The C of a correlation by Winograd's minimal filtering.

A unit is a run of tiles, counted through all samples. The filters are in the order
[point][vector][input channel][lane] (``winograd_filters.py``).
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution import epilogue, text
from codegen.convolution.geometry import blocks
from codegen.convolution.patches import patch, place
from codegen.convolution.winograd import Winograd
from codegen.emission import Phase
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import symbol

HEADERS = ("vectors.h", "convolution.h", "pooling.h", "winograd.h")


def _item(w: Winograd) -> int:
    return np.dtype(w.correlation.source.buffer.dtype).itemsize


def _ctype(w: Winograd) -> str:
    return C_TYPES[w.correlation.source.buffer.dtype]


def _kind(w: Winograd) -> str:
    return suffix(w.correlation.source.buffer.dtype)


def _units(body: list[str]) -> tuple[str, ...]:
    return tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body))


def phase(w: Winograd) -> Phase:
    """The C function that computes a correlation from transformed filters."""
    c = w.correlation
    total = c.source.batch * (w.grid[0] * w.grid[1])
    inputs = w.points * w.input_step
    body = [
        f"const int64_t first = unit * {w.tiles};",
        f"const int64_t count = sg_min({w.tiles}, {sizes.text(total)} - first);",
        f"{_ctype(w)} *const inputs = ({_ctype(w)} *)scratch;",
        f"{_ctype(w)} *const products = inputs + {inputs};",
        *text.loop("tile", symbol("count"), [*_place(w), *_input(w)]),
        *_groups(w),
    ]
    used = (inputs + w.points * w.product_step) * _item(w)
    work = 2 * w.points * c.channels.inputs * c.channels.vectors
    return Phase(
        _units(body),
        (c.source.buffer, c.filters, *epilogue.written_and_read(c)),
        sizes.floordiv(total + (w.tiles - 1), w.tiles),
        used,
        w.tiles * work,
    )


def _place(w: Winograd) -> list[str]:
    return place(w.grid, w.outputs, "first + tile")


def _input(w: Winograd) -> list[str]:
    """The first stage for one tile: its patches transformed, block by block."""
    c, lanes = w.correlation, w.correlation.lanes
    corner = c.rows.first + symbol("row"), c.columns.first + symbol("column")
    to = f"inputs + tile * {w.input_row} + chunk * {lanes}, {w.input_step}"
    next_ = w.outputs[1] * lanes
    body = patch(
        c.source,
        symbol("chunk"),
        corner,
        (w.side, w.side),
        f"sg_winograd_input{w.side}_{_kind(w)}({{}}, {{}}, {{}}, {to}, {next_});",
    )
    return text.loop("chunk", blocks(c.source), body)


def _groups(w: Winograd) -> list[str]:
    """The second and third stage, for each group of output channels."""
    groups = w.correlation.channels.vectors // w.group
    products = text.loop(
        "point",
        w.points,
        text.loop("part", w.group // w.vectors, _products(w)),
    )
    outputs = text.loop("part", w.group, _outputs(w))
    tile = text.loop("tile", symbol("count"), [*_place(w), *outputs])
    return text.loop("group", groups, [*products, *tile])


def _products(w: Winograd) -> list[str]:
    """At one point: tiles by input channels times input by output channels."""
    c = w.correlation
    bundle = symbol("group") * (w.group // w.vectors) + symbol("part")
    filters = bundle * (w.vectors * c.channels.inputs * c.lanes)
    filters = filters + symbol("point") * w.filter_step
    lines = [
        f"const {_ctype(w)} *const filters = {c.filters.name} + {sizes.text(filters)};",
        "int64_t tile = 0;",
    ]
    for piece in dict.fromkeys(w.pieces):
        stop = piece * w.pieces.count(piece) if piece == w.pieces[0] else w.tiles
        head = f"for (; tile + {piece} <= {stop} && tile < count; tile += {piece})"
        lines += text.block(head, _product(w, piece))
    return lines


def _product(w: Winograd, piece: int) -> list[str]:
    c, kind = w.correlation, _kind(w)
    every = text.unrolled((("k", w.vectors), ("p", piece)))
    each = c.channels.inputs * c.lanes
    to = symbol("point") * w.product_step + symbol("tile") * w.product_row
    to = to + symbol("part") * (w.vectors * c.lanes)
    step = [
        f"sg_{kind}v weight[{w.vectors}];",
        text.unrolled((("k", w.vectors),)),
        f"    weight[k] = sg_load_{kind}(filter + k * {each});",
        text.unrolled((("p", piece), ("k", w.vectors))),
        f"    sum[k][p] += weight[k] * at[p * {w.input_row}];",
        "at += 1;",
        f"filter += {c.lanes};",
    ]
    return [
        f"sg_{kind}v sum[{w.vectors}][{piece}];",
        f"{every} sum[k][p] = (sg_{kind}v){{0}};",
        f"const {_ctype(w)} *filter = filters;",
        f"const {_ctype(w)} *at = inputs + point * {w.input_step}"
        f" + tile * {w.input_row};",
        "SG_ROLLED",
        *text.loop("channel", c.channels.inputs, step),
        f"{_ctype(w)} *const to = products + {sizes.text(to)};",
        every,
        f"    sg_store_{kind}(to + p * {w.product_row} + k * {c.lanes}, sum[k][p]);",
    ]


def _outputs(w: Winograd) -> list[str]:
    """The third stage for a vector of output channels of one tile."""
    c, kind, (height, width) = w.correlation, _kind(w), w.outputs
    exact = c.rows.lengths[0] % height == 0 and c.columns.lengths[0] % width == 0
    at = f"products + tile * {w.product_row} + part * {c.lanes}"
    return [
        f"const int64_t bundle = group * {w.group} + part;",
        f"sg_{kind}v sum[1][{height * width}];",
        f"sg_winograd_output{w.side}_{kind}({at}, {w.product_step},",
        f"    {height}, {width}, sum[0]);",
        *epilogue.store_lines(c, epilogue.Tile(1, height, width, not exact)),
    ]
