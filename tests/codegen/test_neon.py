"""The same C on another processor: each family of kernels, for NEON, emulated.

Debian's packages gcc-aarch64-linux-gnu and qemu-user have what is needed.
"""

from __future__ import annotations

import numpy as np
import pytest

from codegen import build, sizes
from codegen.convolution import winograd, winograd_weights
from codegen.ir import (
    ArgSort,
    Buffer,
    Check,
    Gemm,
    Kernel,
    Let,
    Load,
    Local,
    Program,
    Repeat,
    Role,
    SizeValue,
    Store,
    Window,
)
from codegen.ir import Call as Scalar
from codegen.reductions import Term, arg_extremum, reduction
from codegen.schedule import elementwise, parallel
from codegen.target import NEON
from tests.codegen import convolution_cases as convolutions
from tests.codegen import convolution_runs as runs
from tests.codegen import gemm_cases as products
from tests.codegen import math_cases as functions
from tests.codegen import test_matrices as matrices
from tests.codegen import test_pool as pools
from tests.codegen import test_unpool as unpools

pytestmark = pytest.mark.usefixtures("neon")
n = sizes.symbol("n")


def argument(name, *shape, dtype="float32"):
    return Buffer(name, dtype, shape, Role.ARGUMENT)


def run(program, arrays, values=(), threads=2):
    """The code of a call of the only program of a module."""
    native = build.build([program])[program.name]
    return native.run(arrays, values, threads)


def test_transcendental_functions():
    module = build.build(functions.programs())
    for function in functions.ERRORS:
        functions.check_errors(module, function)
    for function in functions.ERRORS_OF_TWO:
        functions.check_errors_of_two(module, function)


def test_matrix_products():
    cases = [
        products.Case(13, 37, 41, *turns, dtype, symbolic="m")
        for turns in products.TURNS
        for dtype in ("float32", "float64")
    ]
    cases += [products.Case(59, 130, 300), products.Case(1, 77, 90)]
    cases += [products.Case(5, 7, 3, batch=2, repeats="y", dtype="int32")]
    products.check_all(cases, NEON)


DIRECT = {
    "few channels": convolutions.Case((3, 16), 2, (12, 22), plain_input=True),
    "strides": convolutions.Case(
        (5, 9), 2, (9, 13), Window((3, 2), (2, 1)), open_batch=True
    ),
    "few pixels": convolutions.Case((17, 9), 2, (5, 6), Window((3, 4))),
    "depthwise": convolutions.Case((20, 20), 1, (7, 9), Window((3, 3), groups=20)),
}


@pytest.mark.parametrize("name", DIRECT)
def test_convolutions_by_direct_sums(name, monkeypatch):
    forced(monkeypatch, np.inf)
    runs.check(DIRECT[name], NEON, "float32")


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (5, 1), (5, 0)])
def test_convolutions_by_minimal_filtering(kernel, padding, monkeypatch):
    forced(monkeypatch, -1)
    sides = ((padding, padding), (padding, padding))
    window = Window((kernel, kernel), padding=sides)
    case = convolutions.Case((17, 9), 3, (10, 13), window, open_batch=True)
    y, dx, dw = convolutions.reference(case)
    lanes = NEON.lanes("float32")
    expected = convolutions.blocked(y, lanes), convolutions.blocked(dx, lanes), dw
    found = runs.run(case, NEON, "float32")
    for got, want in zip(found, expected, strict=True):
        assert np.abs(got - want).max() <= 2e-5 * np.abs(want).max()


def forced(monkeypatch, cost):
    """Give Winograd's way this cost wherever it is possible."""
    for module in (winograd, winograd_weights):
        monkeypatch.setattr(module, "_cost", lambda *_: cost)


@pytest.mark.parametrize("dtype", convolutions.DTYPES)
def test_maxima_of_windows_and_their_gradient(dtype):
    pooling, size = pools.GEOMETRIES["wide"]
    x = pools.numbers(2, 11, *size, dtype=dtype)
    x[:, ::3, 1::5, ::4] = np.nan
    pools.check([pooling], x, NEON)
    unpools.check(pooling, x, NEON)


