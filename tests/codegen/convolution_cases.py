"""Convolutions of any geometry, what they read, and NumPy's word on the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from codegen import sizes
from codegen.convolution import (
    at_points,
    packed_shape,
    transformed_shape,
    winograd_points,
)
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    Image,
    PackFilters,
    Reorder,
    Role,
    Step,
    Window,
)
from codegen.target import Target, runnable

TARGETS = runnable()
DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True)
class Case:
    """One convolution: sizes, window, and which of its sizes wait for the call."""

    channels: tuple[int, int] = (3, 5)
    batch: int = 2
    size: tuple[int, int] = (7, 9)
    window: Window = field(default_factory=lambda: Window((3, 3)))
    plain_input: bool = False
    open_batch: bool = False
    open_size: bool = False
    seed: int = 0

    @cached_property
    def output(self) -> tuple[int, int]:
        return tuple(self._output(axis, self.size[axis]) for axis in (0, 1))

    @cached_property
    def arguments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, filters and dy in float64."""
        rng = np.random.default_rng(self.seed)
        inputs, outputs = self.channels
        narrow = inputs // self.window.groups
        shapes = [
            (self.batch, inputs, *self.size),
            (outputs, narrow, *self.window.kernel),
            (self.batch, outputs, *self.output),
        ]
        return tuple(rng.standard_normal(shape) for shape in shapes)

    @property
    def names(self) -> tuple[str, ...]:
        """The run-time sizes."""
        batch = ("n0",) if self.open_batch else ()
        return batch + (("h0", "w0") if self.open_size else ())

    @property
    def values(self) -> tuple[int, ...]:
        batch = (self.batch,) if self.open_batch else ()
        return batch + (self.size if self.open_size else ())

    def _output(self, axis: int, size):
        window = self.window
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        return (size + sum(window.padding[axis]) - reach) // window.stride[axis] + 1

    def images(self, dtype: str, lanes: int, block: int, suffix: str):
        """Images for x and y, in blocks of ``block``."""
        batch = sizes.symbol("n0") if self.open_batch else self.batch
        size = self.size
        if self.open_size:
            size = (sizes.symbol("h0"), sizes.symbol("w0"))
        output = tuple(self._output(axis, size[axis]) for axis in (0, 1))
        return (
            image(f"x{suffix}", dtype, batch, self.channels[0], size, block),
            image(f"y{suffix}", dtype, batch, self.channels[1], output, block),
        )


def in_dtypes(cases: Iterable[str], doubles: Iterable[str]) -> list[tuple[str, str]]:
    """All ``cases`` in float32, and those of ``doubles`` in float64 too."""
    return [(n, "float32") for n in cases] + [(n, "float64") for n in doubles]


def image(name, dtype, batch, channels, size, block) -> Image:
    """An image that the caller gives."""
    shape = (batch, channels, *size)
    if block > 1:
        shape = (batch, -(-channels // block), *size, block)
    buffer = Buffer(name, dtype, shape, Role.ARGUMENT)
    return Image(buffer, batch, channels, *size, block)


def blocked(plain: np.ndarray, lanes: int) -> np.ndarray:
    """N,C,H,W in the order N,C/v,H,W,v, padded with zeros."""
    batch, channels, height, width = plain.shape
    blocks = -(-channels // lanes)
    padded = np.zeros((batch, blocks * lanes, height, width), plain.dtype)
    padded[:, :channels] = plain
    split = padded.reshape(batch, blocks, lanes, height, width)
    return np.ascontiguousarray(split.transpose(0, 1, 3, 4, 2))


def windows_by_two(y: np.ndarray) -> np.ndarray:
    """The elements of the whole 2 by 2 windows of images, as the last axis."""
    batch, channels, height, width = y.shape
    whole = y[:, :, : height // 2 * 2, : width // 2 * 2]
    pairs = whole.reshape(batch, channels, height // 2, 2, width // 2, 2)
    turned = pairs.transpose(0, 1, 2, 4, 3, 5)
    return turned.reshape(batch, channels, height // 2, width // 2, 4)


@dataclass(frozen=True)
class Operands:
    """What a convolution reads: images and filters, as they come and as it wants them.

    ``steps`` order them, and ``arrays`` are the first three, which the caller gives.
    """

    case: Case
    dtype: str
    lanes: int

    @property
    def plain(self) -> Image:
        return self.case.images(self.dtype, self.lanes, 1, "")[0]

    @property
    def block(self) -> Image:
        return self.case.images(self.dtype, self.lanes, self.lanes, "b")[0]

    @property
    def x(self) -> Image:
        """The one of the images that the convolution reads."""
        return self.plain if self.case.plain_input else self.block

    @property
    def filters(self) -> Buffer:
        (inputs, outputs), window = self.case.channels, self.case.window
        shape = (outputs, inputs // window.groups, *window.kernel)
        return Buffer("w", self.dtype, shape, Role.ARGUMENT)

    @property
    def packed(self) -> Buffer:
        shape = packed_shape(self.case.window, *self.case.channels, self.lanes)
        return Buffer("packed", self.dtype, shape)

    @property
    def steps(self) -> list[Step]:
        packing = PackFilters(self.filters, self.packed, self.case.window, self.lanes)
        return [Reorder(self.plain, self.block), packing]

    @property
    def arrays(self) -> list[np.ndarray]:
        x, filters = (array.astype(self.dtype) for array in self.case.arguments[:2])
        return [x, blocked(np.zeros_like(x), self.lanes), filters]


def reference(case: Case):
    """y, dx and dw in float64, one tap and one group at a time."""
    x, filters, dy = case.arguments
    window, groups = case.window, case.window.groups
    padded = np.pad(x, ((0, 0), (0, 0), *window.padding))
    y, dx, dw = np.zeros_like(dy), np.zeros_like(padded), np.zeros_like(filters)
    inputs, outputs = (channels // groups for channels in case.channels)
    for r, s in np.ndindex(*window.kernel):
        rows, columns = (
            slice(tap * d, tap * d + (count - 1) * stride + 1, stride)
            for tap, d, count, stride in zip(
                (r, s), window.dilation, case.output, window.stride, strict=True
            )
        )
        for g in range(groups):
            c = slice(g * inputs, (g + 1) * inputs)
            k = slice(g * outputs, (g + 1) * outputs)
            seen, tap = padded[:, c, rows, columns], filters[k, :, r, s]
            y[:, k] += np.einsum("nchw,kc->nkhw", seen, tap)
            dx[:, c, rows, columns] += np.einsum("nkhw,kc->nchw", dy[:, k], tap)
            dw[k, :, r, s] = np.einsum("nkhw,nchw->kc", dy[:, k], seen)
    (top, _), (left, _) = window.padding
    height, width = case.size
    return y, dx[:, :, top : top + height, left : left + width], dw


def quickest(
    step: Convolution | ConvolutionBackwardData, target: Target
) -> tuple[Step, ...]:
    """``step``, after the transform of its filters where Winograd's way is chosen."""
    points = winograd_points(step, target)
    if not points:
        return (step,)
    kernel, packed = step.window.kernel, step.filters
    shape = transformed_shape(packed.shape, kernel, points)
    made = Buffer(f"{packed.name}_at_points", packed.dtype, shape)
    return at_points(step, points, made)


def close(got: np.ndarray, expected: np.ndarray, dtype: str) -> bool:
    """Within the tolerance of the largest number."""
    error = np.abs(got - expected).max(initial=0)
    return bool(error <= TOLERANCE[dtype] * max(np.abs(expected).max(initial=0), 1))
