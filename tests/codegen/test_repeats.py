"""Loops of kernels: what runs, what memory is kept, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import build, sizes
from codegen.errors import CodegenError
from codegen.ir import (
    Gemm,
    Kernel,
    Literal,
    Program,
    Repeat,
    Store,
)
from codegen.memory import plan
from codegen.printer import print_program
from codegen.repeats import indices, leaves, lives, spans, with_leaves
from codegen.schedule import elementwise
from codegen.target import host_target
from tests.codegen.loop_cases import argument, copied, temporary

N, T = sizes.symbol("n"), sizes.symbol("t")


def kernel(step, label="kernel"):
    return Kernel(step, label)


def filled(buffer, value=0.0):
    def body(index):
        return (Store(buffer, index[0], Literal(value, buffer.dtype)),)

    return elementwise(buffer.shape, body)


A, B, C = temporary("a", 4), temporary("b", 4), temporary("c", 4)
OUT = argument("out", N, 4)


def counting():
    """a = 0; n times: b = a + 1, c = b + 1, out[t] = c, a = c."""
    body = (
        kernel(copied(A, B, plus=1.0)),
        kernel(copied(B, C, plus=1.0)),
        kernel(copied(C, OUT, T * 4)),
        kernel(copied(C, A)),
    )
    start, loop = kernel(filled(A), "start"), kernel(Repeat("t", N, body), "loop")
    return Program("count", ("n",), (OUT,), (start, loop))


@pytest.mark.parametrize("turns", [3, 1, 0])
def test_a_loop_carries_what_lives_outside_it(turns):
    out = np.full((turns, 4), -1.0, "float32")
    native = build.build([counting()])["count"]
    assert native.run([out], (turns,)) == 0
    np.testing.assert_array_equal(out, 2.0 * np.arange(1, turns + 1)[:, None] + out * 0)
    code, seconds = native.profile([out], (turns,))
    assert (code, len(seconds)) == (0, 5)


def test_loops_in_loops_and_rows_as_matrices():
    """out[t, s] = the (t + 1)-th row block of x times w, once for each s."""
    s = sizes.symbol("s")
    x, w = argument("x", 3, 2, 5), argument("w", 5, 7)
    out = argument("out", 3, 4, 2, 7)
    gemm = Gemm(x, w, out, 2, 7, 5, offsets=(T * 10, 0, T * 56 + s * 14))
    inner = kernel(Repeat("s", 4, (kernel(gemm),)))
    program = Program("rows", (), (x, w, out), (kernel(Repeat("t", 3, (inner,))),))
    random = np.random.default_rng(0)
    arrays = [random.normal(size=b.shape).astype("float32") for b in (x, w, out)]
    assert build.build([program])["rows"].run(arrays) == 0
    expected = np.broadcast_to((arrays[0] @ arrays[1])[:, None], (3, 4, 2, 7))
    np.testing.assert_allclose(arrays[2], expected, rtol=1e-5, atol=1e-5)
    assert list(indices(program.kernels)) == ["t", "s"]
    assert [leaf.times for leaf in leaves(program.kernels)] == [12]


def test_what_a_loop_shares_with_outside_is_kept_for_all_of_it():
    program = counting()
    used = [{A}, {A, B}, {B, C}, {C}, {C, A}]
    first, last = lives(used, spans(program.kernels))
    assert spans(program.kernels) == ((1, 4),)
    assert (first[A], last[A]) == (0, 4)
    assert (first[B], last[B]) == (1, 2)
    slots = {slot.name: slot for slot in print_program(program, host_target()).slots}
    assert (slots["a"].first, slots["a"].last) == (0, 4)
    assert plan(tuple(slots.values()), {"n": 9}).total <= 3 * 64


def test_leaves_are_replaced_in_order():
    program = counting()
    line = [leaf.kernel for leaf in leaves(program.kernels)]
    named = [Kernel(one.step, str(place)) for place, one in enumerate(line)]
    again = with_leaves(program.kernels, iter(named))
    assert [leaf.kernel.label for leaf in leaves(again)] == list("01234")
    assert again[1].step.index == "t"


def test_an_index_is_known_inside_its_loop_only():
    outside = Program(
        "wrong", ("n",), (OUT,), (kernel(filled(A)), kernel(copied(A, OUT, T * 4)))
    )
    with pytest.raises(CodegenError, match="t: no such index here"):
        print_program(outside, host_target())
    twice = Repeat("n", 3, (kernel(filled(A)),))
    with pytest.raises(CodegenError, match="two things are called n"):
        print_program(Program("wrong", ("n",), (OUT,), (kernel(twice),)), host_target())
