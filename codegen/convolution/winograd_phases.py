"""The C of a correlation by Winograd's minimal filtering.

A unit is a run of tiles, counted through all samples. The filters are in the order
[point][vector][input channel][lane] (``winograd_filters.py``). What a unit keeps
to itself is in ``winograd_scratch.py``.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import (
    bands,
    channel_sums,
    epilogue,
    helpers,
    kept,
    patches,
    text,
    winograd_overlaps,
)
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import blocks
from codegen.convolution.outlets import Tile
from codegen.convolution.winograd_ahead import beside_products, corner, place
from codegen.convolution.winograd_cut import Winograd
from codegen.convolution.winograd_scratch import memory_lines, scratch_bytes
from codegen.emission import Helper, Phase
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol

HEADERS = ("vectors.h", "convolution.h", "pooling.h", "winograd.h", "products.h")


def headers(cuts: list[Winograd]) -> tuple[str, ...]:
    """What the phases of ``cuts`` include."""
    transposed = ("winograd_transposed.h",) if any(w.transposed for w in cuts) else ()
    return HEADERS + transposed


def _dtype(w: Winograd) -> str:
    return w.correlation.source.buffer.dtype


def _ctype(w: Winograd) -> str:
    return C_TYPES[_dtype(w)]


def _kind(w: Winograd) -> str:
    return suffix(_dtype(w))


def _helpers(w: Winograd) -> tuple[Helper, Helper, Helper]:
    """What the three stages call."""
    dtype, side, lanes = _dtype(w), w.side, w.correlation.lanes
    products = helpers.products(dtype, w.vectors, w.pieces, helpers.ALONG, lanes)
    if w.transposed:
        spread = helpers.spread(dtype, side, w.patch[1])
        return spread, products, helpers.seen(dtype, side)
    return (
        helpers.inputs(dtype, side, w.outputs[1]),
        products,
        helpers.outputs(dtype, side, w.outputs),
    )


def _units(body: list[str]) -> tuple[str, ...]:
    return tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body))


def phase(w: Winograd) -> Phase:
    """The C function that computes a correlation from transformed filters."""
    c = w.correlation
    total = c.source.batch * w.sample_tiles
    inputs = w.points * w.input_step
    run = f"(unit * {w.bands.count} + turn)" if w.bands and w.keeps else "unit"
    body = []
    if w.shares > 1:
        run = "run"
        body = text.decode("unit", [("share", w.shares), ("run", w.runs)])
    body += [
        f"const int64_t first = {run} * {w.tiles};",
        f"const int64_t count = sg_min({w.tiles}, {sizes.text(total)} - first);",
        f"{_ctype(w)} *const inputs = ({_ctype(w)} *)scratch;",
        f"{_ctype(w)} *const products = inputs + {inputs};",
        *memory_lines(w),
        *_opened(w),
        *text.loop("tile", symbol("count"), _input(w)),
        *beside_products(w),
        *_groups(w),
    ]
    cost = w.tiles * 2 * w.points * c.channels.inputs * w.share
    if w.bands and w.keeps:
        body = text.loop("turn", w.bands.count, body)
        cost = cost * w.bands.count
    return Phase(
        _units(body),
        (c.source.buffer, c.filters, *epilogue.written_and_read(c)),
        w.runs * w.shares,
        scratch_bytes(w),
        cost,
        helpers=_helpers(w),
    )


def _opened(w: Winograd) -> list[str]:
    """The records of the sums that a unit takes of its results."""
    if w.shares == 1:
        return channel_sums.opened(w.correlation, symbol("unit"), 0, w.share)
    first = symbol("share") * w.share
    return channel_sums.opened(w.correlation, symbol("run"), first, w.share)


def _input(w: Winograd) -> list[str]:
    """The first stage for one tile: its patches transformed, block by block."""
    image, helper = w.correlation.source, _helpers(w)[0]
    to = f"inputs + tile * {w.input_row}", w.input_step
    shape = w.patch[1]
    lines = patches.patch(helper, image, 0, blocks(image), corner(w), shape, to)
    return [*place(w), *lines]


def _groups(w: Winograd) -> list[str]:
    """The second and third stage, for each group of output channels."""
    if w.bands is not None:
        results = _plates(w, w.bands)
    elif w.overlaps:
        results = winograd_overlaps.summed(w, place(w), _helpers(w)[2])
    else:
        outputs = text.loop("part", w.group, _outputs(w))
        results = text.loop("tile", symbol("count"), [*place(w), *outputs])
    lines, groups = [*_products(w), *results], w.share // w.group
    if w.shares == 1:
        return text.loop("group", groups, lines)
    first, last = (sizes.text((symbol("share") + at) * groups) for at in (0, 1))
    head = f"for (int64_t group = {first}; group < {last}; group++)"
    return text.block(head, lines)


def _plates(w: Winograd, held: Bands) -> list[str]:
    """The third stage for each band of a unit: a plane in the scratch, and pooled."""
    c, each = w.correlation, w.grid[0] * w.grid[1]
    tile = [*place(w), *_outputs(w)]
    head = f"for (int64_t tile = plate; tile < plate + {each}; tile++)"
    pooled = [
        *place(w, "first + plate"),
        f"const int64_t bundle = group * {w.group} + part;",
        "(void)row, (void)column;",
        *(kept.above(c, held) if held.step else []),
        *bands.pool_lines(c, held, 1),
        *(kept.keep(c, held) if held.step else []),
    ]
    part = [*text.block(head, tile), *text.block("", pooled)]
    plates = f"for (int64_t plate = 0; plate < count; plate += {each})"
    return text.block(plates, text.loop("part", w.group, part))


def _products(w: Winograd) -> list[str]:
    """At each point: tiles by input channels times input by output channels."""
    c, each = w.correlation, w.correlation.channels.inputs * w.correlation.lanes
    group = sizes.text(symbol("group") * (w.group * each), sizes.FREE)
    fields: dict[str, Size] = {
        "points": w.points,
        "parts": w.group // w.vectors,
        "turns": c.channels.inputs,
        "width": symbol("count"),
        "input_point": w.input_step,
        "input_turn": 1,
        "input_step": w.input_row,
        "filter_point": w.filter_step,
        "filter_part": w.vectors * each,
        "filter_turn": c.lanes,
        "filter_vector": each,
        "to_point": w.product_step,
        "to_part": w.vectors * c.lanes,
        "to_vector": c.lanes,
        "to_step": w.product_row,
    }
    pointers = ("inputs", f"{c.filters.name} + {group}", "products")
    return helpers.products_call(_helpers(w)[1], w.pieces, pointers, fields, ahead=True)


def _outputs(w: Winograd) -> list[str]:
    """The third stage for a vector of output channels of one tile."""
    c, kind, (height, width) = w.correlation, _kind(w), w.outputs
    lengths = w.bands.lengths if w.bands and not w.keeps else [c.rows.lengths[0]]
    down = len(set(lengths)) == 1 and lengths[0] % height == 0
    exact = down and c.columns.lengths[0] % width == 0
    at = f"products + tile * {w.product_row} + part * {c.lanes}"
    return [
        f"const int64_t bundle = group * {w.group} + part;",
        f"sg_{kind}v sum[1][{height * width}];",
        f"{_helpers(w)[2].name}({at}, {w.product_step}, sum[0]);",
        *_stored(w, Tile(1, height, width, not exact, True)),
    ]


def _stored(w: Winograd, tile: Tile) -> list[str]:
    if w.bands is None:
        return epilogue.store_lines(w.correlation, tile)
    return bands.store_lines(w.correlation, w.bands, tile)
