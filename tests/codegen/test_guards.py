"""Kernels under guards: which run, what stays in memory for them, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import families
from codegen.branches import branched
from codegen.build import build
from codegen.errors import CodegenError
from codegen.inplace import in_place
from codegen.ir import Buffer, Call, Kernel, Literal, Load, Program, Repeat, Role, Store
from codegen.joining import joined
from codegen.printer import print_program
from codegen.repeats import leaves, spans
from codegen.schedule import elementwise
from codegen.target import host_target
from codegen.verify import verify
from tests.codegen.loop_cases import argument, copied, temporary

SIZE = 5000
X, OUT = argument("x", SIZE), argument("out", SIZE)
GIVEN = Buffer("given", "bool", (), Role.ARGUMENT)
FOUND = Buffer("found", "bool", ())


def plus(source, target, more=1.0):
    """target = source + more, as a kernel."""
    return Kernel(copied(source, target, extent=SIZE, plus=more), f"plus {more}")


def under(kernel, *guard):
    """The kernel where the buffers are as said."""
    return replace(kernel, guard=guard)


def compared(source, target):
    """target = source[0] > 0, as a kernel."""

    def body(index):
        is_more = Call("gt", (Load(source, 0), Literal(0, "float32")), "bool")
        return (Store(target, 0, is_more),)

    return Kernel(elementwise((1,), body), "compared")


def run(program, *arrays):
    out = np.full(SIZE, -1, "float32")
    assert build([program])[program.name].run([*arrays, out]) == 0
    return out[0]


def chosen():
    """found = x[0] > 0 where given; t = x + 1, then out = t + 1 where both."""
    t = temporary("t", SIZE)
    kernels = (
        plus(X, OUT, 0.0),
        under(compared(X, FOUND), (GIVEN, True)),
        under(plus(X, t), (GIVEN, True), (FOUND, True)),
        under(plus(t, OUT), (GIVEN, True), (FOUND, True)),
        under(plus(X, OUT, 7.0), (GIVEN, False)),
    )
    return Program("chosen", (), (X, GIVEN, OUT), kernels)


@pytest.mark.parametrize(
    ("given", "number", "expected"),
    [(True, 3, 5), (True, -3, -3), (False, 3, 10), (False, -3, 4)],
)
def test_what_runs(given, number, expected):
    x = np.full(SIZE, number, "float32")
    assert run(chosen(), x, np.array(given)) == expected


def test_kernels_of_one_guard_stand_in_one_if():
    printed = print_program(chosen(), host_target())
    lines = [line.strip() for line in printed.entry.splitlines() if "if (" in line]
    guards = [line for line in lines if "][0]" in line]
    assert len(guards) == 3
    assert "&& buffers[" in guards[1]
    assert guards[2].startswith("if (!buffers[")


def test_a_condition_is_kept_while_it_is_asked_for():
    slots = {slot.name: slot for slot in print_program(chosen(), host_target()).slots}
    assert (slots["found"].first, slots["found"].last) == (1, 3)


def test_a_condition_keeps_its_memory_for_itself():
    other = Buffer("other", "bool", ())

    def negated(index):
        return (Store(FOUND, 0, Call("logical_not", (Load(other, 0),), "bool")),)

    kernels = (
        compared(X, other),
        Kernel(elementwise((1,), negated), "not"),
        under(plus(X, OUT), (FOUND, False)),
    )
    program = Program("kept", (), (X, OUT), kernels)
    assert in_place(program) == program
    assert run(program, np.ones(SIZE, "float32")) == 2


def test_jobs_are_of_one_guard():
    a, b, c = (argument(name, SIZE) for name in "abc")
    kernels = [plus(X, a), under(plus(X, b), (GIVEN, True)), plus(X, c)]
    kernels.insert(2, under(plus(X, OUT), (GIVEN, True)))
    line = tuple(leaves(kernels))
    emissions = [families.emit(kernel.step, host_target()) for kernel in kernels]
    together = joined(kernels, emissions, spans(kernels))
    assert [len(job) for job in together] == [1, 2, 1]
    alone = [range(place, place + 1) for place in range(4)]
    assert not any(job.lines for job in branched(line, emissions, alone, ()))


def test_a_loop_under_a_guard():
    body = (under(plus(X, OUT), (FOUND, True)), plus(OUT, X))
    loop = Kernel(Repeat("t", 3, body), "loop", guard=((GIVEN, True),))
    kernels = (plus(X, OUT, 0.0), compared(X, FOUND), loop)
    program = Program("turns", (), (X, GIVEN, OUT), kernels)
    assert [leaf.conditions for leaf in leaves(kernels)][2:] == [
        (GIVEN, FOUND),
        (GIVEN,),
    ]
    assert run(program, np.ones(SIZE, "float32"), np.array(True)) == 6
    assert run(program, np.ones(SIZE, "float32"), np.array(False)) == 1


def test_what_is_no_condition_is_refused():
    program = Program("p", (), (X, OUT), (under(plus(X, OUT), (X, True)),))
    with pytest.raises(CodegenError, match="condition x: expected bool, got float32"):
        verify(program)
