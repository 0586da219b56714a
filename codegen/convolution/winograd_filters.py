"""Packed filters at the points of Winograd's minimal filtering: G w G'.

What comes is in the order of ``packing.py``: vectors of output channels, chunks of
input channels, taps, the channels of the chunk, lanes. What goes is in the order
[point][vector][input channel][lane].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from codegen import sizes
from codegen.convolution import helpers, text
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    TransformFilters,
)
from codegen.sizes import symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "winograd.h")
Shape = tuple[int, int, int, int]
Step = TypeVar("Step", Convolution, ConvolutionBackwardData)


def transformed_shape(
    packed: Sequence[int], kernel: tuple[int, int], points: int
) -> Shape:
    """(points, vectors, input channels, lanes) for filters packed in that shape."""
    vectors, depth, lanes = packed
    return points * points, vectors, depth // (kernel[0] * kernel[1]), lanes


def at_points(step: Step, points: int, made: Buffer) -> tuple[TransformFilters, Step]:
    """``step`` by Winograd's filtering, and what makes its filters: ``made``."""
    transform = TransformFilters(step.filters, made, step.window.kernel, points)
    return transform, replace(step, filters=made, points=points)


def emit_transform_filters(step: TransformFilters, target: Target) -> Emission:
    """The C that transforms filters; a unit is a vector of output channels."""
    packed = [sizes.evaluate(size, {}) for size in step.packed.shape]
    expected = transformed_shape(packed, step.kernel, step.points)
    if step.transformed.shape != expected:
        raise CodegenError(
            f"transform filters: transformed shape is {step.transformed.shape}, "
            f"expected {expected}"
        )
    number, vectors, inputs, lanes = expected
    chunk, channel, unit = symbol("chunk"), symbol("channel"), symbol("unit")
    free = partial(sizes.text, fixed=sizes.FREE)
    rows, columns = step.kernel
    size = sizes.minimum(inputs - chunk * lanes, lanes)
    at = (unit * inputs + chunk * lanes) * (rows * columns) + channel
    to = unit * inputs + chunk * lanes + channel
    helper = helpers.filters(step.packed.dtype, step.points, step.kernel)
    call = [
        f"{helper.name}(",
        f"    {step.packed.name} + {free(at * lanes)},",
        f"    {free(size * (columns * lanes))}, {free(size * lanes)},",
        f"    {step.transformed.name} + {free(to * lanes)},",
        f"    {free(vectors * inputs * lanes)});",
    ]
    chunks = -(-inputs // lanes)
    body = text.loop("channel", size, call, sizes.FREE)
    body = text.loop("chunk", chunks, body, sizes.FREE)
    lines = text.block("for (int64_t unit = begin; unit < end; unit++)", body)
    cost = inputs * 2 * number * lanes
    buffers = (step.packed, step.transformed)
    phase = Phase(
        tuple(lines),
        buffers,
        vectors,
        0,
        cost,
        helpers=(helper,),
    )
    return Emission((phase,), headers=HEADERS)
