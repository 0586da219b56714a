"""Convolutions that pool from bands of their results, held against NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codegen.build import build
from codegen.ir import (
    Buffer,
    Call,
    Convolution,
    Epilogue,
    Kernel,
    Literal,
    Load,
    Pooling,
    Program,
    Result,
    Role,
    Window,
)
from codegen.sizes import symbol
from tests.codegen import test_pool
from tests.codegen.convolution_cases import (
    Case,
    Operands,
    blocked,
    close,
    image,
    quickest,
    reference,
)
from tests.effort import effort

ONE = ((1, 1), (1, 1))
STEM = Pooling((3, 3), (2, 2), ONE)
MEAN = Pooling((3, 3), (2, 2), ONE, mean=True)
WHOLE = Pooling((7, 7), (7, 7), summed=True)
SAME = Window((3, 3), padding=ONE)
CASES = {
    "stem": (Case((3, 16), 1, (30, 31), Window((7, 7), (2, 2), padding=((3, 3),) * 2),
                  plain_input=True), STEM),
    "unpadded": (Case((17, 9), 2, (9, 12), open_batch=True), Pooling((3, 3), (2, 2))),
    "overlapping": (Case((5, 40), 1, (13, 9), SAME), Pooling((5, 2), (1, 1))),
    "apart": (Case((6, 7), 3, (11, 9), SAME), Pooling((2, 1), (4, 3))),
    "uneven": (
        Case((8, 33), 1, (10, 7), Window((2, 3), (1, 2), (2, 1), ((1, 0), (2, 1)))),
        Pooling((4, 3), (3, 1), ((3, 1), (0, 2))),
    ),
    "groups": (Case((32, 64), 1, (9, 9), Window((3, 3), groups=2)), MEAN),
    "depthwise": (Case((20, 20), 1, (7, 9), replace(SAME, groups=20)), STEM),
    "some groups": (Case((6, 9), 2, (7, 6), replace(SAME, groups=3)), STEM),
    "what exists": (Case((16, 16), 2, (9, 8), SAME), replace(MEAN, counted=False)),
    "whole images": (Case((20, 32), 3, (7, 7), SAME), WHOLE),
    "largest of all": (Case((3, 5), 2, (7, 8)), Pooling((5, 6), (5, 6))),
    "five by five": (Case((16, 19), 2, (18, 15), Window((5, 5))), STEM),
    "no images": (Case((3, 5), 0, (7, 9), open_batch=True), STEM),
    "one pixel": (Case((3, 5), 1, (3, 3)), Pooling((1, 1), (1, 1), mean=True)),
}  # fmt: skip


@dataclass
class Made:
    """One program, what goes in and comes out, and what NumPy says should."""

    program: Program
    arrays: list
    values: tuple
    wanted: np.ndarray
    places: np.ndarray | None


def pooled(x, pooling):
    """Windows of x and the places of their maxima."""
    if not pooling.summed:
        return test_pool.wanted(x, pooling)
    return x.sum(axis=(2, 3), keepdims=True), None


def expected(case, pooling, before):
    """What is pooled, the places of maxima, and the image that is added before."""
    results = reference(case)[0]
    rest = np.random.default_rng(1).normal(size=results.shape)
    if before == "relu":
        results = np.maximum(results, 0)
    elif before == "exp":
        results = np.exp(results / 8) + rest
    return *pooled(results, pooling), rest


def made(name, case, pooling, target, dtype, before="none"):
    """Twice what is pooled of the results, after ``before``: nothing, relu, exp and a
    sum with another image."""
    lanes, outputs = target.lanes(dtype), case.channels[1]
    given = Operands(case, dtype, lanes)
    plain = given.plain
    found, places, rest = expected(case, pooling, before)
    y = image("y", dtype, plain.batch, outputs, found.shape[2:], lanes)
    other = image("other", dtype, plain.batch, outputs, case.output, lanes)
    marks = Buffer("places", "uint8", y.buffer.shape, Role.ARGUMENT)
    twice = Epilogue(Call("mul", (Result(dtype), Literal(2, dtype)), dtype))
    step = Convolution(
        given.x,
        given.packed,
        y,
        case.window,
        twice,
        0,
        pooling,
        early(before, dtype, other),
        None if places is None else marks,
    )
    steps = [*given.steps, *quickest(step, target)]
    images = plain.buffer, given.block.buffer
    arguments = (*images, given.filters, y.buffer, other.buffer, marks)
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    out = blocked(np.full_like(found, np.nan, dtype), lanes)
    arrays = [*given.arrays, out, blocked(rest.astype(dtype), lanes)]
    arrays.append(np.full(out.shape, 77, "uint8"))
    return Made(
        Program(name, case.names, arguments, kernels),
        arrays,
        case.values,
        blocked(2 * found, lanes),
        None if places is None else blocked(places, lanes),
    )


def early(before, dtype, other):
    """What is done before pooling."""
    result = Result(dtype)
    if before == "relu":
        return Epilogue(Call("maximum", (result, Literal(0, dtype)), dtype))
    if before == "none":
        return None
    n, at, row, column, lane = map(symbol, ("n", "block", "y", "x", "lane"))
    blocks = -(-other.channels // other.block)
    pixel = ((n * blocks + at) * other.height + row) * other.width + column
    scaled = Call("div", (result, Literal(8, dtype)), dtype)
    loaded = Load(other.buffer, pixel * other.block + lane)
    return Epilogue(Call("add", (Call("exp", (scaled,), dtype), loaded), dtype))


def check(
    cases, target, dtype, before="none", exactly=True, tolerance=None, optimized=False
):
    """Each case, on one thread and on three: as NumPy has it, and equal to the bit."""
    every = [
        made(f"p{number}", *case, target, dtype, before)
        for number, case in enumerate(cases)
    ]
    flags = effort(target, dtype, optimized)
    module = build([one.program for one in every], target, flags=flags)
    for one, (case, pooling) in zip(every, cases, strict=True):
        run = module[one.program.name].run
        assert run(one.arrays, one.values, threads=1) == 0
        found, places = (array.copy() for array in (one.arrays[3], one.arrays[5]))
        assert run(one.arrays, one.values, threads=3) == 0
        np.testing.assert_array_equal(found, one.arrays[3])
        np.testing.assert_array_equal(places, one.arrays[5])
        if tolerance is None:
            assert close(found, one.wanted, dtype), (case, pooling)
        else:
            error = np.abs(found - one.wanted).max(initial=0)
            assert error <= tolerance * np.abs(one.wanted).max(initial=1)
        if one.places is not None:
            shape = (*one.wanted.shape[:1], case.channels[1], *one.wanted.shape[2:4])
            real = blocked(np.ones(shape), target.lanes(dtype)) > 0
            same = (places == one.places)[real]
            assert same.all() if exactly else same.sum() >= 0.99 * same.size
