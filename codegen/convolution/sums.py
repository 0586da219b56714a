"""The sums of one tile: chunks of input channels, taps, the channels of a chunk.

That is the order in which filters are packed. ``row`` and ``column`` are the tile's
corner among the outputs; ``in`` and ``filters`` what it reads.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Axis
from codegen.convolution.plan import Plan
from codegen.convolution.strips import Strip
from codegen.sizes import Size, symbol


def sum_lines(plan: Plan, height: int, strip: Strip) -> list[str]:
    """Lines that fill ``sum[vectors][height * width]``."""
    c, width = plan.correlation, strip.width
    zero = text.unrolled((("k", plan.tiling.vectors), ("p", height * width)))
    lines = [
        f"sg_{plan.kind}v sum[{plan.tiling.vectors}][{height * width}];",
        f"{zero} sum[k][p] = (sg_{plan.kind}v){{0}};",
    ]
    if not plan.taps:
        return lines
    taps = _clipped_taps(plan, strip) if strip.spans else _taps(plan, height, width)
    rows = _rows(plan, taps)
    return [*lines, *text.loop("chunk", len(c.channels.chunks), rows)]


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
    """The innermost loop: the channels of a chunk, a multiply-add for each sum."""
    c, steps, kind = plan.correlation, plan.view, plan.kind
    down = symbol("i") * c.rows.stride * steps.row
    place = sizes.text(down + symbol("j") * (c.columns.stride * steps.column))
    value = f"at[{place}]"
    if not c.channels.broadcast:
        value = f"sg_load_{kind}(at + {place})"
    vectors = plan.tiling.vectors
    pixel = sizes.text(symbol("i") * width + low + symbol("j"))
    body = [
        f"sg_{kind}v weight[{vectors}];",
        text.unrolled((("k", vectors),)),
        f"    weight[k] = sg_load_{kind}(filter + k * {plan.filter_step});",
        text.unrolled((("i", height), ("j", high - low), ("k", vectors))),
        f"    sum[k][{pixel}] += weight[k] * {value};",
        f"at += {sizes.text(steps.channel)};",
        f"filter += {c.lanes};",
    ]
    return ["SG_ROLLED", *text.loop("channel", _chunk_size(plan), body)]


def _chunk_size(plan: Plan) -> Size:
    channels = plan.correlation.channels
    if len(set(channels.chunks)) <= 1:
        return min(channels.inputs, channels.chunk)
    left = channels.inputs - channels.chunk * symbol("chunk")
    return sizes.minimum(left, channels.chunk)
