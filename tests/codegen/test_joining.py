"""Small loops as one job: which are joined, and that each is done, whoever does it."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import families, joining, sizes
from codegen.build import build
from codegen.ir import Check, Kernel, Literal, Program, Repeat
from codegen.joining import LEAST, MOST, joined
from codegen.memory import slots
from codegen.printer import print_program
from codegen.repeats import leaves, spans
from codegen.target import host_target
from tests.codegen.loop_cases import argument, copied, temporary

SIZE = 5000
n = sizes.symbol("n")
ALWAYS = Check(Literal(True, "bool"), 1)
X = argument("x", SIZE)


def plus(source, target, more=1.0, size=SIZE, before=()):
    """target = source + more, as a kernel."""
    loop = copied(source, target, extent=size, plus=more, before=before)
    return Kernel(loop, f"plus {more}")


def jobs(*kernels):
    line = [leaf.kernel for leaf in leaves(kernels)]
    emissions = [families.emit(kernel.step, host_target()) for kernel in line]
    return [len(job) for job in joined(line, emissions, spans(kernels))]


A, B, C = (argument(name, SIZE) for name in "abc")


def test_loops_that_do_not_depend_on_each_other_are_joined():
    assert jobs(plus(X, A), plus(X, B), plus(A, C)) == [2, 1]
    assert jobs(plus(X, A), plus(B, C)) == [2]


def test_what_touches_the_same_memory_stays_in_order():
    assert jobs(plus(X, A), plus(A, B)) == [1, 1]  # reads what is written
    assert jobs(plus(A, B), plus(X, A)) == [1, 1]  # writes what is read
    assert jobs(plus(X, A), plus(B, A)) == [1, 1]  # writes what is written
    assert jobs(plus(X, A), plus(X, B), plus(A, C)) == [2, 1]


def test_checks_run_time_sizes_and_other_loops_stay_alone():
    assert jobs(plus(X, A), plus(X, B, before=(ALWAYS,)), plus(X, C)) == [1, 1, 1]
    assert jobs(plus(X, A), plus(X, B, size=n), plus(X, C)) == [1, 1, 1]
    inside = Kernel(Repeat("t", 3, (plus(X, B), plus(X, C))), "loop")
    assert jobs(plus(X, A), inside, plus(X, argument("d", SIZE))) == [1, 2, 1]


def test_very_short_and_very_long_loops_stay_alone():
    short, long = LEAST // 8, MOST
    x, a, b = argument("x", long), argument("a", long), argument("b", long)
    assert jobs(plus(x, a, size=short), plus(x, b, size=short)) == [1, 1]
    assert jobs(plus(x, a, size=long), plus(x, b, size=long)) == [1, 1]


def test_a_job_has_an_end(monkeypatch):
    monkeypatch.setattr(joining, "LONGEST", 3)
    kernels = [plus(X, argument(f"y{place}", SIZE)) for place in range(8)]
    assert jobs(*kernels) == [3, 3, 2]


def test_temporaries_of_a_job_share_no_memory():
    t, u = temporary("t", SIZE), temporary("u", SIZE)
    kernels = (plus(X, t), plus(X, u), plus(t, A), plus(u, B))
    line = [leaf.kernel for leaf in leaves(kernels)]
    emissions = [families.emit(kernel.step, host_target()) for kernel in line]
    found = slots(emissions, (), joined(line, emissions, ()))
    assert [(slot.name, slot.first, slot.last) for slot in found] == [
        ("t", 0, 3),
        ("u", 0, 3),
    ]


def updates(count):
    """As many results x + place, of different lengths."""
    results = [argument(f"y{place}", SIZE - 600 * place) for place in range(count)]
    kernels = tuple(
        plus(X, result, float(place), result.shape[0])
        for place, result in enumerate(results)
    )
    return Program("updates", (), (X, *results), kernels)


@pytest.mark.parametrize("threads", [1, 2, 3, 40])
@pytest.mark.parametrize("count", [2, 7])
def test_all_parts_of_a_job_are_done(threads, count):
    program = updates(count)
    assert "sg_join(" in print_program(program, host_target()).entry
    x = np.arange(SIZE, dtype="float32")
    results = [np.full(b.shape, -1, "float32") for b in program.arguments[1:]]
    native = build([program])["updates"]
    for _ in range(50):
        assert native.run([x, *results], (), threads) == 0
    for place, result in enumerate(results):
        np.testing.assert_array_equal(result, x[: len(result)] + place)


def test_each_loop_of_a_job_has_a_time_of_its_own():
    program = updates(3)
    x = np.arange(SIZE, dtype="float32")
    results = [np.zeros(b.shape, "float32") for b in program.arguments[1:]]
    code, seconds = build([program])["updates"].profile([x, *results], (), 2)
    assert code == 0 and len(seconds) == 3 and min(seconds) > 0
    np.testing.assert_array_equal(results[2], x[: len(results[2])] + 2)
