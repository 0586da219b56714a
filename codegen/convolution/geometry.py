"""Convolutions as correlations of one shape, forward and backward alike.

    out[start + step i] = sum_t in[first + stride i + dilation t] w[taps[t]]

holds along rows and along columns. The forward pass is one such correlation; the
gradient of the input is a few of them: see ``residues.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.convolution.results import in_registers
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    Epilogue,
    Image,
    Pooling,
    Window,
)
from codegen.sizes import Size

LINE_BYTES = 64  # of a cache


@dataclass(frozen=True)
class Axis:
    """One axis of a correlation; ``extent`` is the input's length, ``count`` i's."""

    count: Size
    extent: Size
    taps: range
    first: int = 0
    stride: int = 1
    dilation: int = 1
    start: int = 0
    step: int = 1

    def reach(self, count: Size) -> Size:
        """How many input positions ``count`` neighbouring outputs read."""
        if not self.taps:
            return 0
        return self.stride * (count - 1) + self.dilation * (len(self.taps) - 1) + 1

    @property
    def known(self) -> bool:
        """Whether both lengths are known before the call."""
        return isinstance(self.count, int) and isinstance(self.extent, int)

    @property
    def lengths(self) -> tuple[int, int]:
        """``count`` and ``extent`` of a known axis."""
        return sizes.evaluate(self.count, {}), sizes.evaluate(self.extent, {})

    @property
    def inside(self) -> bool:
        """Whether every position read is known to lie in the input."""
        if not self.taps:
            return True
        over = self.first + self.reach(self.count) - self.extent
        return self.first >= 0 and isinstance(over, int) and over <= 0


@dataclass(frozen=True)
class Correlation:
    """``result = epilogue(correlate(source, filters[first_filter:]))``."""

    source: Image
    filters: Buffer
    result: Image
    rows: Axis
    columns: Axis
    groups: int
    epilogue: Epilogue | None
    lanes: int
    first_filter: int = 0
    pool: Pooling | None = None  # of windows of ``before(results)``
    before: Epilogue | None = None
    places: Buffer | None = None  # of each window's first maximum

    @property
    def item(self) -> int:
        """The bytes of a number."""
        return np.dtype(self.source.buffer.dtype).itemsize

    @property
    def banded(self) -> bool:
        """Whether windows are pooled from bands of results, not on the registers."""
        return self.pool is not None and not in_registers(self.pool, self.before)

    @property
    def pooled(self) -> int:
        """Rows, and columns, of sums that make one of what leaves the registers."""
        return 2 if self.pool and not self.banded else 1

    @property
    def empty(self) -> bool:
        """Whether it is known to have no outputs."""
        counts = (self.rows.count, self.columns.count, self.result.channels)
        return any(isinstance(count, int) and count <= 0 for count in counts)

    @property
    def clippable(self) -> bool:
        """Whether taps outside the image can be left out: known sizes, no gathers."""
        channels = self.channels
        own = channels.depthwise and self.source.block == self.lanes
        known = self.rows.known and self.columns.known and self.pooled == 1
        return known and (channels.broadcast or own)

    @property
    def channels(self) -> Channels:
        return Channels(
            self.source.channels, self.result.channels, self.groups, self.lanes
        )


@dataclass(frozen=True)
class Channels:
    """Which input channels make which output channels, in ``groups`` equal parts.

    Where vectors of output channels never straddle two groups (``broadcast``), one
    input number serves all lanes. Otherwise each lane reads the channels of its own
    group (``depthwise`` where that is the lane's own channel), as vectors.
    """

    source: int
    result: int
    groups: int
    lanes: int

    @property
    def inputs(self) -> int:
        """Input channels of one group."""
        return self.source // self.groups

    @property
    def outputs(self) -> int:
        """Output channels of one group."""
        return self.result // self.groups

    @property
    def broadcast(self) -> bool:
        whole = self.inputs % self.lanes == 0 and self.outputs % self.lanes == 0
        return self.groups == 1 or whole

    @property
    def depthwise(self) -> bool:
        return not self.broadcast and self.inputs == self.outputs == 1

    @property
    def vectors(self) -> int:
        """Vectors of output channels."""
        return -(-self.result // self.lanes)

    @property
    def group_vectors(self) -> int:
        """Vectors that read the same input: those of one group, or each its own."""
        return -(-self.outputs // self.lanes) if self.broadcast else 1

    @property
    def chunk(self) -> int:
        """Input channels that a kernel runs through at each tap."""
        return self.lanes if self.broadcast else self.inputs

    @property
    def chunks(self) -> list[int]:
        """The channels in each chunk of one group's input."""
        starts = range(0, self.inputs, max(self.chunk, 1))
        return [min(self.chunk, self.inputs - start) for start in starts]


def forward_axis(window: Window, axis: int, extent: Size, count: Size) -> Axis:
    """Output ``i`` reads ``stride i + dilation t - padding``."""
    padding = window.padding[axis]
    axis_of = Axis(
        count,
        extent,
        range(window.kernel[axis]),
        first=-padding[0],
        stride=window.stride[axis],
        dilation=window.dilation[axis],
    )
    if padding == (0, 0) and not axis_of.inside:
        return _trusted(axis_of)
    return axis_of


def _trusted(axis: Axis) -> Axis:
    """``axis`` where the lack of padding says that nothing outside is read."""
    over = axis.reach(axis.count) - axis.extent
    if isinstance(over, int) and over > 0:
        raise CodegenError(
            f"convolution: output {axis.count} reads {over} past input {axis.extent}"
        )
    return Axis(
        axis.count, axis.reach(axis.count), axis.taps, 0, axis.stride, axis.dilation
    )


def check(who: str, image: Image, channels: int, groups: int, lanes: int) -> None:
    """Refuse images in an order, or with channels, that the kernels do not know."""
    if image.block not in (1, lanes):
        raise CodegenError(f"{who}: block is {image.block}, expected 1 or {lanes}")
    if channels % groups:
        raise CodegenError(f"{who}: {channels} channels do not make {groups} groups")


def blocks(image: Image) -> int:
    """How many planes of ``block`` channels an image has."""
    return -(-image.channels // image.block)


def plane(image: Image) -> Size:
    """Elements of one plane of an image."""
    return image.height * image.width * image.block


def position(image: Image, sample: Size, at: Size, row: Size, column: Size) -> Size:
    """Where the block ``at`` of pixel (row, column) begins."""
    pixel = ((sample * blocks(image) + at) * image.height + row) * image.width + column
    return pixel * image.block


def share(index: Size, parts: Size, whole: Size) -> Size:
    """Where part ``index`` of ``parts`` even parts of ``whole`` begins."""
    return sizes.floordiv(index * whole, parts)
