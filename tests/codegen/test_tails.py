"""What does not fill a vector has a loop of its own; results stay the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.ir import Accumulate, Kernel, Kind, Literal, Local, Loop, Program
from codegen.tails import with_tails
from tests.codegen.loop_cases import argument, copied

X, Y = argument("x", 5, 100), argument("y", 5, 100)
(STORE,) = copied(X, Y).body


def vectors(stop, *more, start=0):
    return Loop("i", start, stop, (STORE, *more), Kind.SIMD)


def ranges(loop, lanes=16):
    return [(one.start, one.stop) for one in with_tails((loop,), lanes)]


def test_whole_vectors_and_the_rest():
    assert ranges(vectors(100)) == [(0, 96), (96, 100)]
    assert ranges(vectors(100), 8) == [(0, 96), (96, 100)]
    assert ranges(vectors(50, start=3)) == [(3, 35), (35, 50)]
    inside = replace(vectors(100), index="j", kind=Kind.PARALLEL, body=(vectors(17),))
    (outer,) = with_tails((inside,), 16)
    assert [(one.start, one.stop) for one in outer.body] == [(0, 16), (16, 17)]


@pytest.mark.parametrize("stop", [96, 15, 16, sizes.symbol("n")])
def test_whole_short_and_unknown_loops_stay_as_they_are(stop):
    assert with_tails((vectors(stop),), 16) == (vectors(stop),)


def test_sums_keep_their_order():
    total = Accumulate(Local("t", "float32"), "add", Literal(1.0, "float32"))
    for loop in (vectors(100, total), replace(vectors(100), kind=Kind.SERIAL)):
        assert with_tails((loop,), 16) == (loop,)


def test_every_element_is_stored():
    row = copied(X, Y, extent=100, plus=1.0).body
    inner = Loop("i0", 0, 99, row, Kind.SIMD)
    kernel = Kernel(Loop("r", 0, 1, (inner,), Kind.PARALLEL), "row")
    x, y = np.arange(500, dtype="float32"), np.zeros(500, "float32")
    native = build([Program("f", (), (X, Y), (kernel,))])["f"]
    assert native.run([x, y]) == 0
    np.testing.assert_array_equal(y[:99], x[:99] + 1)
    assert not y[99:].any()
