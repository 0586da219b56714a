"""The C of a few small programs, word for word; compiled and run as well.

pytest tests/codegen/test_golden.py --update-golden
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.build import build
from codegen.ir import (
    Accumulate,
    Buffer,
    Call,
    Check,
    Epilogue,
    Gather,
    Image,
    Kernel,
    Kind,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    Pool,
    Pooling,
    Program,
    Requirement,
    Result,
    Role,
    Store,
)
from codegen.printer import print_programs
from codegen.reductions import Term, reduction
from codegen.schedule import elementwise, parallel
from codegen.target import AVX2, runnable

m, n = sizes.symbol("m"), sizes.symbol("n")


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def argument(name, *shape, dtype="float32"):
    return Buffer(name, dtype, shape, Role.ARGUMENT)


def test_two_sweeps_through_a_temporary(golden):
    x, y = argument("x", n, 3), argument("y", n, 3)
    t = Buffer("t", "float32", (n, 3))
    scale = Buffer("scale", "float32", (3,), Role.CONSTANT)
    first = elementwise(
        (n, 3),
        lambda i: (
            Store(
                t,
                i[0] * 3 + i[1],
                call("mul", Load(x, i[0] * 3 + i[1]), Load(scale, i[1])),
            ),
        ),
    )
    flat = lambda i: i[0] * 3 + i[1]  # noqa: E731
    second = elementwise(
        (n, 3), lambda i: (Store(y, flat(i), call("tanh", Load(t, flat(i)))),)
    )
    values = np.array([1, 2, 3], "float32")
    kernels = (Kernel(first, "scale"), Kernel(second, "tanh"))
    program = Program("sweeps", ("n",), (x, y), kernels, ((scale, values),))
    golden("sweeps.c", print_programs([program], AVX2).text)
    a = np.random.default_rng(0).normal(size=(70, 3)).astype("float32")
    out = np.zeros_like(a)
    build([program])["sweeps"].run((a, out), (70,))
    np.testing.assert_allclose(out, np.tanh(a * values), rtol=1e-6)


def test_maxima_and_their_places(golden):
    """Padded on the left alone: there a window sees two of three columns."""
    x, y = (
        Image(argument(name, 1, 1, *size, 8), 1, 8, *size, 8)
        for name, size in (("x", (4, 5)), ("y", (2, 3)))
    )
    places = argument("places", 1, 1, 2, 3, 8, dtype="uint8")
    pooling = Pooling((2, 3), (2, 2), ((0, 0), (1, 1)))
    relu = Epilogue(call("maximum", Result("float32"), Literal(0, "float32")))
    step = Pool(x, y, pooling, relu, places)
    arguments = (x.buffer, y.buffer, places)
    program = Program("maxima", (), arguments, (Kernel(step, "pool"),))
    golden("maxima.c", print_programs([program], AVX2).text)
    a = np.arange(-60, 100, dtype="float32").reshape(1, 1, 4, 5, 8)
    out, kept = np.empty((1, 1, 2, 3, 8), "float32"), np.empty((1, 1, 2, 3, 8), "uint8")
    if AVX2 in runnable():
        build([program], AVX2)["maxima"].run((a, out, kept))
        last = a[0, 0, 1::2, [1, 3, 4]].transpose(1, 0, 2)  # numbers only grow
        np.testing.assert_array_equal(out[0, 0], np.maximum(last, 0))
        np.testing.assert_array_equal(kept[0, 0, :, :, 0], [[5, 5, 4]] * 2)


def softmax_of_row(x, y, row):
    """The statements that make a row of y: its maximum, its powers, their quotients."""
    at = row * n + sizes.symbol("j")
    top, total = Local("top", "float32"), Local("total", "float64")
    e, scale = Local("e", "float32"), Local("scale", "float32")
    powers = (
        Let("e", call("exp", call("sub", Load(x, at), top))),
        Accumulate(total, "add", call("cast", e, dtype="float64")),
        Store(y, at, e),
    )
    return (
        Let("top", Literal(-np.inf, "float32")),
        Loop("j", 0, n, (Accumulate(top, "maximum", Load(x, at)),), Kind.SIMD),
        Let("total", Literal(0, "float64")),
        Loop("j", 0, n, powers, Kind.SIMD),
        Let("scale", call("cast", call("reciprocal", total, dtype="float64"))),
        Loop("j", 0, n, (Store(y, at, call("mul", Load(y, at), scale)),), Kind.SIMD),
    )


def test_softmax_of_rows(golden):
    x, y = argument("x", m, n), argument("y", m, n)
    kernel = parallel((m,), lambda i: softmax_of_row(x, y, i[0]))
    kernels = (Kernel(kernel, "softmax"),)
    program = Program("softmax", ("m", "n"), (x, y), kernels)
    golden("softmax.c", print_programs([program], AVX2).text)
    a = np.random.default_rng(0).normal(size=(7, 33)).astype("float32")
    out = np.zeros_like(a)
    build([program])["softmax"].run((a, out), (7, 33))
    e = np.exp(a - a.max(1, keepdims=True))
    np.testing.assert_allclose(out, e / e.sum(1, keepdims=True), rtol=1e-6)


def test_a_sum_in_parts(golden):
    x, y = argument("x", n), argument("y", dtype="float32")
    steps = reduction(
        (n,),
        (0,),
        lambda i: ((), (Term("add", Load(x, i[0])),)),
        lambda i, totals: (Store(y, 0, totals[0]),),
        "r",
    )
    kernels = tuple(Kernel(step, "sum") for step in steps)
    program = Program("total", ("n",), (x, y), kernels)
    golden("total.c", print_programs([program], AVX2).text)
    a = np.random.default_rng(0).random(100_000, "float32")
    out = np.zeros((), "float32")
    build([program])["total"].run((a, out), (a.size,))
    np.testing.assert_allclose(out, a.sum(dtype="float64"), rtol=1e-6)


def test_a_checked_gather(golden):
    x, rows = argument("x", m, 5), argument("rows", n, dtype="int64")
    y = argument("y", n, 5)
    row = Local("row", "int64")

    def body(i):
        below = call("lt", row, Literal(7, "int64"), dtype="bool")
        above = call("ge", row, Literal(0, "int64"), dtype="bool")
        k = sizes.symbol("k")
        return (
            Let("row", Load(rows, i[0])),
            Check(call("logical_and", below, above, dtype="bool"), 3),
            Loop("k", 0, 5, (Store(y, i[0] * 5 + k, Gather(x, k, 5, row)),), Kind.SIMD),
        )

    kernels = (Kernel(parallel((n,), body), "take"),)
    seven = (Requirement(m, 7, 2),)
    program = Program("take", ("m", "n"), (x, rows, y), kernels, (), seven)
    golden("take.c", print_programs([program], AVX2).text)
    native = build([program])["take"]
    a = np.random.default_rng(0).random((7, 5), "float32")
    index, out = np.array([6, 0, 3]), np.zeros((3, 5), "float32")
    assert native.run((a, index, out), (7, 3)) == 0
    np.testing.assert_array_equal(out, a[index])
    index[1] = 7
    assert native.run((a, index, out), (7, 3)) == 3
    assert native.run((a, index, out), (8, 3)) == 2
