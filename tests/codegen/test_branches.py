"""Kernels in two lines: which kernels these are, and that all are done, in order."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import families, sizes
from codegen.branches import LONGEST, branched, work_of
from codegen.build import build
from codegen.ir import Check, Gemm, Kernel, Literal, Program, Repeat
from codegen.joining import joined
from codegen.memory import slots
from codegen.printer import print_program
from codegen.repeats import leaves, spans
from codegen.target import host_target
from tests.codegen.loop_cases import argument, copied, temporary

SIZE = 64
n = sizes.symbol("n")
ALWAYS = Check(Literal(True, "bool"), 1)
X, Y, P, Q, R = (argument(name, SIZE, SIZE) for name in "xypqr")
T, U = temporary("t", SIZE, SIZE), temporary("u", SIZE, SIZE)


def times(left, right, result, rows=SIZE, **options):
    """result = left right, as a kernel."""
    return Kernel(Gemm(left, right, result, rows, SIZE, SIZE, **options), "product")


def plus(source, target, more=1.0, before=()):
    """target = source + more, as a kernel."""
    loop = copied(source, target, extent=SIZE * SIZE, plus=more, before=before)
    return Kernel(loop, "sum")


def jobs(*kernels):
    line = tuple(leaves(kernels))
    emissions = [families.emit(leaf.kernel.step, host_target()) for leaf in line]
    alone = joined([leaf.kernel for leaf in line], emissions, spans(kernels))
    return branched(line, emissions, alone, spans(kernels))


def lines(*kernels):
    """The lines of each job that has several."""
    return [set(job.lines) for job in jobs(*kernels) if job.lines]


def test_products_that_do_not_need_each_other_are_two_lines():
    assert lines(times(X, Y, P), times(Y, X, Q)) == [{(0,), (1,)}]
    assert [job.leaves for job in jobs(times(X, Y, P), times(Y, X, Q))] == [range(2)]


def test_what_follows_of_a_product_is_in_its_line():
    kernels = times(X, Y, T), times(Y, X, Q), plus(T, U), plus(U, P)
    assert lines(*kernels) == [{(0, 2, 3), (1,)}]


def test_products_that_need_each_other_stay_in_order():
    assert lines(times(X, Y, P), times(P, X, Q)) == []  # reads what is written
    assert lines(times(P, X, Q), times(X, Y, P)) == []  # writes what is read
    assert lines(times(X, Y, P), times(Y, X, P)) == []  # writes what is written


def test_what_needs_both_lines_ends_them():
    kernels = times(X, Y, T), times(Y, X, U), times(T, U, P), times(X, U, Q)
    assert [job.leaves for job in jobs(*kernels)] == [range(2), range(2, 4)]


def test_lines_of_unlike_length_gain_nothing():
    long = argument("long", 64 * SIZE, SIZE), argument("z", 64 * SIZE, SIZE)
    assert lines(times(long[0], X, long[1], 64 * SIZE), times(X, Y, P)) == []


def test_checks_loops_and_long_rows_end_lines():
    checked = plus(Q, R, before=(ALWAYS,))
    assert lines(times(X, Y, P), checked, times(Y, X, Q)) == []
    for turns in (1, 3):
        inside = Kernel(Repeat("i", turns, (times(X, Y, P), times(Y, X, Q))), "loop")
        assert lines(inside) == []
    small = [plus(X, argument(f"s{place}", SIZE)) for place in range(LONGEST)]
    assert all(len(job.leaves) <= LONGEST for job in jobs(times(X, Y, P), *small))


def test_a_line_has_memory_of_its_own():
    kernels = times(X, Y, T, transpose_b=True), times(Y, X, U), plus(T, P), plus(U, Q)
    line = tuple(leaves(kernels))
    emissions = [families.emit(leaf.kernel.step, host_target()) for leaf in line]
    found = slots(emissions, (), [range(4)])
    assert {"t", "u", "sg_shared0"} <= {slot.name for slot in found}
    assert all((slot.first, slot.last) == (0, 3) for slot in found)


def test_lines_hold_little_memory():
    rows, sums = 1 << 10, [temporary(name, 1 << 10, SIZE) for name in "tu"]
    x = argument("rows", rows, SIZE)
    kernels = [times(x, Y, one, rows) for one in sums]
    assert lines(*kernels) == []
    named = [argument(one.name, rows, SIZE) for one in sums]
    assert lines(*(times(x, Y, one, rows) for one in named)) == [{(0,), (1,)}]


def test_work_is_told_by_what_can_be_shared():
    work = work_of([families.emit(plus(X, P).step, host_target())])
    assert (work.alone, work.handovers) == (0, 1) and work.total > 0
    product = families.emit(times(X, Y, P, n).step, host_target())
    assert sizes.symbols_of(work_of([product]).shared) == {"n"}


def both():
    """p = x y + 3 and q = y' x, and what is made of both."""
    kernels = times(X, Y, T), times(Y, X, Q, transpose_a=True), plus(T, U), plus(U, P)
    return Program("both", (), (X, Y, P, Q, R), (*kernels, times(P, Q, R)))


@pytest.mark.parametrize("threads", [1, 2, 3, 40])
def test_every_kernel_is_done_in_the_order_of_its_line(threads):
    program = both()
    assert "sg_branches(" in print_program(program, host_target()).entry
    x, y = np.random.default_rng(1).integers(-3, 4, (2, SIZE, SIZE)).astype("float32")
    native = build([program])["both"]
    for _ in range(50):
        p, q, r = np.full((3, SIZE, SIZE), np.nan, "float32")
        assert native.run([x, y, p, q, r], (), threads) == 0
        np.testing.assert_array_equal(p, x @ y + 2)
        np.testing.assert_array_equal(q, y.T @ x)
        np.testing.assert_array_equal(r, p @ q)


def test_what_follows_a_loop_of_one_turn_is_done():
    turn = Kernel(Repeat("i", 1, (plus(X, T), plus(T, P))), "loop")
    kernels = turn, times(X, Y, Q), times(Y, X, U), plus(U, R)
    program = Program("after", (), (X, Y, P, Q, R), kernels)
    x, y = np.random.default_rng(2).integers(-3, 4, (2, SIZE, SIZE)).astype("float32")
    p, q, r = np.full((3, SIZE, SIZE), np.nan, "float32")
    assert build([program])["after"].run([x, y, p, q, r], (), 2) == 0
    for mine, theirs in ((p, x + 2), (q, x @ y), (r, y @ x + 1)):
        np.testing.assert_array_equal(mine, theirs)


def test_each_kernel_has_a_time_of_its_own():
    arrays = [np.ones((SIZE, SIZE), "float32") for _ in range(5)]
    code, seconds = build([both()])["both"].profile(arrays, (), 2)
    assert code == 0 and len(seconds) == 5 and min(seconds) > 0
