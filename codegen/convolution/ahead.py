"""What the next band of a correlation touches is asked for while this one is computed.

Bands follow each other through an image, and the last is followed by the first of the
next sample. A band of few channels is computed faster than memory answers: so each tile
asks for the rows of the image that the tile in its place will read anew, for the memory
of its results, and for what their epilogue reads beside them.
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution import epilogue, text
from codegen.convolution.geometry import (
    LINE_BYTES,
    Correlation,
    blocks,
    plane,
    position,
    share,
)
from codegen.convolution.plan import Plan
from codegen.ir import Image
from codegen.sizes import Size, symbol

WORK = 16  # multiply-adds for each line asked for, at least
# what a line is asked for, and how near: into the second-level cache or the first
READ, WRITE_SOON = "0, 2", "1, 3"


def distances(plan: Plan) -> list[str]:
    """How far ahead the next band is in the image and in the results, in elements."""
    c = plan.correlation
    if not _possible(plan):
        return []
    last = f"band == {plan.bands - 1}"
    return [
        _distance("source_ahead", last, c.source, c.rows.stride, 1),
        _distance("result_ahead", last, c.result, 1, c.pooled),
        "(void)source_ahead, (void)result_ahead;",  # where no tile asks
    ]


def next_filters(plan: Plan) -> list[str]:
    """Where the filters of the next slice are, of this bundle or of the next one."""
    chunks = len(plan.correlation.channels.chunks)
    each = plan.correlation.channels.chunk * plan.taps * plan.correlation.lanes
    first = share(symbol("slice") + 1, plan.slices, chunks) * each
    other = plan.tiling.vectors * plan.filter_step
    at = f"slice < {plan.slices - 1} ? {sizes.text(first)} : {other}"
    return [f"const {plan.ctype} *next = filters + ({at});"]


def filter_lines(plan: Plan) -> list[str]:
    """Lines with which each row of taps of a chunk asks for filters of the next slice.

    A few at a time: a core waits for no more than two dozen lines at once.
    """
    c, tiling = plan.correlation, plan.tiling
    row = sum(strip.length // strip.width for strip in tiling.strips)
    rows = c.rows.lengths[0] // (plan.bands * tiling.heights[0])
    turns = max(row * rows, 1) * len(c.channels.chunks) // plan.slices
    bytes_of = plan.filter_step // plan.slices * c.item
    number = -(-bytes_of // (LINE_BYTES * turns * len(c.rows.taps)))
    line = LINE_BYTES // c.item
    place = f"next + k * {plan.filter_step} + line * {line}"
    return [
        text.unrolled((("line", number), ("k", tiling.vectors))),
        f"    __builtin_prefetch({place}, {READ});",
        f"next += {number * line};",
    ]


def _distance(name: str, last: str, image: Image, stride: int, pooled: int) -> str:
    row = image.width * (image.block * stride)
    top, bottom = (sizes.floordiv(symbol(at), pooled) for at in ("top", "bottom"))
    there = sizes.text(blocks(image) * plane(image) - top * row)
    here = sizes.text((bottom - top) * row)
    return f"const int64_t {name} = {last} ? {there} : {here};"


def tile_lines(plan: Plan, height: int, width: int) -> tuple[list[str], list[str]]:
    """Lines with which a tile asks for what the next one in its place needs.

    They are for its start, and for each chunk of channels where that is a plane of the
    image: a core waits for some two dozen lines at once, and no more.
    """
    c = plan.correlation
    if not _possible(plan):
        return [], []
    source, of_source = _source(plan, height, width)
    result, of_result = _result(plan, height, width)
    adds = plan.tiling.vectors * height * width * plan.taps * c.channels.inputs
    if adds < WORK * (blocks(c.source) * of_source + of_result):
        return [], []
    shared = plan.sample_first and plan.bundles > 1  # all bundles read the same
    if c.source.block == c.channels.chunk and plan.taps > 1:
        some = f"if (chunk % {plan.bundles} == bundle)" if shared else ""
        return result, text.block(some, ["const int64_t plane = chunk;", *source])
    planes = text.loop("plane", blocks(c.source), source)
    if shared:
        planes = text.block("if (bundle == 0)", planes)
    return [*planes, *result], []


def _source(plan: Plan, height: int, width: int) -> tuple[list[str], int]:
    """For a plane of the image: the rows that the next tile reads and this does not."""
    c = plan.correlation
    rows, columns = c.rows, c.columns
    new = rows.first + rows.reach(1) - rows.stride + rows.stride * symbol("row")
    column = columns.first + columns.stride * symbol("column")
    at = position(
        c.source, symbol("sample"), symbol("plane"), new + symbol("i"), column
    )
    place = f"{c.source.buffer.name} + {sizes.text(at)} + source_ahead"
    many = height * rows.stride
    each = lines_of(c.source, width * columns.stride)
    return asked((("i", many), ("line", each)), place, c.source, READ), many * each


def _result(plan: Plan, height: int, width: int) -> tuple[list[str], int]:
    """The results of the next tile."""
    c = plan.correlation
    if c.banded:  # they go to the scratch
        return [], 0
    row = sizes.floordiv(symbol("row"), c.pooled) + symbol("i")
    column = sizes.floordiv(symbol("column"), c.pooled)
    vector = symbol("bundle") * plan.tiling.vectors + symbol("k")
    at = position(c.result, symbol("sample"), vector, row, column)
    place = f"{c.result.buffer.name} + {sizes.text(at)} + result_ahead"
    high, each = height // c.pooled, lines_of(c.result, width // c.pooled)
    extents = (("k", plan.tiling.vectors), ("i", high), ("line", each))
    lines = asked(extents, place, c.result, WRITE_SOON)
    others = beside(c, symbol("sample"), vector, row, column)
    for other in others:
        lines += asked(extents, f"{other} + result_ahead", c.result, READ)
    return lines, plan.tiling.vectors * high * each * (1 + len(others))


def beside(
    c: Correlation, sample: Size, vector: Size, row: Size, column: Size
) -> list[str]:
    """Where the epilogue reads images like the result: a mask, what it is summed with.

    Each is at the place of a result of ``sample``, as C.
    """
    at = {"n": sample, "block": vector, "y": row, "x": column, "lane": 0}
    places = {
        f"{load.buffer.name} + {sizes.text(sizes.substitute(load.position, at))}": None
        for load in epilogue.loads_of(c.epilogue)
        if load.buffer.shape == c.result.buffer.shape
    }
    return list(places)


def asked(
    extents: tuple[tuple[str, int], ...], place: str, image: Image, use: str
) -> list[str]:
    """Ask for every ``line`` from ``place`` on, for that ``use``."""
    step = LINE_BYTES // np.dtype(image.buffer.dtype).itemsize
    return [
        text.unrolled(extents),
        f"    __builtin_prefetch({place} + line * {step}, {use});",
    ]


def lines_of(image: Image, pixels: int) -> int:
    """Lines of memory that neighbouring pixels of one plane are in."""
    item = np.dtype(image.buffer.dtype).itemsize
    return -(-pixels * image.block * item // LINE_BYTES)


def _possible(plan: Plan) -> bool:
    """Whether bands follow each other, on images and results of known sizes."""
    c = plan.correlation
    numbers: list[Size] = [c.source.height, c.source.width, c.result.height]
    known = all(isinstance(number, int) for number in (*numbers, c.result.width))
    whole = all((axis.start, axis.step) == (0, 1) for axis in (c.rows, c.columns))
    return known and whole and c.channels.broadcast and c.groups == 1 and plan.taps > 0
