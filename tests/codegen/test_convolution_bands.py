"""Convolutions that pool windows of any form, from bands of their results."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from codegen.build import build
from codegen.convolution import bands, flops, packed_shape, winograd, winograd_grid
from codegen.convolution.forward import correlation_of
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
from codegen.target import SSE2
from tests.codegen import test_pool
from tests.codegen.convolution_cases import (
    DTYPES,
    TARGETS,
    Case,
    Operands,
    blocked,
    close,
    effort,
    image,
    quickest,
    reference,
)

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


def made(name, case, pooling, target, dtype, before="none"):
    """Twice what is pooled of the results, after ``before``: nothing, relu, exp and a
    sum with another image."""
    lanes, outputs = target.lanes(dtype), case.channels[1]
    given = Operands(case, dtype, lanes)
    plain = given.plain
    results = reference(case)[0]
    rest = np.random.default_rng(1).normal(size=results.shape)
    if before == "relu":
        results = np.maximum(results, 0)
    elif before == "exp":
        results = np.exp(results / 8) + rest
    found, places = pooled(results, pooling)
    y = image("y", dtype, plain.batch, outputs, found.shape[2:], lanes)
    other = image("other", dtype, plain.batch, outputs, case.output, lanes)
    marks = Buffer("places", "uint8", y.buffer.shape, Role.ARGUMENT)
    step = Convolution(
        given.x,
        given.packed,
        y,
        case.window,
        Epilogue(Call("mul", (Result(dtype), Literal(2, dtype)), dtype)),
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


def check(cases, target, dtype, before="none", exactly=True, tolerance=None):
    """Each case, on one thread and on three: as NumPy has it, and equal to the bit."""
    every = [
        made(f"p{number}", *case, target, dtype, before)
        for number, case in enumerate(cases)
    ]
    flags = effort(target, dtype)
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
            real = (
                blocked(
                    np.ones(
                        (
                            *one.wanted.shape[:1],
                            case.channels[1],
                            *one.wanted.shape[2:4],
                        )
                    ),
                    target.lanes(dtype),
                )
                > 0
            )
            same = (places == one.places)[real]
            assert same.all() if exactly else same.sum() >= 0.99 * same.size


@pytest.mark.parametrize("before", ["none", "relu", "exp"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_direct_sums(dtype, before, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    for target in TARGETS:
        check(list(CASES.values()), target, dtype, before)


@pytest.mark.parametrize("before", ["none", "exp"])
def test_minimal_filtering(before, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    cases = [CASES[name] for name in (
        "unpadded", "overlapping", "apart", "what exists", "whole images",
        "five by five", "no images",
    )]  # fmt: skip
    for target in TARGETS:
        check(cases, target, "float32", before, exactly=False, tolerance=2e-5)


def test_small_bands(monkeypatch):
    """As many bands as there are rows of windows, and any number between."""
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    monkeypatch.setattr(bands, "HELD_BYTES", 1)
    check(list(CASES.values()), TARGETS[0], "float32")
    case = replace(CASES["overlapping"][0], size=(23, 9))
    for units in (2, 3, 5, 7):
        monkeypatch.setattr(bands, "UNITS", units * 4)
        poolings = [STEM, Pooling((4, 1), (3, 2)), Pooling((2, 2), (1, 2))]
        check([(case, one) for one in poolings], TARGETS[0], "float32", "exp")


def correlation(count, pooling=STEM, size=(30, 9)):
    case = Case((4, 8), 1, size, SAME)
    x, _ = case.images("float32", 4, 4, "x")
    rows = test_pool.wanted(np.zeros((1, 1, *size)), pooling)[0].shape[2:]
    y = image("y", "float32", 1, 8, rows, 4)
    packed = Buffer("w", "float32", packed_shape(SAME, 4, 8, 4))
    return Convolution(x, packed, y, SAME, pool=pooling)


@pytest.mark.parametrize(
    "pooling", [STEM, Pooling((3, 1), (1, 1)), Pooling((2, 1), (5, 1))]
)
@pytest.mark.parametrize("count", range(1, 6))
def test_bands_see_what_their_windows_see(count, pooling):
    step = correlation(count, pooling)
    found = bands.bands_of(correlation_of(step, SSE2), count)
    before = pooling.padding[0][0]
    seen = []
    for band in range(count):
        first, last = found.of(band)
        top, bottom = found.seen(band, first, last)
        rows = {
            row * pooling.stride[0] - before + tap
            for row in range(first, last)
            for tap in range(pooling.window[0])
        } & set(range(30))
        assert (top, bottom) == (min(rows), max(rows) + 1)
        seen.append(bottom - top)
    assert (found.lengths, found.most) == (seen, max(seen))
    assert found.share == sum(seen) / 30


def test_work_is_that_of_the_whole_image():
    assert flops(correlation(1)) == 2 * 4 * 8 * 9 * 30 * 9


def ints(rng, low, high):
    """Two of ``low`` to ``high``."""
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def drawn(rng):
    """A convolution, and a pooling of any form that fits its results."""
    while True:
        filters, sides = ints(rng, 1, 4), ints(rng, 1, 18)
        pads = tuple(ints(rng, 0, most - 1) for most in filters)
        steps = (1, 1) if rng.integers(2) else ints(rng, 1, 2)
        window = Window(filters, steps, padding=pads)
        channels, batch = ints(rng, 1, 36), int(rng.integers(1, 4))
        case = Case(channels, batch, sides, window, open_batch=bool(rng.integers(2)))
        spans = ints(rng, 1, 5)
        padding = tuple(ints(rng, 0, span - 1) for span in spans)
        lengths = zip(case.output, padding, spans, strict=True)
        if all(n > 0 and n + sum(pad) >= span for n, pad, span in lengths):
            kind = int(rng.integers(3))
            mean, counted = kind > 0, kind > 1
            yield case, Pooling(spans, ints(rng, 1, 4), padding, mean, counted)


@pytest.mark.parametrize("cost", [-1, np.inf])
@pytest.mark.parametrize("before", ["none", "exp"])
def test_any_geometry(cost, before, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: cost)
    found = drawn(np.random.default_rng(7))
    for target in TARGETS:
        cases = [next(found) for _ in range(12)]
        check(cases, target, "float32", before, exactly=False, tolerance=2e-5)


@pytest.mark.parametrize("before", ["none", "exp"])
def test_rows_kept_for_the_next_band(before, monkeypatch):
    """A unit makes the bands of a sample, where samples are many."""
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    monkeypatch.setattr(winograd, "INPUT_BYTES", 1)
    monkeypatch.setattr(winograd, "MOST_TILES", 1)
    for module in (bands, winograd_grid):
        monkeypatch.setattr(module, "UNITS", 1)
    case = Case((16, 33), 2, (43, 30), SAME)
    poolings = [
        STEM,
        replace(MEAN, counted=False),
        Pooling((5, 2), (1, 1)),
        Pooling((9, 1), (4, 2), ((8, 3), (0, 0))),
        Pooling((3, 3), (2, 2)),
        Pooling((4, 4), (3, 3)),
    ]
    five = Case((9, 16), 1, (31, 29), Window((5, 5)))
    for target in TARGETS:
        cases = [(case, one) for one in poolings] + [(five, STEM)]
        made = [winograd.cut(correlation_in(*one, target), 6, target) for one in cases]
        assert all(one.bands.step and one.bands.count > 1 for one in made)
        check(cases, target, "float32", before, exactly=False, tolerance=2e-5)


def correlation_in(case, pooling, target):
    """A convolution that pools, of images in blocks of the target's vectors."""
    lanes = target.lanes("float32")
    x, _ = case.images("float32", lanes, lanes, "")
    size = test_pool.wanted(np.zeros((1, 1, *case.output)), pooling)[0].shape[2:]
    y = image("y", "float32", case.batch, case.channels[1], size, lanes)
    packed = Buffer("w", "float32", packed_shape(case.window, *case.channels, lanes))
    step = Convolution(x, packed, y, case.window, pool=pooling)
    return correlation_of(step, target)
