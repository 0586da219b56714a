"""One function for phases that are alike: what becomes a parameter, what may not."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.emission import Phase
from codegen.ir import (
    Buffer,
    Call,
    Kernel,
    Kind,
    Literal,
    Load,
    Loop,
    Program,
    Role,
    Store,
)
from codegen.printer import print_programs
from codegen.schedule import elementwise
from codegen.setting import RUNTIME
from codegen.sharing import Body, shared
from codegen.target import AVX2

i, n = sizes.symbol("i"), sizes.symbol("n")


def body(name, *lines, names=(), **options):
    return Body(name, Phase(lines, (), **options), lines, names)


def test_names_and_marked_numbers_become_parameters():
    functions, calls = shared(
        [
            body("f", "x[@3 * j] = y[@5] + @7;", names=("x", "y")),
            body("g", "y[@4 * j] = z[@6] + @7;", names=("y", "z")),
        ]
    )
    (only,) = functions
    assert only.name == "f" and [call.name for call in calls] == ["f", "f"]
    assert [call.given for call in calls] == [(3, 5), (4, 6)]
    assert only.lines[-1] == "x[sg_given0 * j] = y[sg_given1] + 7;"


def test_numbers_that_are_always_alike_are_one_parameter():
    functions, calls = shared([body("f", "@3 @3 @4"), body("g", "@5 @5 @4")])
    assert functions[0].lines[-1] == "sg_given0 sg_given0 4"
    assert [call.given for call in calls] == [(3,), (5,)]


@pytest.mark.parametrize(
    "other",
    [
        body("g", "x[@3] = y[8];", names=("x", "y")),  # a number without a mark
        body("g", "x[-@3] = y[9];", names=("x", "y")),
        body("g", "x[@3] = x[9];", names=("x", "y")),  # in place
        body("g", "x[@3] = y[9];", names=("x",)),  # y is somebody else's
    ],
)
def test_what_differs_otherwise_stays_two_functions(other):
    functions, calls = shared([body("f", "x[@3] = y[9];", names=("x", "y")), other])
    assert [function.name for function in functions] == ["f", "g"]
    assert [call.given for call in calls] == [(), ()]
    assert "@" not in "".join(functions[0].lines)


def test_a_function_keeps_what_it_calls():
    calls = {"helpers": ("H(4)",), "common": (RUNTIME,)}
    one, other = body("f", "@1", **calls), body("g", "@2", **calls)
    (function,), _ = shared([one, other])
    assert (function.helpers, function.common) == (("H(4)",), (RUNTIME,))


def test_numbers_are_constants_where_the_compiler_needs_them():
    fixed = sizes.Fixed(frozenset("i"), frozenset("i"))
    assert sizes.text(i * 4 + n * 6 + 9, fixed) == "@9 + 4*i + @6*n"
    assert sizes.text(sizes.floordiv(i, 3) * 5, fixed) == "5*sg_floordiv(i, 3)"
    assert sizes.text(sizes.floordiv(n, 3) * 5, fixed) == "@5*sg_floordiv(n, @3)"
    assert sizes.text(n * -2, sizes.FREE) == "-@2*n"
    assert sizes.text(n * -2) == "-2*n"


def test_sweeps_of_other_lengths_and_offsets_run_as_one_function():
    lengths = (2000, 3000, 7)
    x = Buffer("x", "float32", (sum(lengths),), Role.ARGUMENT)
    out = [
        Buffer(f"y{place}", "float32", (length,), Role.ARGUMENT)
        for place, length in enumerate(lengths)
    ]

    def doubled(place):
        at = sum(lengths[:place])
        value = lambda j: Call(  # noqa: E731
            "mul", (Load(x, j + at), Literal(2, "float32")), "float32"
        )
        return elementwise(
            (lengths[place],), lambda j: (Store(out[place], j[0], value(j[0])),)
        )

    kernels = tuple(Kernel(doubled(place), "doubled") for place in range(3))
    program = Program("p", (), (x, *out), kernels)
    text = print_programs([program], AVX2).text
    assert text.count("#pragma omp simd") == 2  # the first has no offset to be given
    a = np.arange(sum(lengths), dtype="float32")
    results = [np.zeros(length, "float32") for length in lengths]
    assert build([program])["p"].run((a, *results), ()) == 0
    np.testing.assert_array_equal(np.concatenate(results), 2 * a)


def test_the_turns_of_short_loops_stay_constants():
    def total(turns):
        y = Buffer(f"y{turns}", "float32", (1000,), Role.ARGUMENT)
        store = Store(y, i, Literal(1, "float32"), add=True)
        inner = Loop("j", 0, turns, (store,))
        return y, Kernel(Loop("i", 0, 1000, (inner,), Kind.PARALLEL), "total")

    for turns, functions in (((3, 5), 2), ((30, 50), 1)):
        made = [total(each) for each in turns]
        buffers, kernels = zip(*made, strict=True)
        text = print_programs([Program("p", (), buffers, kernels)], AVX2).text
        assert text.count("static void sg_p_") == functions
