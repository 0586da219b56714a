"""Loops of kernels in strands: each part of the rows alone, whoever runs it."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import build, sizes
from codegen.errors import CodegenError
from codegen.ir import (
    Check,
    Gemm,
    Kernel,
    Literal,
    Program,
    Repeat,
    Strands,
)
from codegen.memory import plan
from codegen.printer import print_program
from codegen.repeats import indices, leaves, strands_of
from codegen.schedule import elementwise
from codegen.target import host_target
from tests.codegen.loop_cases import argument, copied, temporary

N, T, FIRST, ROWS = map(sizes.symbol, ("n", "t", "first", "rows"))
WIDTH, TURNS = 5, 3


def powers(count=4):
    """x = x w + 1, three times, for the n rows of x in ``count`` parts."""
    x, w = argument("x", N, WIDTH), argument("w", WIDTH, WIDTH)
    y = temporary("y", ROWS, WIDTH)
    at = FIRST * WIDTH
    body = (
        Kernel(Gemm(x, w, y, ROWS, WIDTH, WIDTH, offsets=(at, 0, 0)), "product"),
        Kernel(copied(y, x, at, ROWS * WIDTH, plus=1.0), "plus one"),
    )
    strands = Strands("first", "rows", N, count)
    loop = Kernel(Repeat("t", TURNS, body, strands), "loop")
    return Program("powers", ("n",), (x, w), (loop,))


def expected(x, w):
    for _ in range(TURNS):
        x = x @ w + 1
    return x


def arrays_of(rows):
    random = np.random.default_rng(rows)
    shapes = (rows, WIDTH), (WIDTH, WIDTH)
    return [random.normal(size=shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 64, 1001])
def test_every_row_runs_through_all_turns(rows, threads):
    native = build.build([powers()])["powers"]
    x, w = arrays_of(rows)
    wanted = expected(x, w)
    assert native.run([x, w], (rows,), threads) == 0
    np.testing.assert_allclose(x, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("count", [1, 4])
def test_timed_kernels_do_the_same(count):
    """One strand after another, with all threads for each kernel."""
    native = build.build([powers(count)])["powers"]
    x, w = arrays_of(1001)
    wanted = expected(x, w)
    code, seconds = native.profile([x, w], (1001,), 2)
    assert (code, len(seconds)) == (0, 2)
    assert all(time > 0 for time in seconds)
    np.testing.assert_allclose(x, wanted, rtol=1e-4, atol=1e-4)


def test_how_many_strands_there_are_may_be_known_at_the_call():
    count = sizes.maximum(sizes.floordiv(N, 8), 1)
    native = build.build([powers(count)])["powers"]
    for rows in (1, 8, 100):
        x, w = arrays_of(rows)
        wanted = expected(x, w)
        assert native.run([x, w], (rows,), 2) == 0
        np.testing.assert_allclose(x, wanted, rtol=1e-4, atol=1e-4)


def test_a_product_as_deep_as_it_wants_is_not_cut_in_chunks():
    """Where one thread does a strand, a second one has no use for half of k."""
    x, w = argument("x", 16, 4096), argument("w", 4096, 8)
    y = argument("y", 16, 8)
    gemm = Gemm(x, w, y, 2, 8, 4096, offsets=(FIRST * 4096, 0, FIRST * 8))
    body = (Kernel(gemm, "product"),)
    plain = Repeat("first", 8, body)
    cut = Repeat("t", 1, body, Strands("first", "rows", 16, 8))
    for loop, phases in ((plain, 2), (cut, 1)):
        program = Program("deep", (), (x, w, y), (Kernel(loop, "loop"),))
        assert len(print_program(program, host_target()).functions) == phases


def test_each_strand_has_memory_of_its_own():
    """Also where two temporaries of one strand are never needed at once."""
    x, out = argument("x", N), argument("out", N)
    a, b = temporary("a", ROWS), temporary("b", ROWS)
    body = (
        Kernel(copied(x, a, 0, ROWS), "a"),
        Kernel(copied(a, out, FIRST, ROWS), "out"),
        Kernel(copied(x, b, 0, ROWS, plus=1.0), "b"),
        Kernel(copied(b, out, FIRST, ROWS), "out"),
    )
    loop = Repeat("t", 1, body, Strands("first", "rows", N, 3))
    program = Program("own", ("n",), (x, out), (Kernel(loop, "loop"),))
    printed = print_program(program, host_target())
    lengths = {slot.name: (slot.first, slot.last) for slot in printed.slots}
    assert lengths == {"a": (0, 3), "b": (0, 3)}
    assert [sizes.evaluate(slot.apart, {"n": 100}) for slot in printed.slots] == [
        192,  # 34 floats and what makes whole lines of them
        192,
    ]
    values = {"n": 100, "sg_threads": 2}
    assert plan(printed.slots, values).total == 2 * 3 * 192


def test_leaves_know_their_strands():
    program = powers()
    line = list(leaves(program.kernels))
    ((inside, strands),) = strands_of(line)
    assert (inside, strands.most) == (range(2), sizes.floordiv(N + 3, 4))
    assert list(indices(program.kernels)) == ["first", "rows", "t"]
    outside = Kernel(elementwise((4,), lambda index: ()), "outside")
    assert strands_of(list(leaves((outside,)))) == ()


def test_a_check_is_refused():
    check = Kernel(Check(Literal(True, "bool"), 1), "check")
    loop = Repeat("t", 2, (check,), Strands("first", "rows", 8, 2))
    program = Program("checked", (), (), (Kernel(loop, "loop"),))
    with pytest.raises(CodegenError, match="a check in a strand"):
        print_program(program, host_target())


def test_sizes_of_strands_are_known():
    loop = Repeat("t", 2, (), Strands("first", "rows", sizes.symbol("m"), 2))
    program = Program("unknown", (), (), (Kernel(loop, "loop"),))
    with pytest.raises(CodegenError, match="m: no such index"):
        print_program(program, host_target())