def test_reductions():
    """Sums of rows and of columns, and where each row is largest."""
    x, rows, columns = argument("x", n, 300), argument("r", n), argument("c", 300)
    largest = argument("i", n, dtype="int64")

    def element(i):
        return Load(x, i[0] * 300 + i[1])

    def summed(out, axis):
        return reduction(
            (n, 300),
            (axis,),
            lambda i: ((), (Term("add", element(i)),)),
            lambda kept, totals: (Store(out, kept[0], totals[0]),),
            out.name,
        )

    def place(kept, found):
        return (Store(largest, kept[0], found),)

    steps = [*summed(rows, 1), *summed(columns, 0)]
    steps += arg_extremum((n, 300), 1, element, "maximum", place, name="e")
    kernels = tuple(Kernel(step, "reduction") for step in steps)
    program = Program("reductions", ("n",), (x, rows, columns, largest), kernels)
    array = np.random.default_rng(0).normal(size=(70, 300)).astype("float32")
    found = [np.empty(70, "float32"), np.empty(300, "float32"), np.empty(70, "int64")]
    assert run(program, [array, *found], (70,)) == 0
    np.testing.assert_allclose(found[0], array.sum(1, "float64"), 1e-5, 1e-5)
    np.testing.assert_allclose(found[1], array.sum(0, "float64"), 1e-5, 1e-5)
    np.testing.assert_array_equal(found[2], array.argmax(1))


def test_a_loop_of_products_and_elementwise_kernels():
    """h[t + 1] = tanh(h[t] w + x[t]), with h[0] given."""
    t = sizes.symbol("t")
    h, w = argument("h", n + 1, 5, 7), argument("w", 7, 7)
    x, mixed = argument("x", n, 5, 7), Buffer("mixed", "float32", (35,))
    product = Gemm(h, w, mixed, 5, 7, 7, offsets=(t * 35, 0, 0))

    def step(i):
        total = Scalar("add", (Load(mixed, i[0]), Load(x, t * 35 + i[0])), "float32")
        return (Store(h, (t + 1) * 35 + i[0], Scalar("tanh", (total,), "float32")),)

    body = (Kernel(product, "product"), Kernel(elementwise((35,), step), "tanh"))
    loop = Kernel(Repeat("t", n, body), "loop")
    program = Program("scan", ("n",), (x, w, h), (loop,))
    rng = np.random.default_rng(0)
    inputs, weights, states = (
        rng.normal(size=shape).astype("float32")
        for shape in ((9, 5, 7), (7, 7), (10, 5, 7))
    )
    expected = states[:1]
    for row in inputs:
        expected = np.append(expected, np.tanh(expected[-1:] @ weights + row), axis=0)
    assert run(program, [inputs, weights, states], (9,)) == 0
    np.testing.assert_allclose(states, expected, 1e-4, 1e-5)


def test_equations_of_matrices():
    matrices.check_all()


def test_sorting():
    x, order = argument("x", 3, 50), argument("order", 3, 50, dtype="int64")
    program = Program("sorted", (), (x, order), (Kernel(ArgSort(x, order, 3, 50), ""),))
    array = np.random.default_rng(0).integers(0, 20, (3, 50)).astype("float32")
    found = np.empty((3, 50), "int64")
    assert run(program, [array, found]) == 0
    np.testing.assert_array_equal(found, array.argsort(1, kind="stable"))


def test_a_check_that_fails_gives_its_code_and_numbers():
    x = argument("x", n)

    def body(i):
        positive = Scalar("gt", (Local("v", "float32"), Local("z", "float32")), "bool")
        zero = Scalar("sub", (Local("v", "float32"),) * 2, "float32")
        found = (SizeValue(i[0]), SizeValue(n))
        return (Let("v", Load(x, i[0])), Let("z", zero), Check(positive, 5, found))

    program = Program("p", ("n",), (x,), (Kernel(parallel((n,), body), "check"),))
    array = np.ones(40, "float32")
    assert run(program, [array], (40,)) == 0
    array[33] = -1
    code = run(program, [array], (40,))
    assert (code, code.found) == (5, (33, 40, 0))
