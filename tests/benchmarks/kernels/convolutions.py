"""Convolutions forward and backward, by direct sums and by Winograd's filtering.

The kernels are those of ``codegen`` alone: images come and go in the blocked order, as
they do inside a network, and the packing of the filters is not part of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from codegen.build import build
from codegen.convolution import (
    at_points,
    flops,
    packed_shape,
    transformed_shape,
    winograd_points,
)
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Image,
    Kernel,
    PackFilters,
    Program,
    Role,
    Step,
)
from codegen.printer import print_programs
from codegen.runtime import Native
from codegen.sizes import evaluate, product
from codegen.target import Target
from tests.benchmarks.kernels.jobs import Job, Run, aligned, largest_error
from tests.benchmarks.kernels.layers import Layer

DTYPE = "float32"
ITEM = 4


def jobs(layer: Layer, target: Target, threads: int) -> Iterator[Job]:
    """The passes of a layer, each by every way that the compiler has for it."""
    makers = {"forward": _forward, "backward data": _data, "backward weights": _weights}
    for part, make in makers.items():
        if part == "backward data" and not layer.backward_data:
            continue
        programs = _programs(make, layer, target)
        module = build(list(programs.values()), target)
        natives = {way: module[program.name] for way, program in programs.items()}
        ways, errors = _ways(programs["direct"].arguments, natives, threads)
        step = programs["direct"].kernels[-1].step
        traffic = sum(_numbers_of(b) for b in programs["direct"].arguments) * ITEM
        yield Job(str(layer), part, ways, flops(step), traffic, errors)


Maker = Callable[[Layer, Target, bool], Program]


def _programs(make: Maker, layer: Layer, target: Target) -> dict[str, Program]:
    """Programs by way; only one where allowing Winograd changes nothing."""
    direct, allowed = (make(layer, target, winograd) for winograd in (False, True))
    direct_text, text = (print_programs([p], target).text for p in (direct, allowed))
    if direct_text == text:
        return {"direct": direct}
    renamed = Program("winograd", (), allowed.arguments, allowed.kernels)
    return {"direct": direct, "Winograd": renamed}


def _ways(
    arguments: Sequence[Buffer], natives: dict[str, Native], threads: int
) -> tuple[dict[str, Run], dict[str, float]]:
    """One run of each way on the same numbers, and how far it is from direct sums."""
    *given, out = arguments
    rng = np.random.default_rng(0)
    arrays = [_numbers(buffer, rng) for buffer in given]
    results = {way: aligned(np.zeros(out.shape, DTYPE)) for way in natives}

    def timed(way: str) -> Run:
        operands = [*arrays, results[way]]
        return lambda: natives[way].profile(operands, (), threads)[1][-1]

    ways = {way: timed(way) for way in natives}
    for run in ways.values():
        run()
    direct = results.pop("direct")
    errors = {
        way: largest_error(result, direct, way) for way, result in results.items()
    }
    return ways, errors


def _numbers(buffer: Buffer, rng: np.random.Generator) -> np.ndarray:
    return aligned(rng.standard_normal(buffer.shape, DTYPE))


def _numbers_of(buffer: Buffer) -> int:
    return evaluate(product(buffer.shape), {})


# --- programs -----------------------------------------------------------------------


def _forward(layer: Layer, target: Target, winograd: bool) -> Program:
    lanes = target.lanes(DTYPE)
    x, y, plain = _operands(layer, lanes)
    packed, pack = _packing(layer, plain, lanes, transposed=False)
    step = Convolution(x, packed, y, layer.window)
    return _program((x.buffer, plain, y.buffer), pack, *_chosen(step, target, winograd))


def _data(layer: Layer, target: Target, winograd: bool) -> Program:
    lanes = target.lanes(DTYPE)
    x, y, plain = _operands(layer, lanes)
    packed, pack = _packing(layer, plain, lanes, transposed=True)
    step = ConvolutionBackwardData(y, packed, x, layer.window)
    return _program((y.buffer, plain, x.buffer), pack, *_chosen(step, target, winograd))


def _weights(layer: Layer, target: Target, winograd: bool) -> Program:
    lanes = target.lanes(DTYPE)
    x, y, plain = _operands(layer, lanes)
    step = ConvolutionBackwardWeights(x, y, plain, layer.window, winograd)
    return _program((x.buffer, y.buffer, plain), step)


def _chosen(
    step: Convolution | ConvolutionBackwardData, target: Target, winograd: bool
) -> tuple[Step, ...]:
    """``step`` alone, or after the transform of its filters where that may serve."""
    points = winograd_points(step, target, ready=True) if winograd else 0
    if not points:
        return (step,)
    shape = transformed_shape(step.filters.shape, step.window.kernel, points)
    return at_points(step, points, Buffer("transformed", DTYPE, shape))


def _program(arguments: tuple[Buffer, ...], *steps) -> Program:
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    return Program("direct", (), arguments, kernels)


def _operands(layer: Layer, lanes: int) -> tuple[Image, Image, Buffer]:
    """x and y, blocked unless x has few channels, and the filters as they are."""
    window = layer.window
    few = layer.channels < lanes
    x = image("x", layer.batch, layer.channels, layer.size, 1 if few else lanes)
    y = image("y", layer.batch, layer.filters, layer.output, lanes)
    narrow = layer.channels // window.groups
    shape = (layer.filters, narrow, *window.kernel)
    return x, y, Buffer("w", DTYPE, shape, Role.ARGUMENT)


def image(name: str, batch: int, channels: int, size: int, block: int) -> Image:
    """A square image that the caller gives, in blocks of channels if there are any."""
    shape = (batch, channels, size, size)
    if block > 1:
        shape = (batch, -(-channels // block), size, size, block)
    buffer = Buffer(name, DTYPE, shape, Role.ARGUMENT)
    return Image(buffer, batch, channels, size, size, block)


def _packing(
    layer: Layer, plain: Buffer, lanes: int, transposed: bool
) -> tuple[Buffer, PackFilters]:
    window = layer.window
    shape = packed_shape(window, layer.channels, layer.filters, lanes, transposed)
    packed = Buffer("packed", DTYPE, shape)
    return packed, PackFilters(plain, packed, window, lanes, transposed)
