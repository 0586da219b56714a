"""How a kernel reads its input: in place, from a padded copy, or lane by lane.

A kernel asks for the rows ``top .. bottom`` of its outputs at one ``sample``, and
gets a pointer with the steps to walk from it. Where the window never leaves the
image, it points into the image. Where it does, the rows are first copied, with
their zeros, to this thread's scratch: a few cycles a vector, against the hundreds
that each vector is then used for. Where every lane has a group of its own that is
not the lane's own channel, the copy also brings the channels to their lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Axis, Channels, blocks, plane, position
from codegen.ir import Image
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol


@dataclass(frozen=True)
class Reading:
    """What is read: the image, the windows along both axes, the channels' pattern.

    ``group`` is the group that is read and ``vector`` the vector of output channels,
    where these matter; ``chunk`` is the one chunk of channels, if not all are read.
    Copies go to the scratch, one after another at each ``slot``.
    """

    image: Image
    rows: Axis
    columns: Axis
    channels: Channels
    group: Size
    vector: Size
    chunk: Size | None = None
    slot: Size = 0

    @property
    def own_channel(self) -> bool:
        """Whether vectors of a blocked image are read as they are."""
        return self.channels.depthwise and self.image.block == self.channels.lanes

    @property
    def direct(self) -> bool:
        """Whether the channels are read from where they are."""
        return self.channels.broadcast or self.own_channel

    @property
    def inside(self) -> bool:
        return self.direct and self.rows.inside and self.columns.inside

    @property
    def most_planes(self) -> int:
        """Planes that are read at once, at most."""
        if self.own_channel:
            return 1
        inputs = self.channels.inputs
        if not self.channels.broadcast:
            return inputs
        if self.chunk is not None:
            inputs = min(inputs, self.channels.lanes)
        return -(-inputs // self.image.block)

    @property
    def planes(self) -> Size:
        """Planes that are read at once."""
        if self.chunk is None or self.image.block > 1 or not self.channels.broadcast:
            return self.most_planes
        left = self.channels.inputs - self.chunk * self.channels.lanes
        return sizes.minimum(left, self.most_planes)

    @property
    def first_plane(self) -> Size:
        if self.own_channel:
            return self.vector
        first = self.group * self.channels.inputs if self.channels.groups > 1 else 0
        if self.chunk is not None and self.channels.broadcast:
            first = first + self.chunk * self.channels.lanes
        return sizes.floordiv(first, self.image.block)


@dataclass(frozen=True)
class View:
    """A ``pointer``, once ``copy`` has run, and the steps from it, in elements.

    Output (i, j) reads row ``top + i rows.stride`` and column ``left + j
    columns.stride`` on, ``chunk`` and ``channel`` further for each of those.
    """

    copy: tuple[str, ...]
    pointer: str
    top: Size
    left: int
    row: Size
    column: int
    channel: Size
    chunk: Size
    scratch: Size = 0


def view(reading: Reading, most_rows: Size, clipped: bool = False) -> View:
    """How to read what ``most_rows`` output rows or fewer need.

    A ``clipped`` kernel never reads outside the image, which needs no copy then.
    """
    if reading.inside or (clipped and reading.direct):
        return _in_place(reading)
    return _copied(reading, most_rows)


def _steps(reading: Reading, pitch: Size) -> tuple[Size, Size]:
    """The steps from one channel to the next, and from one chunk of them."""
    channels = reading.channels
    if channels.broadcast and reading.image.block > 1:
        return 1, pitch
    return pitch, pitch * channels.chunk


def _in_place(reading: Reading) -> View:
    image, rows, columns = reading.image, reading.rows, reading.columns
    start = position(image, symbol("sample"), reading.first_plane, 0, 0)
    pointer = f"{image.buffer.name} + {sizes.text(start)}"
    channel, chunk = _steps(reading, plane(image))
    row, column = image.width * image.block, image.block
    return View((), pointer, rows.first, columns.first, row, column, channel, chunk)


def _copied(reading: Reading, most_rows: Size) -> View:
    image, channels = reading.image, reading.channels
    width = reading.columns.reach(reading.columns.count)
    pixel = image.block if channels.broadcast else channels.lanes
    pitch = reading.rows.reach(most_rows) * width * pixel
    ctype = C_TYPES[image.buffer.dtype]
    total = pitch * reading.most_planes
    pointer = f"({ctype} *)scratch + {sizes.text(reading.slot * total)}"
    copy = _padded if reading.direct else _by_lanes
    lines = [
        f"{ctype} *const to = {pointer};",
        _window(reading, width),
        *copy(reading, pitch),
    ]
    top, row = symbol("top") * -reading.rows.stride, width * pixel
    channel, chunk = _steps(reading, pitch)
    used = total * np.dtype(image.buffer.dtype).itemsize
    return View(tuple(lines), pointer, top, 0, row, pixel, channel, chunk, used)


def _window(reading: Reading, width: Size) -> str:
    rows, columns = reading.rows, reading.columns
    top = rows.first + rows.stride * symbol("top")
    need = rows.reach(symbol("bottom") - symbol("top"))
    image = reading.image
    fields = [image.height, image.width, top, columns.first, need, width]
    listed = ", ".join(sizes.text(field) for field in fields)
    return f"const sg_window window = {{{listed}}};"


def _padded(reading: Reading, pitch: Size) -> list[str]:
    image, part = reading.image, symbol("part")
    start = position(image, symbol("sample"), reading.first_plane, 0, 0)
    start = start + plane(image) * part
    to = f"(char *)(to + {sizes.text(pitch * part)})"
    source = f"(const char *)({image.buffer.name} + {sizes.text(start)})"
    call = f"sg_copy_plane({to}, {source}, {image.block} * sizeof *to, window);"
    return text.loop("part", reading.planes, [call])


def _by_lanes(reading: Reading, pitch: Size) -> list[str]:
    image, channels, part = reading.image, reading.channels, symbol("part")
    lane = reading.vector * channels.lanes + symbol("lane")
    channel = sizes.floordiv(lane, channels.outputs) * channels.inputs + part
    channel = sizes.minimum(channel, image.channels - 1)
    source = sizes.floordiv(channel, image.block) * plane(image)
    source = source + sizes.mod(channel, image.block)
    start = sizes.text(symbol("sample") * blocks(image) * plane(image))
    to = f"to + {sizes.text(pitch * part)}"
    call = f"sg_gather_plane_{suffix(image.buffer.dtype)}"
    body = [
        f"int64_t source[{channels.lanes}];",
        *text.loop("lane", channels.lanes, [f"source[lane] = {sizes.text(source)};"]),
        f"{call}({to}, {image.buffer.name} + {start}, source, {image.block}, window);",
    ]
    return text.loop("part", channels.inputs, body)
