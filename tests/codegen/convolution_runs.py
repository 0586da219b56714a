"""A convolution and both of its gradients as one program, held against NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codegen import sizes
from codegen.build import build
from codegen.convolution import packed_shape
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Kernel,
    PackFilters,
    Program,
    Reorder,
    Role,
    Step,
)
from codegen.target import Target
from tests.codegen.convolution_cases import (
    Case,
    blocked,
    close,
    quickest,
    reference,
)
from tests.effort import effort

RESULTS = "y", "dx", "dw"


def run(
    case: Case,
    target: Target,
    dtype: str,
    threads: int = 2,
    wanted: Sequence[str] = RESULTS,
    optimized: bool = False,
):
    """y, dx and dw of the C, blocked as they come; what is not ``wanted`` is nan."""
    program = program_of(case, dtype, target, wanted)
    module = build([program], target, flags=effort(target, dtype, optimized))
    x, filters, dy = (array.astype(dtype) for array in case.arguments)
    given = {"x": x, "w": filters, "y": dy}
    values = dict(zip(case.names, case.values, strict=True))
    arrays = [
        given[buffer.name]
        if buffer.name in given
        else np.full([sizes.evaluate(s, values) for s in buffer.shape], np.nan, dtype)
        for buffer in program.arguments
    ]
    assert module["p"].run(arrays, case.values, threads=threads) == 0
    found = dict(zip((b.name for b in program.arguments), arrays, strict=True))
    return found["yout"], found["xout"], found["dw"]


def program_of(
    case: Case, dtype: str, target: Target, wanted: Sequence[str] = RESULTS
) -> Program:
    """What ``run`` compiles."""
    window, lanes = case.window, target.lanes(dtype)
    plain_x, plain_y = case.images(dtype, lanes, 1, "")
    block_x, block_y = case.images(dtype, lanes, lanes, "b")
    dx, y = case.images(dtype, lanes, lanes, "out")
    inputs, outputs = case.channels
    narrow = inputs // window.groups
    filters = Buffer("w", dtype, (outputs, narrow, *window.kernel), Role.ARGUMENT)
    dw = replace(filters, name="dw")
    packed = [
        Buffer(name, dtype, packed_shape(window, inputs, outputs, lanes, transposed))
        for name, transposed in (("packed", False), ("turned", True))
    ]
    x = plain_x if case.plain_input else block_x
    forward = Convolution(x, packed[0], y, window)
    backward = ConvolutionBackwardData(block_y, packed[1], dx, window)
    steps: list[Step] = [Reorder(plain_x, block_x), Reorder(plain_y, block_y)]
    if "y" in wanted:
        steps.append(PackFilters(filters, packed[0], window, lanes))
        steps += quickest(forward, target)
    if "dx" in wanted:
        steps.append(PackFilters(filters, packed[1], window, lanes, True))
        steps += quickest(backward, target)
    if "dw" in wanted:
        steps.append(ConvolutionBackwardWeights(x, block_y, dw, window))
    given = [i.buffer for i in (plain_x, plain_y, block_x, block_y, dx, y)]
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    return Program("p", case.names, (*given, filters, dw), kernels)


def check(case: Case, target: Target, dtype: str, optimized: bool = False) -> None:
    """Forward, both gradients, and the zeros in the lanes after the last channel."""
    lanes = target.lanes(dtype)
    y, dx, dw = reference(case)
    found = run(case, target, dtype, optimized=optimized)
    for name, got, expected in zip(
        RESULTS,
        found,
        (blocked(y, lanes), blocked(dx, lanes), dw),
        strict=True,
    ):
        assert close(got, expected, dtype), f"{name} of {case}"
        assert np.all(got[expected == 0] == 0) or name == "dw", f"padding of {name}"
