"""``PoolBackward`` -> C: each number of dx gathers from the windows that hold it.

The image is cut in cells of as many rows and columns as windows are apart, the first
one at the first window's corner, which padding puts outside. The windows that hold a
pixel of cell (i, j) are those of index (i - a, j - b) for a few a and b, the same for
all cells: at the pixel (u, v) of the cell they have tap (u + a stride, v + b stride).
So dx is written once, each cell from registers; no cell is another thread's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from codegen import sizes
from codegen.convolution import streams, text
from codegen.convolution.geometry import LINE_BYTES, blocks, position, share
from codegen.convolution.pool import BANDS, HEADERS, check_images
from codegen.convolution.windows import MOST_WRITTEN
from codegen.emission import Emission, Phase
from codegen.ir import Image, PoolBackward, Pooling
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

COST = 4  # operations for each tap


@dataclass(frozen=True)
class Cells:
    """Cells along one axis: ``stride`` pixels of an ``extent``, ``count`` windows."""

    index: str
    window: int
    stride: int
    before: int
    extent: Size
    count: Size

    @property
    def back(self) -> list[int]:
        """How far back the windows are that hold pixels of a cell, the first first."""
        return list(reversed(range(-(-self.window // self.stride))))

    @property
    def number(self) -> Size:
        """The cells that have pixels of the image."""
        return sizes.floordiv(
            self.extent + (self.before + self.stride - 1), self.stride
        )

    @property
    def whole(self) -> tuple[int, Size]:
        """The cells, from the first to the last + 1, that lie in the image whole, and
        whose windows all exist."""
        first = max(self.back[0], -(-self.before // self.stride))
        inside = sizes.floordiv(self.extent + self.before, self.stride)
        return first, sizes.minimum(self.count, inside)

    def pixel(self, of_cell: int) -> Size:
        """The row or column of the image that a pixel of the cell is."""
        return symbol(self.index) * self.stride + (of_cell - self.before)

    def is_window(self, back: int) -> str:
        """Whether the window so far back exists."""
        return _between(symbol(self.index) - back, self.count)

    def is_pixel(self, of_cell: int) -> str:
        """Whether a pixel of the cell lies in the image."""
        return _between(self.pixel(of_cell), self.extent)

    def tap(self, of_cell: int, back: int) -> int | None:
        """Which row or column of the window a pixel is, None where it is none."""
        tap = of_cell + back * self.stride
        return tap if tap < self.window else None


def unpools(pooling: Pooling) -> bool:
    """Whether windows and cells are small enough to be written out."""
    (height, width), (down, across) = pooling.window, pooling.stride
    return max(height * width, down * across) <= MOST_WRITTEN


def emit_pool_backward(step: PoolBackward, target: Target) -> Emission:
    """The C of dx: a unit of work is a band of cells of a vector of channels."""
    check_images(step.dx, step.dy, step.places, target)
    dx = step.dx
    rows, columns = _axes(step)
    unit: list[tuple[str, Size]] = [
        ("sample", dx.batch),
        ("bundle", blocks(dx)),
        ("band", BANDS),
    ]
    band = symbol("band")
    top, bottom = (share(at, BANDS, rows.number) for at in (band, band + 1))
    head = f"for (int64_t row = {sizes.text(top)}; row < {sizes.text(bottom)}; row++)"
    body = [
        *text.decode("unit", unit),
        *_planes(step),
        *text.block(head, _row(step, rows, columns)),
    ]
    lines = text.block("for (int64_t unit = begin; unit < end; unit++)", body)
    if _line(step):
        number = sizes.text(sizes.product(dx.buffer.shape))
        far = f"const bool far = sg_is_far({dx.buffer.name}, {number});"
        lines = [far, *lines, *text.block("if (far)", ["SG_STREAMED;"])]
    used = (step.dy.buffer, step.places, dx.buffer)
    taps = step.pooling.window[0] * step.pooling.window[1]
    work = sizes.floordiv(rows.number, BANDS) * columns.number * (COST * taps)
    count = sizes.product(tuple(extent for _, extent in unit))
    return Emission((Phase(tuple(lines), used, count, 0, work),), headers=HEADERS)


def _axes(step: PoolBackward) -> tuple[Cells, Cells]:
    dx, dy, p = step.dx, step.dy, step.pooling
    return (
        Cells("row", p.window[0], p.stride[0], p.padding[0][0], dx.height, dy.height),
        Cells("column", p.window[1], p.stride[1], p.padding[1][0], dx.width, dy.width),
    )


def _between(at: Size, count: Size) -> str:
    return f"{sizes.text(at)} >= 0 && {sizes.text(at)} < {sizes.text(count)}"


def _planes(step: PoolBackward) -> list[str]:
    """Where the vector of channels begins in each image."""
    ctype = C_TYPES[step.dx.buffer.dtype]

    def start(image: Image) -> str:
        return sizes.text(position(image, symbol("sample"), symbol("bundle"), 0, 0))

    return [
        f"const uint8_t *const marks = {step.places.name} + {start(step.dy)};",
        f"const {ctype} *const shares = {step.dy.buffer.name} + {start(step.dy)};",
        f"{ctype} *const sums = {step.dx.buffer.name} + {start(step.dx)};",
    ]


def _row(step: PoolBackward, rows: Cells, columns: Cells) -> list[str]:
    """A row of cells: those that need not ask for anything in one go."""
    first, last = columns.whole
    asked = [
        *(rows.is_window(back) for back in rows.back),
        *(rows.is_pixel(pixel) for pixel in range(rows.stride)),
    ]
    head = f"if (whole && column >= {first} && column < {sizes.text(last)})"
    body = [*_cell(step, rows, columns, asks=True), "column++;"]
    if not (isinstance(last, int) and first >= last):
        sweep = [*_whole_cells(step, rows, columns), "continue;"]
        body = [*text.block(head, sweep), *body]
    return [
        f"const bool whole = {' && '.join(asked)};",
        "(void)whole;",
        "int64_t column = 0;",
        *text.block(f"while (column < {sizes.text(columns.number)})", body),
    ]


def _whole_cells(step: PoolBackward, rows: Cells, columns: Cells) -> list[str]:
    """The cells of a row from the first whole one to the last.

    Vectors as long as a line go around the caches where these hold too little of dx to
    be of use to who reads it. Others would leave lines half written; their lines are
    asked for.
    """
    head = f"for (; column < {sizes.text(columns.whole[1])}; column++)"
    near = _cell(step, rows, columns, asks=False)
    if _line(step):
        far = _cell(step, rows, columns, asks=False, store="stream")
        return [
            *text.block("if (far)", text.block(head, far)),
            *text.block("else", text.block(head, near)),
        ]
    by = rows.stride, columns.stride
    ahead = streams.asked(step.dx, by, symbol("column"), columns.number, written=True)
    return text.block(head, [*ahead, *near])


def _line(step: PoolBackward) -> bool:
    """Whether a vector is a line of the caches."""
    return step.dx.block * np.dtype(step.dx.buffer.dtype).itemsize == LINE_BYTES


def _cell(
    step: PoolBackward, rows: Cells, columns: Cells, asks: bool, store: str = "store"
) -> list[str]:
    """The pixels of a cell, from the windows that hold them."""
    kind, lanes = suffix(step.dx.buffer.dtype), step.dx.block
    lines = []
    for a, b in product(rows.back, columns.back):
        window = (symbol("row") - a) * step.dy.width + symbol("column") - b
        at, name = sizes.text(window * lanes), f"{a}_{b}"
        asked = f"{rows.is_window(a)} && {columns.is_window(b)}"
        lines += [f"sg_{kind}m place_{name} = (sg_{kind}m){{0}} - 1;"] if asks else []
        lines += [f"sg_{kind}v share_{name} = {{0}};"] if asks else []
        place = f"place_{name} = sg_load_places_{kind}(marks + {at});"
        value = f"share_{name} = sg_load_{kind}(shares + {at});"
        if asks:
            lines += text.block(f"if ({asked})", [place, value])
        else:
            lines += [f"const sg_{kind}m {place}", f"const sg_{kind}v {value}"]
    for u, v in product(range(rows.stride), range(columns.stride)):
        pixel = rows.pixel(u) * step.dx.width + columns.pixel(v)
        total = " + ".join(_shares(step, rows, columns, u, v)) or f"(sg_{kind}v){{0}}"
        line = f"sg_{store}_{kind}(sums + {sizes.text(pixel * lanes)}, {total});"
        if asks:
            lines.append(f"if ({rows.is_pixel(u)} && {columns.is_pixel(v)})")
            line = f"    {line}"
        lines.append(line)
    return lines


def _shares(
    step: PoolBackward, rows: Cells, columns: Cells, u: int, v: int
) -> Iterator[str]:
    """What each window that may hold a pixel gives to it, the first window first."""
    kind = suffix(step.dx.buffer.dtype)
    for a, b in product(rows.back, columns.back):
        row, column = rows.tap(u, a), columns.tap(v, b)
        if row is not None and column is not None:
            number = row * step.pooling.window[1] + column
            yield f"sg_at_place_{kind}(share_{a}_{b}, place_{a}_{b}, {number})"
