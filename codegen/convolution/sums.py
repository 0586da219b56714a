"""The sums of one tile: chunks of input channels, taps, the channels of a chunk.

That is the order in which filters are packed. ``row`` and ``column`` are the tile's
corner among the outputs; ``in`` and ``filters`` what it reads.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import ahead, text
from codegen.convolution.geometry import Axis, share
from codegen.convolution.plan import Plan
from codegen.convolution.strips import Strip
from codegen.convolution.tiles import writes_out
from codegen.sizes import Size, symbol


def sum_lines(
    plan: Plan, height: int, strip: Strip, with_chunks: list[str]
) -> list[str]:
    """Lines that fill ``sum[vectors][height * width]``, others with each chunk."""
    width = strip.width
    every = text.unrolled((("k", plan.tiling.vectors), ("p", height * width)))
    lines = [
        f"sg_{plan.kind}v sum[{plan.tiling.vectors}][{height * width}];",
        *_begun(plan, every, height * width),
    ]
    if not plan.taps:
        return lines
    taps = _clipped_taps(plan, strip) if strip.spans else _taps(plan, height, width)
    if plan.slices > 1:
        taps = [*ahead.filter_lines(plan), *taps]
    rows = _rows(plan, taps)
    return [*lines, *_chunks(plan, [*with_chunks, *rows])]


def _begun(plan: Plan, every: str, pixels: int) -> list[str]:
    """The sums at first: none, or those of the slices before."""
    zero = f"{every} sum[k][p] = (sg_{plan.kind}v){{0}};"
    if plan.slices == 1:
        return [zero]
    at = f"waiting + (k * {pixels} + p) * {plan.correlation.lanes}"
    return [
        f"if (slice == 0) {zero}",
        f"else {every} sum[k][p] = sg_load_{plan.kind}({at});",
    ]


def _chunks(plan: Plan, body: list[str]) -> list[str]:
    """The loop over the chunks of input channels, or those of ``slice``."""
    chunks = len(plan.correlation.channels.chunks)
    if plan.slices == 1:
        return text.loop("chunk", chunks, body)
    first, last = (
        sizes.text(share(symbol("slice") + at, plan.slices, chunks)) for at in (0, 1)
    )
    head = f"for (int64_t chunk = {first}; chunk < {last}; chunk++)"
    return text.block(head, body)


def put_aside(plan: Plan, pixels: int, stored: list[str]) -> list[str]:
    """Lines that keep sums for the next slice; after the last they are ``stored``."""
    if plan.slices == 1:
        return stored
    vectors, lanes = plan.tiling.vectors, plan.correlation.lanes
    every = text.unrolled((("k", vectors), ("p", pixels)))
    at = f"waiting + (k * {pixels} + p) * {lanes}"
    return [
        *text.block(f"if (slice == {plan.slices - 1})", stored),
        "else",
        f"    {every} sg_store_{plan.kind}({at}, sum[k][p]);",
        f"waiting += {vectors * pixels * lanes};",
    ]


def _rows(plan: Plan, body: list[str]) -> list[str]:
    """The loop over the rows of taps, of those that meet the image."""
    rows = plan.correlation.rows
    if not plan.tiling.clipped or rows.inside:
        return text.loop("r", len(rows.taps), body)
    low, high = _met(rows, symbol("row"))
    head = f"for (int64_t r = {sizes.text(low)}; r < {sizes.text(high)}; r++)"
    return text.block(head, body)


def _met(axis: Axis, index: Size) -> tuple[Size, Size]:
    """The taps t with ``0 <= first + stride index + dilation t < extent``."""
    at = axis.first + axis.stride * index
    low = sizes.floordiv(axis.dilation - 1 - at, axis.dilation)
    high = sizes.floordiv(axis.extent - at + (axis.dilation - 1), axis.dilation)
    return sizes.maximum(low, 0), sizes.minimum(high, len(axis.taps))


def _taps(plan: Plan, height: int, width: int) -> list[str]:
    """All columns of taps for all pixels of the tile."""
    body = [
        _pointers(plan, symbol("s"), 0),
        *channels(plan, height, width, 0, width),
    ]
    return text.loop("s", len(plan.correlation.columns.taps), body)


def _clipped_taps(plan: Plan, strip: Strip) -> list[str]:
    """Each column of taps for those pixels whose input exists."""
    lines: list[str] = []
    for s, (low, high) in enumerate(strip.spans):
        if low < high:
            body = [
                _pointers(plan, s, low),
                *channels(plan, 1, strip.width, low, high),
            ]
            lines += text.block("", body)
    return lines


def _pointers(plan: Plan, s: Size, low: int) -> str:
    """Where the filters of tap (r, s) begin, and its input for pixel ``low``."""
    c, steps = plan.correlation, plan.view
    rows, columns = c.rows, c.columns
    row = steps.top + symbol("row") * rows.stride + symbol("r") * rows.dilation
    column = steps.left + (symbol("column") + low) * columns.stride
    column = column + s * columns.dilation
    at = row * steps.row + column * steps.column + symbol("chunk") * steps.chunk
    return (
        f"const {plan.ctype} *at = in + {sizes.text(at)},"
        f" *filter = filters + {sizes.text(filter_place(plan, s))};"
    )


def filter_place(plan: Plan, s: Size) -> Size:
    """Where the filters of a chunk at tap (r, s) begin."""
    c = plan.correlation
    tap = (symbol("r") * len(c.columns.taps) + s) * _chunk_size(plan)
    return (symbol("chunk") * (c.channels.chunk * plan.taps) + tap) * c.lanes


def channels(plan: Plan, height: int, width: int, low: int, high: int) -> list[str]:
    """The innermost loop: the channels of a chunk, all written out or one by one."""
    size = _chunk_size(plan)
    if _written_out(plan):
        each = _channel(plan, height, width, low, high, symbol("q"))
        return text.block(text.unrolled((("q", sizes.evaluate(size, {})),)), each)
    body = [
        *_channel(plan, height, width, low, high, 0),
        f"at += {sizes.text(plan.view.channel)};",
        f"filter += {plan.correlation.lanes};",
    ]
    return ["SG_ROLLED", *text.loop("channel", size, body)]


def _written_out(plan: Plan) -> bool:
    """Whether the channels of a chunk follow one another without a loop."""
    c = plan.correlation
    known = c.channels.broadcast and isinstance(_chunk_size(plan), int)
    return known and writes_out(c.lanes * c.item)


def _channel(
    plan: Plan, height: int, width: int, low: int, high: int, at: Size
) -> list[str]:
    """The channel ``at``, a symbol where all are written out: multiply-adds of sums.

    In a tile of too many pixels the last vector of filters is read anew for each.
    """
    kind = plan.kind
    again = height * width > plan.tiling.full
    kept = plan.tiling.vectors - again
    sums = f"[{sizes.text(symbol('i') * width + low + symbol('j'))}]"
    add = f"sum[k]{sums} += weight[k] * value;"
    if not isinstance(at, int):
        add = f"sg_add_product_{kind}(&sum[k]{sums}, value, weight[k]);"
    products = [
        f"const {_value_type(plan)} value = {_value(plan, at)};",
        text.unrolled((("k", kept),)),
        f"    {add}",
    ]
    if again:
        last = _filter(plan, str(kept), at)
        products += [f"sum[{kept}]{sums} += {last} * value;", "SG_REREAD;"]
    return [
        f"sg_{kind}v weight[{kept}];",
        text.unrolled((("k", kept),)),
        f"    weight[k] = {_filter(plan, 'k', at)};",
        *text.block(text.unrolled((("i", height), ("j", high - low))), products),
        *([] if isinstance(at, int) else ["SG_REREAD;"]),
    ]


def _filter(plan: Plan, vector: str, channel: Size) -> str:
    """One vector of filters."""
    at = f"{vector} * {plan.filter_step}"
    if not isinstance(channel, int):
        at += f" + {sizes.text(channel * plan.correlation.lanes)}"
    return f"sg_load_{plan.kind}(filter + {at})"


def _value(plan: Plan, channel: Size) -> str:
    """What pixel (i, j) of a tile reads: a number for all lanes, or one for each."""
    c, steps = plan.correlation, plan.view
    down = symbol("i") * c.rows.stride * steps.row
    across = symbol("j") * (c.columns.stride * steps.column)
    place = sizes.text(down + across + channel * steps.channel)
    if c.channels.broadcast:
        return f"at[{place}]"
    return f"sg_load_{plan.kind}(at + {place})"


def _value_type(plan: Plan) -> str:
    return plan.ctype if plan.correlation.channels.broadcast else f"sg_{plan.kind}v"


def _chunk_size(plan: Plan) -> Size:
    channels = plan.correlation.channels
    if len(set(channels.chunks)) <= 1:
        return min(channels.inputs, channels.chunk)
    left = channels.inputs - channels.chunk * symbol("chunk")
    return sizes.minimum(left, channels.chunk)
