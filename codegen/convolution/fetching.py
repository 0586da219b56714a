"""What the next pass of a filter gradient reads is asked for while this one computes.

A pass is small, so that all its tiles but the first find it in the first-level cache;
but the first waits for memory. So each tile, at each row, asks for a share of the row
that the next pass reads in its place: of the next band, or of the next samples. Few
tiles would ask for too much at once, but three do so where they are done with a line
sooner than memory sends one. A single one reads everything once, faster than
a processor fetches it by itself: it asks for the pixels a little further on, and so do
a few that read one vector of the gradient each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import LINE_BYTES, blocks, plane, position
from codegen.convolution.gradients import unpooled
from codegen.convolution.weight_plan import Kernel
from codegen.ir import Image
from codegen.sizes import Size, symbol

LEAST_TILES = 4
LITTLE = 32  # multiply-adds of a tile with a line of the gradient
PIXELS_AHEAD = 64


@dataclass(frozen=True)
class Stream:
    """The row at ``pointer``, of ``length`` elements; the next pass's is ``ahead``."""

    pointer: str
    ahead: str
    length: int


def distances(kernel: Kernel) -> list[str]:
    """How far ahead of each row that of the next pass is, in elements."""
    if not _worthwhile(kernel):
        return []
    step, by = kernel.step, kernel.samples
    last = f"band == {kernel.bands - 1}"
    name = "x_band" if kernel.through else "x_ahead"
    lines = [_distance(name, last, step.x, kernel.rows.stride, by)]
    if kernel.through:
        lines.append(_to_next_chunk(kernel))
    if step.places is None:
        lines.append(_distance("dy_ahead", last, step.dy, 1, by))
    return lines


def _distance(name: str, last: str, image: Image, stride: int, by: int) -> str:
    row = image.width * (image.block * stride)
    sample = blocks(image) * plane(image)
    there = sizes.text(sample * by - symbol("top") * row)
    here = sizes.text((symbol("bottom") - symbol("top")) * row)
    return f"const int64_t {name} = {last} ? {there} : {here};"


def _to_next_chunk(kernel: Kernel) -> str:
    """The distance where the next pass is over the next chunk, if there is one."""
    last, x = len(kernel.channels.chunks) - 1, kernel.step.x
    each = kernel.channels.chunk // x.block * plane(x)
    back = f"x_band - ({sizes.text(each * last)})"
    return f"const int64_t x_ahead = chunk < {last} ? {sizes.text(each)} : {back};"


def share_of_row(kernel: Kernel, tiles: int) -> list[str]:
    """Ask for the share of tile ``turn`` of ``tiles`` in what follows ``row``."""
    lines = []
    for stream in _streams(kernel):
        line = LINE_BYTES // np.dtype(kernel.step.dw.dtype).itemsize
        number = -(-stream.length // (line * tiles))
        at = f"{stream.ahead} + (turn * {number} + line) * {line}"
        lines += [
            text.unrolled((("line", number),)),
            f"    __builtin_prefetch({stream.pointer} + {at}, 0, 2);",
        ]
    return lines


def results(kernel: Kernel, tiles: int) -> list[str]:
    """Ask for the share of tile ``turn`` of ``tiles`` in the rows of dw of this unit.

    They are as many as there are output channels and lie far apart, and all of them
    are written when the last tile is done.
    """
    if not kernel.at_once or kernel.through or tiles < LEAST_TILES:
        return []
    channels, dw = kernel.channels, kernel.step.dw
    line = LINE_BYTES // np.dtype(dw.dtype).itemsize
    row = symbol("bundle") * (kernel.tile.vectors * channels.lanes) + symbol("row")
    at = row * channels.inputs + symbol("chunk") * channels.chunk
    at = at * kernel.taps + symbol("line") * line
    most = channels.chunk * kernel.taps
    ask = f"__builtin_prefetch({dw.name} + {sizes.text(at)}, 1, 2);"
    lines = text.loop("line", -(-most // line), [ask])
    rows = kernel.tile.vectors * channels.lanes
    head = (
        f"for (int64_t row = turn * {rows} / {tiles};"
        f" row < (turn + 1) * {rows} / {tiles}; row++)"
    )
    last = f"band == {kernel.bands - 1} && after == stop"
    return text.block(f"if ({last})", text.block(head, lines))


def further_on(kernel: Kernel, pixels: int = 1, at: Size = 0) -> list[str]:
    """Ask for the gradient of ``pixels`` after those ``at``, if a pass has one tile.

    Or few tiles, of one vector each, that do not wait for more than this one.
    """
    tiles = kernel.tiles_of(kernel.channels.chunks[0])
    few = tiles == 1 or (tiles < LEAST_TILES and kernel.tile.vectors == 1)
    if not few or kernel.step.places is not None:
        return []
    lanes = kernel.channels.lanes
    line = LINE_BYTES // np.dtype(kernel.step.dw.dtype).itemsize
    number = -(-pixels * lanes // line)
    ahead = symbol("k") * kernel.dy.plane + (at + PIXELS_AHEAD) * lanes
    ahead = ahead + symbol("line") * line
    return [
        text.unrolled((("k", kernel.tile.vectors), ("line", number))),
        f"    __builtin_prefetch(from + {sizes.text(ahead)}, 0, 3);",
    ]


def _streams(kernel: Kernel) -> list[Stream]:
    if not _worthwhile(kernel):
        return []
    step, reading = kernel.step, kernel.reading
    row = kernel.rows.first + symbol("row") * kernel.rows.stride
    streams = []
    for part in range(reading.most_planes):
        at = position(step.x, symbol("sample"), reading.first_plane + part, row, 0)
        pointer = f"{step.x.buffer.name} + {sizes.text(at)}"
        length = _width(step.x) * step.x.block * kernel.rows.stride
        streams.append(Stream(pointer, "x_ahead", length))
    if step.places is None:
        for vector in range(kernel.tile.vectors):
            pointer = f"from + {sizes.text(kernel.dy.plane * vector)}"
            streams.append(Stream(pointer, "dy_ahead", _width(step.dy) * step.dy.block))
    return streams


def _worthwhile(kernel: Kernel) -> bool:
    """Whether rows are of known sizes, and passes are of enough tiles."""
    x, dy = kernel.step.x, unpooled(kernel.step)
    numbers: list[Size] = [x.height, x.width, dy.height, dy.width]
    channels = kernel.channels
    tiles = kernel.tiles_of(channels.chunks[0])
    many = tiles >= LEAST_TILES - (_hurries(kernel) and x.batch != 1)
    return channels.broadcast and many and all(isinstance(n, int) for n in numbers)


def _hurries(kernel: Kernel) -> bool:
    """Whether tiles do little with each line of the gradient."""
    tile, item = kernel.tile, np.dtype(kernel.step.dw.dtype).itemsize
    pixels = LINE_BYTES // (kernel.channels.lanes * item)
    return pixels * tile.channels * tile.rows * tile.columns < LITTLE


def _width(image: Image) -> int:
    return int(image.width)  # type: ignore[arg-type]
