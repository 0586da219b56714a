"""A convolution and both of its gradients as one program, held against NumPy.

Cases that are *among* others are compiled with their neighbours, as one module, when
the first of them is run: starting the compiler takes as long as a small kernel.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from codegen import sizes
from codegen.build import Module, build
from codegen.convolution import packed_shape
from codegen.errors import CodegenError, CompileError
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
from codegen.runtime import Native
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
TOGETHER = 10  # cases that are one module


def run(
    case: Case,
    target: Target,
    dtype: str,
    threads: int = 2,
    wanted: Sequence[str] = RESULTS,
    optimized: bool = False,
    among: Iterable[Case] = (),
    patched: Hashable = None,
):
    """y, dx and dw of the C, blocked as they come; what is not ``wanted`` is nan.

    ``among`` are cases of the same target, dtype and effort, and ``patched`` tells what
    else decides their C.
    """
    program = program_of(case, dtype, target, wanted)
    flags = effort(target, dtype, optimized)
    if together := tuple(dict.fromkeys(among)):
        how = dtype, target, tuple(wanted), flags, patched
        native = _native(case, together, how)
    else:
        native = build([program], target, flags=flags)["p"]
    x, filters, dy = (array.astype(dtype) for array in case.arguments)
    given = {"x": x, "w": filters, "y": dy}
    values = dict(zip(case.names, case.values, strict=True))
    arrays = [
        given[buffer.name]
        if buffer.name in given
        else np.full([sizes.evaluate(s, values) for s in buffer.shape], np.nan, dtype)
        for buffer in program.arguments
    ]
    assert native.run(arrays, case.values, threads=threads) == 0
    found = dict(zip((b.name for b in program.arguments), arrays, strict=True))
    return found["yout"], found["xout"], found["dw"]


def _native(case: Case, among: tuple[Case, ...], how: tuple) -> Native:
    """The machine code of a case: alone where its neighbours do not compile."""
    place = among.index(case)
    first = place - place % TOGETHER
    try:
        module = _module(among[first : first + TOGETHER], *how)
    except (CodegenError, CompileError):
        return _module((case,), *how)["p0"]
    return module[f"p{place - first}"]


@lru_cache
def _module(
    cases: tuple[Case, ...],
    dtype: str,
    target: Target,
    wanted: tuple[str, ...],
    flags: tuple[str, ...],
    patched: Hashable,
) -> Module:
    programs = [
        replace(program_of(case, dtype, target, wanted), name=f"p{place}")
        for place, case in enumerate(cases)
    ]
    return build(programs, target, flags=flags)


def program_of(
    case: Case, dtype: str, target: Target, wanted: Sequence[str] = RESULTS
) -> Program:
    """What ``run`` compiles of a case."""
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


def check(
    case: Case,
    target: Target,
    dtype: str,
    optimized: bool = False,
    among: Iterable[Case] = (),
) -> None:
    """Forward, both gradients, and the zeros in the lanes after the last channel."""
    lanes = target.lanes(dtype)
    y, dx, dw = reference(case)
    found = run(case, target, dtype, optimized=optimized, among=among)
    for name, got, expected in zip(
        RESULTS,
        found,
        (blocked(y, lanes), blocked(dx, lanes), dw),
        strict=True,
    ):
        assert close(got, expected, dtype), f"{name} of {case}"
        assert np.all(got[expected == 0] == 0) or name == "dw", f"padding of {name}"
