"""Sums of each channel that a convolution makes of its results on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from codegen import work
from codegen.build import build
from codegen.convolution import emit_convolution, packed_shape, takes_sums, winograd
from codegen.errors import CodegenError
from codegen.ir import Buffer, Call, Convolution, Epilogue, Kernel, Result, Sums, Window
from codegen.target import SSE2
from codegen.target import TARGETS as BY_NAME
from tests.codegen.channel_sums_cases import (
    BY_TWO,
    CASES,
    arrays_of,
    program_of,
    run_all,
    unblocked,
)
from tests.codegen.convolution_cases import DTYPES, TARGETS, Case

KINDS = [("float32", None), ("float64", None), ("float32", BY_TWO)]
each_kind = pytest.mark.parametrize(
    ("dtype", "pool"), KINDS, ids=["float32", "float64", "pooled"]
)
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)


@each_kind
@each_target
def test_direct_sums(target, dtype, pool, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    run_all(CASES, target, dtype, pool)


@pytest.mark.parametrize("target", TARGETS[1:], ids=lambda t: t.name)
def test_direct_sums_in_narrow_vectors_optimized(target, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    names = "ragged", "strides", "single channels with strides", "few pixels"
    run_all({n: CASES[n] for n in names}, target, "float32", optimized=True)


@each_kind
@each_target
def test_minimal_filtering(target, dtype, pool, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    names = "ragged", "padding", "five by five", "few pixels", "gradients that overlap"
    chosen = {name: CASES[name] for name in names}
    wide = Case((48, 80), 3, (17, 13))
    cases = {**chosen, "wide": wide}
    run_all(cases, target, dtype, pool, optimized=(dtype, pool) == KINDS[0])


def geometry(channels, size, kernel, stride, padding, batch):
    window = Window(kernel, stride, padding=((padding, padding), (0, padding)))
    return Case(channels, batch, size, window)


GEOMETRIES = st.builds(
    geometry,
    channels=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    size=st.tuples(st.integers(5, 19), st.integers(5, 19)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 3)]),
    padding=st.sampled_from([0, 0, 1, 2]),
    batch=st.integers(1, 3),
)


@each_target
@settings(deadline=None, max_examples=2, phases=[Phase.generate])
@given(some=st.lists(GEOMETRIES, min_size=6, max_size=6))  # the first are all alike
def test_any_geometry(target, some):
    cases = {f"p{place}": case for place, case in enumerate(dict.fromkeys(some))}
    run_all(cases, target, "float32", optimized=None)


@pytest.mark.parametrize("filtering", [-1, np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_far_from_zero(dtype, filtering, monkeypatch):
    """Where sums of squares would have no digit left."""
    monkeypatch.setattr(winograd, "_cost", lambda *_: filtering)
    case = Case((4, 37), 9, (20, 23))
    offset = {"float32": 3e4, "float64": 1e6}[dtype]
    for target in TARGETS:
        program = program_of("p", case, dtype, target, marks=("y0",))
        module = build([program], target)
        arrays = arrays_of(program, case, dtype, offset)
        given_ = [arrays[buffer.name] for buffer in program.arguments]
        assert module["p"].run(given_, case.values, threads=2) == 0
        exact = unblocked(arrays["y0"], 37).astype("longdouble")
        mean, variance = (arrays[f"y0{name}"] for name in ("first", "second"))
        precision = {"float32": 1e-6, "float64": 1e-13}[dtype]
        np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), precision / 8)
        np.testing.assert_allclose(variance, exact.var((0, 2, 3)), precision)


def moments_of_image(x, target):
    """The moments of x as the convolution with one is asked for them."""
    case = Case((1, 1), len(x), x.shape[2:], Window((1, 1)))
    program = program_of("p", case, "float32", target, marks=("y0",))
    arrays = arrays_of(program, case, "float32", 0)
    arrays["x"], arrays["w"] = x, np.ones((1, 1, 1, 1), "float32")
    given_ = [arrays[buffer.name] for buffer in program.arguments]
    assert build([program], target)["p"].run(given_, case.values, threads=1) == 0
    return arrays["y0first"].item(), arrays["y0second"].item()


def test_the_first_number_may_lie_far_from_the_others():
    """It is the pivot of the first tile, whose squares then round: no more is lost."""
    x = np.abs(np.random.default_rng(0).normal(size=(70, 1, 9, 10))).astype("float32")
    x[0, 0, 0, 0] = 1e6
    mean, variance = moments_of_image(x, TARGETS[0])
    np.testing.assert_allclose(mean, x.mean(dtype="float64"), 1e-6)
    np.testing.assert_allclose(variance, x.var(dtype="float64"), 5e-6)


def test_equal_numbers_vary_by_nothing():
    x = np.full((5, 1, 9, 10), 1e7 / 3, "float32")
    assert moments_of_image(x, TARGETS[0]) == (x[0, 0, 0, 0], 0)


@pytest.mark.parametrize("place", [(0, 0, 0, 0), (1, 0, 2, 3)])
@pytest.mark.parametrize("number", [np.inf, np.nan])
def test_numbers_that_are_not_finite(number, place):
    x = np.zeros((2, 1, 9, 10), "float32")
    x[place] = number
    mean, variance = moments_of_image(x, TARGETS[0])
    np.testing.assert_array_equal([mean, variance], [number, np.nan])


# --- where it is not done -----------------------------------------------------------


def summing(case, target, value=None, points=0):
    """A convolution that is asked for the moments of its results."""
    lanes = target.lanes("float32")
    x, y = case.images("float32", lanes, lanes, "")
    shape = packed_shape(case.window, *case.channels, lanes)
    totals = tuple(Buffer(n, "float32", (case.channels[1],)) for n in ("mean", "var"))
    epilogue = Epilogue(value or Result("float32"), (), Sums(totals))
    filters = Buffer("packed", "float32", shape)
    return Convolution(x, filters, y, case.window, epilogue, points)


def test_where_sums_are_taken():
    target, case = BY_NAME["avx2"], Case((16, 32), 4, (30, 32), open_batch=True)
    assert takes_sums(summing(case, target), target)
    assert takes_sums(summing(case, target, points=6), target)
    assert not takes_sums(summing(replace(case, open_size=True), target), target)
    near, far = (replace(case, open_batch=False, batch=n) for n in (8, 40))
    assert not takes_sums(summing(near, target), target)
    assert takes_sums(summing(far, target), target)
    few = replace(case, size=(5, 6))
    assert not takes_sums(summing(few, target), target)
    root = Call("exp", (Result("float32"),), "float32")
    assert not takes_sums(summing(case, target, root), target)
    bare = replace(summing(case, target), epilogue=None)
    assert not takes_sums(bare, target)


def test_lanes_one_by_one_are_not_summed():
    root = Call("exp", (Result("float32"),), "float32")
    with pytest.raises(CodegenError, match="what vectors can do"):
        emit_convolution(summing(Case((4, 4)), SSE2, root), SSE2)


def test_work_of_sums():
    case = Case((4, 5), 2, (7, 9))
    step = summing(case, SSE2)
    assert work.flops(Kernel(step, "c"), {}) == 4 * 2 * 5 * 5 * 7
