"""How a kernel reads its input: in place, from a padded copy, or lane by lane.

A kernel asks for the rows ``top .. bottom`` of its outputs at one ``sample``, and
gets a pointer ``in`` with the steps to walk from it. Where the window never leaves
the image, ``in`` points into the image. Where it does, the rows are first copied,
with their zeros, to this thread's scratch: a few cycles a vector, against the
hundreds that each vector is then used for. Where every lane has a group of its own
that is not the lane's own channel, the copy also brings the channels to their lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Axis, Channels, blocks, plane, position
from codegen.ir import Image
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol


@dataclass(frozen=True)
class Reading:
    """What is read: the image, the windows along both axes, the channels' pattern.

    ``group`` is the C text of the group that is read, ``vector`` that of the vector
    of output channels, where these matter. ``scratch`` is where copies go.
    """

    image: Image
    rows: Axis
    columns: Axis
    channels: Channels
    group: Size
    vector: Size
    scratch: str = "scratch"

    @property
    def own_channel(self) -> bool:
        """Whether vectors of a blocked image are read as they are."""
        return self.channels.depthwise and self.image.block == self.channels.lanes

    @property
    def inside(self) -> bool:
        direct = self.channels.broadcast or self.own_channel
        return direct and self.rows.inside and self.columns.inside

    @property
    def planes(self) -> int:
        """Planes that are read at once."""
        if self.own_channel:
            return 1
        if self.channels.broadcast and self.image.block > 1:
            return -(-self.channels.inputs // self.image.block)
        return self.channels.inputs

    @property
    def first_plane(self) -> Size:
        if self.own_channel:
            return self.vector
        return self.group * (self.planes if self.channels.groups > 1 else 0)


@dataclass(frozen=True)
class View:
    """A pointer ``in``, set by ``lines``, and the steps from it, in elements.

    Output (i, j) reads from ``in + (i - origin) rows.stride row + j columns.stride
    column`` on, and ``chunk`` and ``channel`` further for each of those.
    """

    lines: tuple[str, ...]
    origin: Size
    row: Size
    column: int
    channel: Size
    chunk: Size
    scratch: Size = 0


def view(reading: Reading, most_rows: Size) -> View:
    """How to read what ``most_rows`` output rows or fewer need."""
    if reading.inside:
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
    start = position(
        image, symbol("sample"), reading.first_plane, rows.first, columns.first
    )
    ctype, name = C_TYPES[image.buffer.dtype], image.buffer.name
    line = f"const {ctype} *const in = {name} + {sizes.text(start)};"
    channel, chunk = _steps(reading, plane(image))
    return View((line,), 0, image.width * image.block, image.block, channel, chunk)


def _copied(reading: Reading, most_rows: Size) -> View:
    image, channels = reading.image, reading.channels
    width = reading.columns.reach(reading.columns.count)
    pixel = image.block if channels.broadcast else channels.lanes
    pitch = reading.rows.reach(most_rows) * width * pixel
    ctype = C_TYPES[image.buffer.dtype]
    copy = _padded if channels.broadcast or reading.own_channel else _by_lanes
    lines = [
        f"{ctype} *const in = ({ctype} *){reading.scratch};",
        _window(reading, width),
        *copy(reading, pitch),
    ]
    channel, chunk = _steps(reading, pitch)
    bytes_ = pitch * reading.planes * (8 if ctype == "double" else 4)
    return View(
        tuple(lines), symbol("top"), width * pixel, pixel, channel, chunk, bytes_
    )


def _window(reading: Reading, width: Size) -> str:
    rows, columns = reading.rows, reading.columns
    top = rows.first + rows.stride * symbol("top")
    need = rows.reach(symbol("bottom") - symbol("top"))
    fields = [rows.extent, columns.extent, top, columns.first, need, width]
    listed = ", ".join(sizes.text(field) for field in fields)
    return f"const sg_window window = {{{listed}}};"


def _padded(reading: Reading, pitch: Size) -> list[str]:
    image, part = reading.image, symbol("part")
    start = position(image, symbol("sample"), reading.first_plane, 0, 0)
    start = start + plane(image) * part
    to = f"(char *)(in + {sizes.text(pitch * part)})"
    source = f"(const char *)({image.buffer.name} + {sizes.text(start)})"
    call = f"sg_copy_plane({to}, {source}, {image.block} * sizeof *in, window);"
    return text.loop("part", reading.planes, [call])


def _by_lanes(reading: Reading, pitch: Size) -> list[str]:
    image, channels, part = reading.image, reading.channels, symbol("part")
    lane = reading.vector * channels.lanes + symbol("lane")
    channel = sizes.floordiv(lane, channels.outputs) * channels.inputs + part
    channel = sizes.minimum(channel, image.channels - 1)
    source = sizes.floordiv(channel, image.block) * plane(image)
    source = source + sizes.mod(channel, image.block)
    start = sizes.text(symbol("sample") * blocks(image) * plane(image))
    to = f"in + {sizes.text(pitch * part)}"
    call = f"sg_gather_plane_{suffix(image.buffer.dtype)}"
    body = [
        f"int64_t source[{channels.lanes}];",
        *text.loop("lane", channels.lanes, [f"source[lane] = {sizes.text(source)};"]),
        f"{call}({to}, {image.buffer.name} + {start}, source, {image.block}, window);",
    ]
    return text.loop("part", channels.inputs, body)
