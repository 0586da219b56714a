"""Convolutions that pool windows of any form, from bands of their results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.convolution import bands, flops, packed_shape, winograd, winograd_grid
from codegen.convolution.forward import correlation_of
from codegen.ir import Buffer, Convolution, Pooling, Window
from codegen.target import SSE2
from tests.codegen import test_pool
from tests.codegen.bands_cases import CASES, MEAN, SAME, STEM, check
from tests.codegen.convolution_cases import DTYPES, TARGETS, Case, image


@pytest.mark.parametrize(
    ("dtype", "before"),
    [(DTYPES[0], "none"), (DTYPES[0], "relu"), (DTYPES[0], "exp"), (DTYPES[1], "exp")],
)
def test_direct_sums(dtype, before, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    optimized = {"none": dtype == "float32", "relu": None, "exp": False}[before]
    for target in TARGETS:
        check(list(CASES.values()), target, dtype, before, optimized=optimized)


@pytest.mark.parametrize("before", ["none", "exp"])
def test_minimal_filtering(before, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    cases = [CASES[name] for name in (
        "unpadded", "overlapping", "apart", "what exists", "whole images",
        "five by five", "no images",
    )]  # fmt: skip
    for target in TARGETS:
        check(cases, target, "float32", before, False, 2e-5, before == "none")


def test_small_bands(monkeypatch):
    """As many bands as there are rows of windows, and any number between."""
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    monkeypatch.setattr(bands, "HELD_BYTES", 1)
    check(list(CASES.values()), TARGETS[0], "float32", optimized=None)
    case = replace(CASES["overlapping"][0], size=(23, 9))
    for units in (2, 3, 5, 7):
        monkeypatch.setattr(bands, "UNITS", units * 4)
        poolings = [STEM, Pooling((4, 1), (3, 2)), Pooling((2, 2), (1, 2))]
        cases = [(case, one) for one in poolings]
        check(cases, TARGETS[0], "float32", "exp", optimized=None)


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
        cases = [next(found) for _ in range(8)]
        check(cases, target, "float32", before, False, 2e-5, optimized=None)


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
        optimized = True if before == "none" else None
        check(cases, target, "float32", before, False, 2e-5, optimized)


def correlation_in(case, pooling, target):
    """A convolution that pools, of images in blocks of the target's vectors."""
    lanes = target.lanes("float32")
    x, _ = case.images("float32", lanes, lanes, "")
    size = test_pool.wanted(np.zeros((1, 1, *case.output)), pooling)[0].shape[2:]
    y = image("y", "float32", case.batch, case.channels[1], size, lanes)
    packed = Buffer("w", "float32", packed_shape(case.window, *case.channels, lanes))
    step = Convolution(x, packed, y, case.window, pool=pooling)
    return correlation_of(step, target)
