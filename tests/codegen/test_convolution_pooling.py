"""Convolutions whose results are pooled 2 by 2 before they leave the registers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.build import build
from codegen.convolution import emit_convolution, flops, packed_shape, winograd
from codegen.convolution.forward import correlation_of
from codegen.errors import CodegenError
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
from tests.codegen.convolution_cases import (
    TARGETS,
    Case,
    Operands,
    blocked,
    close,
    image,
    in_dtypes,
    quickest,
    reference,
    windows_by_two,
)
from tests.effort import effort

BY_TWO = Pooling((2, 2), (2, 2))
ARGUMENT = Role.ARGUMENT
CASES = {
    "few channels": Case((3, 16), 2, (12, 22), plain_input=True),
    "ragged": Case((17, 9), 2, (9, 13), open_batch=True),
    "strides": Case((5, 18), 1, (13, 15), Window((3, 2), (2, 1))),
    "padding": Case((6, 7), 2, (7, 9), Window((3, 3), padding=((1, 2), (0, 1)))),
    "groups": Case((32, 64), 1, (7, 9), Window((3, 3), groups=2)),
    "depthwise": Case((20, 20), 1, (7, 9), Window((3, 3), groups=20)),
    "five by five": Case((16, 16), 2, (12, 15), Window((5, 5))),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
}


def relu_of(y):
    """What is done before pooling."""
    return np.maximum(y, 0)


def run(case, target, dtype, pool=BY_TWO, rectified=False, optimized=False):
    """Twice the pooled results, and their places: those of C and of NumPy."""
    lanes = target.lanes(dtype)
    given = Operands(case, dtype, lanes)
    size = tuple(length // 2 for length in case.output)
    y = image("y", dtype, given.plain.batch, case.channels[1], size, lanes)
    doubled = Epilogue(Call("mul", (Result(dtype), Literal(2, dtype)), dtype))
    relu = Epilogue(Call("maximum", (Result(dtype), Literal(0, dtype)), dtype))
    places = None if pool.mean else Buffer("places", "uint8", y.buffer.shape, ARGUMENT)
    before = relu if rectified else None
    read = given.x, given.packed
    step = Convolution(*read, y, case.window, doubled, 0, pool, before, places)
    steps = [*given.steps, *quickest(step, target)]
    arguments = (given.plain.buffer, given.block.buffer, given.filters, y.buffer)
    arguments += (places,) if places else ()
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    program = Program("p", case.names, arguments, kernels)
    module = build([program], target, flags=effort(target, dtype, optimized))
    results = reference(case)[0]
    found = windows_by_two(relu_of(results) if rectified else results)
    wanted = 2 * (found.mean(axis=-1) if pool.mean else found.max(axis=-1))
    out = blocked(np.full_like(wanted, np.nan, dtype), lanes)
    kept = np.zeros(out.shape, "uint8")
    arrays = [*given.arrays, out] + ([] if pool.mean else [kept])
    assert module["p"].run(arrays, case.values, threads=2) == 0
    places = blocked(found.argmax(axis=-1).astype("uint8"), lanes)
    return (out, kept), (blocked(wanted, lanes), 0 * places if pool.mean else places)


@pytest.mark.parametrize(
    ("name", "dtype"), in_dtypes(CASES, ["ragged", "strides", "five by five"])
)
def test_direct_sums(name, dtype, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    for target in TARGETS:
        results = run(CASES[name], target, dtype, optimized=name == "ragged")
        (found, places), (wanted, expected) = results
        assert close(found, wanted, dtype)
        np.testing.assert_array_equal(places, expected)


@pytest.mark.parametrize("name", ["ragged", "padding", "five by five"])
def test_minimal_filtering(name, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    for target in TARGETS:
        (found, places), (wanted, expected) = run(CASES[name], target, "float32")
        assert np.abs(found - wanted).max() <= 2e-5 * np.abs(wanted).max()
        assert (places == expected).mean() > 0.99  # but where two are nearly equal


@pytest.mark.parametrize("name", ["few channels", "ragged", "depthwise"])
def test_what_comes_before_pooling(name):
    """The first of several zeros is the place of a maximum that is zero."""
    for target in TARGETS:
        results = run(CASES[name], target, "float32", rectified=True)
        (found, places), (wanted, expected) = results
        assert close(found, wanted, "float32")
        np.testing.assert_array_equal(places, expected)


def test_means():
    mean = replace(BY_TWO, mean=True)
    for target in TARGETS:
        (found, _), (wanted, _) = run(CASES["ragged"], target, "float32", mean, True)
        assert close(found, wanted, "float32")


def test_nan_wins():
    case = Case((1, 2), 1, (4, 4), Window((1, 1)))
    case.arguments[0][0, 0, 1, 2] = np.nan
    (found, _), (wanted, _) = run(case, TARGETS[0], "float32")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))


def step_of(height):
    packed = Buffer("w", "float32", packed_shape(Window((3, 3)), 4, 4, 4))
    x = image("x", "float32", 1, 4, (height, 8), 4)
    y = image("y", "float32", 1, 4, ((height - 2) // 2, 3), 4)
    return Convolution(x, packed, y, Window((3, 3)), pool=BY_TWO)


def test_work_is_that_before_pooling():
    assert flops(step_of(8)) == 2 * 4 * 4 * 9 * 36


@pytest.mark.parametrize("pool", [BY_TWO, Pooling((3, 3), (2, 2))])
def test_sizes_must_be_known(pool):
    step = replace(step_of(symbol("h") * 2), pool=pool)
    with pytest.raises(CodegenError, match="known sizes"):
        emit_convolution(step, SSE2)


def held_in_bands(before):
    """Whether windows of 2 by 2 are pooled from bands after ``before``."""
    step = replace(step_of(8), before=Epilogue(before))
    return correlation_of(step, SSE2).banded


def test_what_vectors_can_not_do_is_done_in_bands():
    result, x = Result("float32"), image("z", "float32", 1, 4, (6, 6), 4).buffer
    assert held_in_bands(Call("exp", (result,), "float32"))
    bias, pixel = symbol("lane"), symbol("x") * 4 + symbol("lane")
    sums = [Call("add", (result, Load(x, at)), "float32") for at in (bias, pixel)]
    assert [held_in_bands(each) for each in sums] == [False, True]
