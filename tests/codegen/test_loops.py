"""Loop trees as C: how each kind of loop and statement is printed, and runs."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.errors import CodegenError
from codegen.ir import (
    Accumulate,
    Assign,
    Buffer,
    Call,
    Check,
    Kernel,
    Kind,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    Program,
    Role,
    Scatter,
    SizeValue,
    Store,
)
from codegen.loops import GRAIN, emit_loop
from codegen.target import AVX2

n, i, j, k = map(sizes.symbol, "nijk")
X = Buffer("x", "float32", (n, 6), Role.ARGUMENT)
Y = Buffer("y", "float32", (n, 6), Role.ARGUMENT)
ONE = Literal(1, "float32")


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def lines(step):
    (phase,) = emit_loop(step, AVX2).phases
    return "\n".join(phase.lines).replace(sizes.MARK, "")


def run(step, *arrays, buffers=(X, Y), threads=2):
    program = Program("p", ("n",), buffers, (Kernel(step, "step"),))
    return build([program])["p"].run(arrays, (arrays[0].shape[0],), threads)


def test_a_flat_parallel_loop_streams_in_vectors():
    step = Loop("i", 0, n, (Store(Y, i, Load(X, i)),), Kind.PARALLEL)
    (phase,) = emit_loop(step, AVX2).phases
    assert "#pragma omp simd" in phase.lines
    assert sizes.evaluate(phase.units, {"n": GRAIN + 1}) == 2


def nested(extents, body):
    for index, extent in reversed(list(zip("ijk", extents, strict=True))):
        body = (Loop(index, 0, extent, body, Kind.PARALLEL),)
    return body[0]


def test_nested_parallel_loops_turn_like_an_odometer():
    value = SizeValue(i * 100 + j * 10 + k, "float32")
    step = nested((n, 3, 2), (Loop("c", 0, 1, (Store(Y, i * 6 + j * 2 + k, value),)),))
    (phase,) = emit_loop(step, AVX2).phases
    assert phase.units == n * 6
    x = np.zeros((5, 6), "float32")
    a, b, c = np.indices((5, 3, 2))
    for threads in (1, 2, 3):
        y = np.zeros((5, 6), "float32")
        assert run(step, x, y, threads=threads) == 0
        np.testing.assert_array_equal(y, (a * 100 + b * 10 + c).reshape(5, 6))


def test_parallel_loops_that_are_not_rectangular_are_refused():
    step = Loop("i", 0, n, (Loop("j", 0, i, (), Kind.PARALLEL),), Kind.PARALLEL)
    with pytest.raises(CodegenError, match="loop j: parallel, but not rectangular"):
        emit_loop(step, AVX2)


def test_a_parallel_loop_inside_another_kind_is_refused():
    step = Loop("i", 0, n, (Loop("j", 0, 3, (), Kind.PARALLEL),))
    with pytest.raises(CodegenError, match="loop j: parallel inside another kind"):
        emit_loop(step, AVX2)


def test_unrolled_loops_are_written_out():
    step = Loop("i", 0, 3, (Store(Y, i, ONE),), Kind.UNROLL)
    assert [f"y[{at}] = 1.0f;" in lines(step) for at in range(4)] == [1, 1, 1, 0]
    with pytest.raises(CodegenError, match="loop i: unrolling needs a constant"):
        emit_loop(Loop("i", 0, n, (), Kind.UNROLL), AVX2)


def test_reduction_clauses_name_what_comes_from_outside():
    total, top = Local("total", "float32"), Local("top", "float32")
    own = Local("own", "float32")
    body = (
        Let("own", ONE),
        Loop("k", 0, 2, (Accumulate(own, "mul", Load(X, j)),), Kind.UNROLL),
        Accumulate(total, "add", own),
        Accumulate(top, "maximum", own),
    )
    text = lines(
        Loop(
            "i",
            0,
            n,
            (Let("total", ONE), Let("top", ONE), Loop("j", 0, 6, body, Kind.SIMD)),
        )
    )
    assert "#pragma omp simd reduction(+: total) reduction(sg_maximum: top)" in text


def test_a_recurrence_is_not_made_vectors():
    """state = (state + x) / 2, from left to right."""
    state = Local("state", "float32")
    half = call("mul", call("add", state, Load(X, i * 6 + j)), Literal(0.5, "float32"))
    inner = Loop(
        "j", 0, 6, (Assign(state, half), Store(Y, i * 6 + j, state)), Kind.SIMD
    )
    step = Loop("i", 0, n, (Let("state", ONE), inner), Kind.PARALLEL)
    assert "#pragma" not in lines(step)
    x, y = (
        np.random.default_rng(0).random((5, 6), "float32"),
        np.zeros((5, 6), "float32"),
    )
    run(step, x, y)
    expected, running = np.zeros((5, 6)), np.ones(5)
    for column in range(6):
        running = (running + x[:, column]) / 2
        expected[:, column] = running
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_a_loop_with_a_check_is_not_made_vectors():
    held = call("ge", Load(X, i), ONE, dtype="bool")
    step = Loop("i", 0, n, (Check(held, 4), Store(Y, i, ONE)), Kind.PARALLEL)
    assert "#pragma" not in lines(
        step
    ) and "sg_fail(frame, begin, 4, 0, 0, 0);" in lines(step)


def test_scattering_adds_up():
    rows = Buffer("rows", "int64", (n,), Role.ARGUMENT)
    store = Scatter(Y, 0, 6, Load(rows, i), ONE, add=True)
    step = Loop("i", 0, n, (store,))
    y = np.zeros((3, 6), "float32")
    program = Program("p", ("n",), (rows, Y), (Kernel(step, "scatter"),))
    index = np.array([2, 0, 2, 2])
    assert build([program])["p"].run((index, y), (4,)) == 0
    assert y[:, 0].tolist() == [1, 0, 3]


def test_stores_can_add():
    step = Loop("i", 0, n * 6, (Store(Y, i, Load(X, i), add=True),), Kind.PARALLEL)
    x, y = np.ones((5, 6), "float32"), np.full((5, 6), 2, "float32")
    run(step, x, y)
    assert (y == 3).all()


def test_only_some_functions_accumulate():
    total = Local("total", "float32")
    inner = Loop("j", 0, 6, (Accumulate(total, "sub", ONE),), Kind.SIMD)
    with pytest.raises(CodegenError, match="sub: not a function to accumulate with"):
        emit_loop(Loop("i", 0, n, (Let("total", ONE), inner)), AVX2)


def test_a_single_statement_is_a_step():
    y = np.zeros((1, 6), "float32")
    assert run(Store(Y, 3, ONE), np.zeros((1, 6), "float32"), y) == 0
    assert y.tolist() == [[0, 0, 0, 1, 0, 0]]


@pytest.mark.parametrize("threads", [1, 2])
def test_scratch_is_a_threads_own(threads):
    """y = x, by way of two arrays in scratch that all units write."""
    a = Buffer("a", "float32", (6,), Role.SCRATCH)
    b = Buffer("b", "float64", (6,), Role.SCRATCH)
    wide = Store(b, j, call("cast", Load(a, j), dtype="float64"))
    back = Store(Y, i * 6 + j, call("cast", Load(b, j)))
    moves = (Store(a, j, Load(X, i * 6 + j)), wide, back)
    loops = tuple(Loop("j", 0, 6, (move,), Kind.SIMD) for move in moves)
    step = Loop("i", 0, n, loops, Kind.PARALLEL)
    (phase,) = emit_loop(step, AVX2).phases
    assert phase.scratch_bytes == 128 and set(phase.buffers) == {X, Y}
    x = np.random.default_rng(0).random((5000, 6), "float32")
    y = np.zeros_like(x)
    run(step, x, y, threads=threads)
    np.testing.assert_array_equal(x, y)


def test_the_larger_of_numbers_passes_over_nan():
    top = Local("top", "float32")
    grown = Accumulate(top, "larger", Load(X, i * 6 + j))
    body = (
        Let("top", Literal(-np.inf, "float32")),
        Loop("j", 0, 6, (grown,), Kind.SIMD),
        Store(Y, i * 6, top),
    )
    x = np.random.default_rng(0).random((40, 6), "float32")
    x[3, 2], x[4], x[5] = np.nan, np.nan, -np.inf
    y = np.zeros_like(x)
    run(Loop("i", 0, n, body, Kind.PARALLEL), x, y)
    want = np.fmax.reduce(x, axis=1)
    np.testing.assert_array_equal(y[:, 0], np.where(np.isnan(want), -np.inf, want))
