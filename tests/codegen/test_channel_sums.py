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
from codegen.ir import (
    Buffer,
    Call,
    Convolution,
    ConvolutionBackwardData,
    Epilogue,
    Kernel,
    Literal,
    Load,
    PackFilters,
    Pooling,
    Program,
    Reorder,
    Result,
    Role,
    Sums,
    Window,
)
from codegen.sizes import evaluate, symbol
from codegen.target import SSE2
from codegen.target import TARGETS as BY_NAME
from tests.codegen.convolution_cases import (
    DTYPES,
    TARGETS,
    Case,
    close,
    effort,
    image,
    quickest,
    reference,
    windows_by_two,
)

ARGUMENT = Role.ARGUMENT
BY_TWO = Pooling((2, 2), (2, 2))
MARKS = "y0", "x0", "y1", "x1"
CASES = {
    "few channels": Case((3, 16), 2, (12, 22), plain_input=True),
    "ragged": Case((17, 9), 3, (9, 13), open_batch=True),
    "strides": Case((5, 18), 2, (13, 15), Window((3, 2), (2, 3))),
    "padding": Case((6, 37), 2, (7, 9), Window((3, 3), padding=((1, 2), (0, 1)))),
    "groups": Case((32, 64), 1, (7, 9), Window((3, 3), groups=2)),
    "depthwise": Case((20, 20), 2, (7, 9), Window((3, 3), groups=20)),
    "single channels": Case((20, 20), 2, (7, 14), Window((3, 3), groups=20)),
    "single channels with strides": Case(
        (20, 20),
        2,
        (8, 13),
        Window((3, 3), (2, 2), padding=((1, 1), (1, 1)), groups=20),
    ),
    "holes": Case((5, 7), 2, (9, 8), Window((1, 1), (2, 2))),
    "five by five": Case((16, 48), 2, (12, 15), Window((5, 5))),
    "few pixels": Case((32, 48), 2, (7, 6), Window((5, 5))),
    "gradients that overlap": Case((16, 17), 16, (9, 10), Window((5, 5))),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
}


def _added(name, dtype, image_, by):
    """An epilogue that adds a number, rectifies and takes sums, and its totals."""
    channels, block, shape = image_.channels, image_.block, image_.buffer.shape
    names = (f"{name}first", f"{name}second")
    totals = tuple(Buffer(n, dtype, (channels,), ARGUMENT) for n in names)
    offset = Buffer("offset", dtype, (1,), ARGUMENT)
    n, vector, y, x, lane = map(symbol, ("n", "block", "y", "x", "lane"))
    pixel = ((n * shape[1] + vector) * shape[2] + y) * shape[3] + x
    moved = Call("add", (Result(dtype), Load(offset, 0)), dtype)
    value = Call("maximum", (moved, Literal(-2.0, dtype)), dtype)
    other = Buffer(f"{name}other", dtype, shape, ARGUMENT)
    centred = Call("sub", (Load(other, pixel * block + lane), Load(offset, 0)), dtype)
    sums = Sums(totals, centred if by else None)
    return Epilogue(value, (), sums), (*totals, *((other,) if by else ()))


