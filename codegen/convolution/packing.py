"""Filters in the order the kernels read them.

Plain filters are (K, C/groups, R, S). Packed ones run over the correlations of the
step (one forward; one for each residue of the stride backward), and in each over
vectors of output channels, chunks of input channels, rows and columns of taps, the
channels of the chunk, and the lanes of the vector. ``transposed`` makes them for
the backward pass: the channels' roles exchanged, taps from last to first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Channels
from codegen.convolution.residues import residue_taps
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import PackFilters, Window
from codegen.scalars import suffix
from codegen.sizes import Size, symbol
from codegen.target import Target

Shape = tuple[int, int, int]
HEADERS = ("vectors.h", "convolution.h")


def packed_shape(
    window: Window,
    channels_in: int,
    channels_out: int,
    lanes: int,
    transposed: bool = False,
) -> Shape:
    """(vectors of output channels, inputs times taps, lanes) of packed filters."""
    source, result = channels_in, channels_out
    if transposed:
        source, result = channels_out, channels_in
    return _shape(Channels(source, result, window.groups, lanes), window)


def pack_filters(
    plain: npt.NDArray[Any], window: Window, lanes: int, transposed: bool = False
) -> npt.NDArray[Any]:
    """What ``PackFilters`` makes of ``plain``, by NumPy: for constant filters."""
    pattern = _pattern(plain.shape, window, lanes, transposed)
    shape = (pattern.result, pattern.inputs, *window.kernel)
    by_output = plain.reshape(shape)
    if transposed:
        parts = plain.reshape(window.groups, pattern.inputs, -1, *window.kernel)
        by_output = parts.swapaxes(1, 2).reshape(shape)
    padding = pattern.vectors * lanes - pattern.result
    padded = np.pad(by_output, ((0, padding), (0, 0), (0, 0), (0, 0)))
    vectors = padded.reshape(pattern.vectors, lanes, *shape[1:])
    packed = [np.empty(0, plain.dtype)]
    for rows, columns in tap_ranges(window, transposed):
        taps = vectors[:, :, :, list(rows)][..., list(columns)]
        packed.append(_ordered(taps, pattern.chunk).ravel())
    return np.concatenate(packed).reshape(_shape(pattern, window))


def _ordered(taps: npt.NDArray[Any], chunk: int) -> npt.NDArray[Any]:
    """(vector, lane, input, r, s) -> (vector, chunk and r and s and input, lane)."""
    vectors, lanes, inputs = taps.shape[:3]
    starts = range(0, inputs, max(chunk, 1))
    chunks = [taps[:, :, start : start + chunk] for start in starts]
    flat = [c.transpose(0, 3, 4, 2, 1).reshape(vectors, -1, lanes) for c in chunks]
    return np.concatenate(flat, axis=1) if flat else taps


def tap_ranges(window: Window, transposed: bool) -> list[tuple[range, range]]:
    """The taps of each correlation, along rows and along columns, in its order."""
    if not transposed:
        return [(range(window.kernel[0]), range(window.kernel[1]))]
    rows, columns = residue_taps(window, 0), residue_taps(window, 1)
    return [(row, column) for row in rows for column in columns]


def emit_pack_filters(step: PackFilters, target: Target) -> Emission:
    """The C that packs filters; a unit is a vector of output channels."""
    shape = _integers(step.plain.shape if step.shape is None else step.shape)
    pattern = _pattern(shape, step.window, step.block, step.transposed)
    expected = _shape(pattern, step.window)
    if step.packed.shape != expected:
        raise CodegenError(
            f"pack filters: packed shape is {step.packed.shape}, expected {expected}"
        )
    if 0 in expected:
        return Emission(())
    body = [
        f"int64_t place[{step.block}];",
        *text.loop("lane", step.block, [_place(step, pattern)]),
    ]
    first = 0
    for taps in tap_ranges(step.window, step.transposed):
        each = pattern.inputs * len(taps[0]) * len(taps[1]) * step.block
        if each:
            to = first + symbol("vector") * each
            body.append(_call(step, pattern, taps, to, target))
        first += each * pattern.vectors
    lines = text.block("for (int64_t vector = begin; vector < end; vector++)", body)
    buffers, cost = (step.plain, step.packed), 3 * expected[1] * expected[2]
    phase = Phase(tuple(lines), buffers, pattern.vectors, 0, cost)
    return Emission((phase,), headers=HEADERS)


def _place(step: PackFilters, pattern: Channels) -> str:
    """Where the filters of a lane's output channel begin, -1 for a padding lane."""
    output = symbol("vector") * step.block + symbol("lane")
    place = output * pattern.inputs
    if step.transposed:
        narrow = pattern.outputs
        group = sizes.floordiv(output, narrow)
        place = group * (pattern.inputs * narrow) + sizes.mod(output, narrow)
    taps = step.window.kernel[0] * step.window.kernel[1]
    value = sizes.text(place * taps, sizes.FREE)
    if pattern.result % step.block:
        value = f"{sizes.text(output)} < {pattern.result} ? {value} : -1"
    return f"place[lane] = {value};"


def _call(
    step: PackFilters,
    pattern: Channels,
    taps: tuple[range, range],
    at: Size,
    target: Target,
) -> str:
    height, width = step.window.kernel
    between = height * width * (pattern.outputs if step.transposed else 1)
    numbers = [pattern.inputs, pattern.chunk, between, width]
    for one in taps:
        numbers += [len(one), one.start, one.step]
    packing = f"(sg_packing){{{', '.join(map(sizes.marked, numbers))}}}"
    to = f"{step.packed.name} + {sizes.text(at, sizes.FREE)}"
    given, kind = f"{to}, {step.plain.name}, place", suffix(step.plain.dtype)
    if step.block == target.lanes(step.plain.dtype):
        return f"sg_pack_vector_{kind}({given}, {packing});"
    return f"sg_pack_lanes_{kind}({given}, {packing}, {step.block});"


def _integers(shape: Sequence[Size]) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise CodegenError("pack filters: the shape of filters must be known")
    return tuple(size for size in shape if isinstance(size, int))


def _pattern(
    shape: Sequence[int], window: Window, lanes: int, transposed: bool
) -> Channels:
    """The channels of plain filters (K, C/groups, R, S)."""
    if len(shape) != 4 or tuple(shape[2:]) != window.kernel:
        raise CodegenError(
            f"pack filters: plain shape is {tuple(shape)},"
            f" expected (K, C/groups, {window.kernel[0]}, {window.kernel[1]})"
        )
    source, result = shape[1] * window.groups, shape[0]
    if transposed:
        source, result = result, source
    return Channels(source, result, window.groups, lanes)


def _shape(pattern: Channels, window: Window) -> Shape:
    taps = window.kernel[0] * window.kernel[1]
    return pattern.vectors, pattern.inputs * taps, pattern.lanes
