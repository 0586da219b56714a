"""Pooling of images in memory: windows of vectors, row by row.

Where windows reach outside the image only what is inside is read; those that are whole
have loops of known length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.outlets import Outlet, Tile, stored
from codegen.ir import Pooling
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol

ONE = Tile(1, 1, 1)
MOST_WRITTEN = 64  # elements of windows that are written out


@dataclass(frozen=True)
class Plane:
    """``height`` by ``width`` vectors; the C pointer ``name`` is at the row ``top``."""

    name: str
    height: Size
    width: Size
    top: Size = 0


def pooled_rows(
    pooling: Pooling,
    plane: Plane,
    outlet: Outlet,
    begin: Size,
    end: Size,
    ahead: Sequence[str] = (),
) -> list[str]:
    """Lines that pool the rows ``begin .. end`` of outputs.

    The outlet's indices are ``row`` and ``column``, a tile of one by one. ``ahead`` is
    what is asked for at each of them.
    """
    ctype = C_TYPES[outlet.dtype]
    first, rows = _inside(pooling, 0, plane.height, symbol("row"))
    top = symbol("row") * pooling.stride[0] - pooling.padding[0][0]
    line = (top + symbol("first_row") - plane.top) * (plane.width * outlet.lanes)

    def across(is_whole: bool) -> list[str]:
        window = _window(pooling, plane, outlet, is_whole)
        return _loop("column", 0, outlet.image.width, [*ahead, *window])

    body = [
        f"const int64_t first_row = {sizes.text(first)};",
        f"const int64_t rows = {sizes.text(rows)};",
        "(void)rows;",
        f"const {ctype} *const line = {plane.name} + {sizes.text(line)};",
    ]
    if pooling.padding[0] == (0, 0):
        return _loop("row", begin, end, [*body, *across(True)])
    body += text.block(f"if (rows == {pooling.window[0]})", across(True))
    return _loop("row", begin, end, [*body, *text.block("else", across(False))])


def _window(
    pooling: Pooling, plane: Plane, outlet: Outlet, is_whole: bool
) -> list[str]:
    """The window at ``column``, all of whose rows exist if it ``is_whole``."""
    ctype, kind = C_TYPES[outlet.dtype], suffix(outlet.dtype)
    left = symbol("column") * pooling.stride[1] - pooling.padding[1][0]
    return [
        f"const {ctype} *const at = line + {sizes.text(left * outlet.lanes)};",
        f"sg_{kind}v sum[1][1];",
        *([f"sg_{kind}m place[1][1];"] if outlet.places else []),
        *_columns(pooling, plane, outlet, is_whole),
        *stored(outlet, ONE),
    ]


def _columns(
    pooling: Pooling, plane: Plane, outlet: Outlet, is_whole: bool
) -> list[str]:
    """The window at ``column``: all its columns, or those that lie in the image."""
    elements = pooling.window[0] * pooling.window[1]
    written_out = is_whole and elements <= MOST_WRITTEN
    whole = _one(pooling, plane, outlet, 0, pooling.window[1], written_out)
    if pooling.padding[1] == (0, 0):
        return whole
    first, columns = _inside(pooling, 1, plane.width, symbol("column"))
    cut = [
        f"const int64_t first_column = {sizes.text(first)};",
        f"const int64_t columns = {sizes.text(columns)};",
        *_one(pooling, plane, outlet, symbol("first_column"), symbol("columns"), False),
    ]
    low, high = _whole(pooling, plane.width)
    if isinstance(high, int) and low >= high:
        return cut
    head = f"if (column >= {low} && column < {sizes.text(high)})"
    return [*text.block(head, whole), *text.block("else", cut)]


def _whole(pooling: Pooling, width: Size) -> tuple[int, Size]:
    """The first and the last + 1 of the windows that lie within the columns."""
    before, stride = pooling.padding[1][0], pooling.stride[1]
    inside = sizes.floordiv(width - pooling.window[1] + before + stride, stride)
    return -(-before // stride), inside


def _inside(pooling: Pooling, axis: int, length: Size, at: Size) -> tuple[Size, Size]:
    """The first element of window ``at`` that exists, and how many do."""
    span = pooling.window[axis]
    if pooling.padding[axis] == (0, 0):
        return 0, span
    start = at * pooling.stride[axis] - pooling.padding[axis][0]
    first = sizes.maximum(start * -1, 0)
    return first, sizes.minimum(length - start, span) - first


def _one(
    pooling: Pooling,
    plane: Plane,
    outlet: Outlet,
    first: Size,
    columns: Size,
    written_out: bool,
) -> list[str]:
    """``sum`` of one window, and the ``place`` of its maximum."""
    kind, ctype, width = suffix(outlet.dtype), C_TYPES[outlet.dtype], pooling.window[1]
    pitch = sizes.text(plane.width * outlet.lanes)
    start, which = sizes.text(first * outlet.lanes), "window"
    window = f"rows, {sizes.text(columns)}"
    if written_out:  # as constants even where phases of other sizes share the C
        which, window = "whole", f"{pooling.window[0]}, {width}"
    call = f"sg_{which}_{{}}_{kind}(at + {start}, {pitch}, {window}{{}})".format
    if outlet.places is not None:
        number = sizes.text(symbol("first_row") * width + first)
        numbers = "" if written_out else f", {number}, {width}"
        value = call("first", f"{numbers}, &place[0][0]")
    elif pooling.summed:
        value = call("sum", "")
    elif pooling.mean:
        area = sizes.text(symbol("rows") * columns)
        if pooling.counted:
            area = str(pooling.window[0] * width)
        value = f"{call('sum', '')} / sg_splat_{kind}(({ctype})({area}))"
    else:
        value = call("maximum", "")
    return [f"sum[0][0] = {value};"]


def _loop(index: str, begin: Size, end: Size, body: list[str]) -> list[str]:
    start, stop = sizes.text(begin), sizes.text(end)
    head = f"for (int64_t {index} = {start}; {index} < {stop}; {index}++)"
    return text.block(head, body)