def program_of(name, case, dtype, target, pool=None, marks=MARKS):
    """A convolution and a gradient, each with moments and with paired sums.

    ``marks`` names those that are wanted: the image, and whether sums are paired.
    """
    window, lanes = case.window, target.lanes(dtype)
    (inputs, outputs), narrow = case.channels, case.channels[0] // case.window.groups
    plain = case.images(dtype, lanes, 1, "")
    inside = case.images(dtype, lanes, lanes, "b")
    filters = Buffer("w", dtype, (outputs, narrow, *window.kernel), ARGUMENT)
    offset = Buffer("offset", dtype, (1,), ARGUMENT)
    steps = [Reorder(p, b) for p, b in zip(plain, inside, strict=True)]
    packed = []
    for turned in (False, True):
        shape = packed_shape(window, inputs, outputs, lanes, turned)
        packed.append(Buffer(f"packed{turned:d}", dtype, shape))
        steps.append(PackFilters(filters, packed[-1], window, lanes, turned))
    more = []
    for mark in marks:
        forward, by = mark[0] == "y", mark[1] == "1"
        like = plain[forward]
        size = (like.height, like.width)
        if forward and pool:
            size = tuple(length // 2 for length in size)
        to = image(mark, dtype, like.batch, like.channels, size, lanes)
        epilogue, used = _added(mark, dtype, to, by)
        x = plain[0] if case.plain_input else inside[0]
        step = (
            Convolution(x, packed[0], to, window, epilogue, 0, pool)
            if forward
            else ConvolutionBackwardData(inside[1], packed[1], to, window, epilogue)
        )
        steps += [_renamed(one, mark) for one in quickest(step, target)]
        more += [to.buffer, *used]
    given_ = [*(i.buffer for i in (*plain, *inside)), filters, offset, *more]
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    return Program(name, case.names, tuple(given_), kernels)


def _renamed(step, mark):
    """The transformed filters of each step are a buffer of its own."""
    field = "transformed" if hasattr(step, "transformed") else "filters"
    buffer = getattr(step, field)
    if not buffer.name.endswith("at_points"):
        return step
    return replace(step, **{field: replace(buffer, name=f"{buffer.name}{mark}")})


def arrays_of(program, case, dtype, offset):
    """Arrays for the arguments, by their names."""
    values = dict(zip(case.names, case.values, strict=True))
    rng = np.random.default_rng(1)
    x, filters, dy = (array.astype(dtype) for array in case.arguments)
    known = {"x": x, "w": filters, "y": dy, "offset": np.array([offset], dtype)}
    arrays = {}
    for buffer in program.arguments:
        shape = [evaluate(size, values) for size in buffer.shape]
        made = np.full(shape, np.nan, dtype)
        if buffer.name.endswith("other"):
            made = rng.standard_normal(shape).astype(dtype)
        arrays[buffer.name] = known.get(buffer.name, made)
    return arrays


def check(program, module, case, dtype, pool=None, marks=MARKS, offset=0.5):
    """Results are right, and their sums; all the same on any number of threads."""
    found = []
    for threads in (1, 2, 4):
        arrays = arrays_of(program, case, dtype, offset)
        given_ = [arrays[buffer.name] for buffer in program.arguments]
        native = module[program.name]
        assert native.run(given_, case.values, threads=threads) == 0
        found.append(arrays)
    for other in found[1:]:
        for name, array in found[0].items():
            np.testing.assert_array_equal(array, other[name], name)
    arrays = found[0]
    y, x, _ = reference(case)
    y = windows_by_two(y).max(axis=-1) if pool else y
    for mark in marks:
        expected = np.maximum((y if mark[0] == "y" else x) + offset, -2)
        channels = expected.shape[1]
        got = _plain(arrays[mark], channels)
        assert close(got, expected, dtype), mark
        totals = [arrays[f"{mark}{name}"] for name in ("first", "second")]
        other = arrays.get(f"{mark}other")
        if other is not None:
            other = _plain(other, channels).astype("float64") - offset
        _check_totals(got.astype("float64"), totals, other, dtype)


def _plain(array, channels):
    """A blocked image as it is without blocks."""
    batch, blocks, height, width, lanes = array.shape
    turned = array.transpose(0, 1, 4, 2, 3)
    return turned.reshape(batch, blocks * lanes, height, width)[:, :channels]


def _check_totals(r, totals, by, dtype):
    axes, tolerance = (0, 2, 3), {"float32": 2e-6, "float64": 1e-14}[dtype]
    if by is None and not r.size:
        assert np.isnan(totals).all()
        return
    if by is None:
        deviation = r.std(axes)
        error = np.abs(totals[0] - r.mean(axes))
        assert np.all(error <= tolerance * (deviation + np.abs(r.mean(axes)) / 16))
        np.testing.assert_allclose(totals[1], r.var(axes), 2 * tolerance, 1e-30)
        return
    for total, terms in zip(totals, (r, r * by), strict=True):
        error = np.abs(total - terms.sum(axes))
        assert np.all(error <= tolerance * np.abs(terms).sum(axes))


def run_all(cases, target, dtype, pool=None):
    marks = MARKS[::2] if pool else MARKS  # gradients do not pool
    programs = {
        name: program_of(name.replace(" ", "_"), case, dtype, target, pool, marks)
        for name, case in cases.items()
    }
    module = build(list(programs.values()), target, flags=effort(target, dtype))
    for name, program in programs.items():
        check(program, module, cases[name], dtype, pool, marks)


@pytest.mark.parametrize("pool", [None, BY_TWO], ids=["", "pooled"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_direct_sums(target, dtype, pool, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    run_all(CASES, target, dtype, pool)


@pytest.mark.parametrize("pool", [None, BY_TWO], ids=["", "pooled"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_minimal_filtering(target, dtype, pool, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    names = "ragged", "padding", "five by five", "few pixels", "gradients that overlap"
    chosen = {name: CASES[name] for name in names}
    wide = Case((48, 80), 3, (17, 13))
    run_all({**chosen, "wide": wide}, target, dtype, pool)


@settings(deadline=None, max_examples=12, phases=[Phase.generate])
@given(
    channels=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    size=st.tuples(st.integers(5, 19), st.integers(5, 19)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 3)]),
    padding=st.sampled_from([0, 0, 1, 2]),
    batch=st.integers(1, 3),
    target=st.sampled_from(TARGETS),
)
def test_any_geometry(channels, size, kernel, stride, padding, batch, target):
    window = Window(kernel, stride, padding=((padding, padding), (0, padding)))
    case = Case(channels, batch, size, window)
    run_all({"p": case}, target, "float32")


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
        exact = _plain(arrays["y0"], 37).astype("longdouble")
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
