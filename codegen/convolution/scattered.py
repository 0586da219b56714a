"""Direct sums of small images that all taps see: at each tap, all products of it.

In the gradient of an image that was not padded, a row of results meets each tap with
as many of its pixels as a row of the input has. Where these are few, so are the sums
that a tile of results adds to at a tap, and they wait for each other. Here a tile is of
pixels of the input, of more than one row if need be: at each tap it fetches the sums
that they add to from the scratch, where those of a sample are, and puts them back.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import bands, epilogue, text
from codegen.convolution.outlets import Tile
from codegen.convolution.plan import Plan
from codegen.convolution.sums import channels, filter_place
from codegen.sizes import Size, symbol


def unit_lines(plan: Plan) -> list[str]:
    """The results of a bundle of vectors of channels of one sample."""
    rows, columns = plan.correlation.rows, plan.correlation.columns
    first, pieces = 0, []
    for piece in plan.pieces:
        pieces += text.block("", _piece(plan, first, piece))
        first += piece
    taps = text.loop("s", len(columns.taps), [_to(plan), *pieces])
    return [
        "(void)top, (void)bottom;",
        bands.held(plan.correlation, 0, "sums"),
        f"memset(sums, 0, {plan.scratch});",
        *text.loop("r", len(rows.taps), taps),
        *_stored(plan),
    ]


def _to(plan: Plan) -> str:
    """Where the first pixel of the input adds to at tap (r, s)."""
    rows, columns = plan.correlation.rows, plan.correlation.columns
    row = len(rows.taps) - 1 - symbol("r")
    column = len(columns.taps) - 1 - symbol("s")
    at = sizes.text((row * columns.lengths[0] + column) * plan.correlation.lanes)
    return f"{plan.ctype} *const to = sums + {at};"


def _piece(plan: Plan, first: int, pixels: int) -> list[str]:
    """The products of ``pixels`` of the input, from the ``first`` on, at one tap."""
    c, kind, vectors = plan.correlation, plan.kind, plan.tiling.vectors
    results, width = c.columns.lengths
    pixel = symbol("p") + first
    at = sizes.floordiv(pixel, width) * results + sizes.mod(pixel, width)
    place = sizes.text(_vector(plan, symbol("k")) + at * c.lanes)
    each = text.unrolled((("k", vectors), ("p", pixels)))
    source = symbol("chunk") * plan.view.chunk + first * plan.view.column
    chunk = [
        f"const {plan.ctype} *at = in + {sizes.text(source)},"
        f" *filter = filters + {sizes.text(filter_place(plan, symbol('s')))};",
        *channels(plan, 1, pixels, 0, pixels),
    ]
    return [
        f"sg_{kind}v sum[{vectors}][{pixels}];",
        f"{each} sum[k][p] = sg_load_{kind}(to + {place});",
        *text.loop("chunk", len(c.channels.chunks), chunk),
        f"{each} sg_store_{kind}(to + {place}, sum[k][p]);",
    ]


def _vector(plan: Plan, vector: Size) -> Size:
    """Where the sums of a vector of channels begin."""
    c = plan.correlation
    return vector * (c.rows.lengths[0] * c.columns.lengths[0] * c.lanes)


def _stored(plan: Plan) -> list[str]:
    """All sums through the epilogue to memory."""
    c, tiling = plan.correlation, plan.tiling
    pixel = symbol("row") * c.columns.lengths[0] + symbol("column") + symbol("j")
    at = _vector(plan, symbol("k")) + pixel * c.lanes
    tile = Tile(tiling.vectors, 1, tiling.strips[0].width)
    return epilogue.store_rows(c, tile, "sums", at)
