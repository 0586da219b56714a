"""What is done to a product before it is stored, in every way of computing it."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.ir import (
    Buffer,
    Call,
    Epilogue,
    Gather,
    Literal,
    Load,
    Result,
    Role,
    Store,
)
from codegen.target import host_target
from tests.codegen.gemm_cases import Case, operands, product, program, run

b, i, j = map(sizes.symbol, "bij")

# one or more cases of each way: tiles, packed, chunks, the transposed product, dots,
# one row, one column, plain loops; and sizes known late
CASES = (
    Case(37, 53, 29),
    Case(130, 70, 300, False, True),
    Case(9, 11, 3000),
    Case(90, 5, 70, True),
    Case(90, 5, 3000, True),
    Case(70, 3, 90),
    Case(3, 70, 90, False, True),
    Case(1, 90, 70),
    Case(90, 1, 70, True),
    Case(90, 1, 70),
    Case(1, 1, 3000),
    Case(3, 5, 7),
    Case(3, 5, 7, False, True),
    Case(5, 7, 0),
    Case(90, 70, 0),
    Case(20, 30, 10, batch=3),
    Case(40, 50, 60, symbolic="mnk"),
    Case(6, 10, 2000, symbolic="k", dtype="float64"),
    Case(60, 40, 500, symbolic="m"),  # two halves of k, as the call finds out
    Case(500, 40, 60, True, symbolic="k"),  # only one
)


def call(function, *arguments, dtype=None):
    return Call(function, arguments, dtype or arguments[0].dtype)


def literal(value, dtype):
    return Literal(value, dtype)


def argument(name, shape, dtype):
    return Buffer(name, dtype, shape, Role.ARGUMENT)


def outcomes(epilogue_of, extra_of=lambda case: (), dtype_of=lambda case: None):
    """(case, operands, extra arrays, z) for every case, from one module."""
    rng = np.random.default_rng(0)
    programs, data = [], []
    for at, case in enumerate(CASES):
        arrays = extra_of(case)
        buffers = tuple(
            argument(f"e{place}", array.shape, str(array.dtype))
            for place, array in enumerate(arrays)
        )
        epilogue = Epilogue(epilogue_of(case, *buffers))
        made = program(case, f"f{at}", epilogue, dtype_of(case), buffers)
        programs.append(made)
        data.append((case, operands(case, rng), arrays))
    module = build(programs, host_target())
    for at, (case, given, extra) in enumerate(data):
        one, three = (
            run(module[f"f{at}"], case, (*given, *extra), dtype_of(case), threads)
            for threads in (1, 3)
        )
        np.testing.assert_array_equal(one, three)
        yield case, given, extra, one


def close(z, expected, case):
    tolerance = 2e-5 if case.dtype == "float32" else 1e-11
    scale = np.sqrt(case.k + 1)
    np.testing.assert_allclose(z, expected, tolerance, tolerance * scale, str(case))


def test_bias_and_relu():
    def value(case, bias):
        biased = call("add", Result(case.dtype), Load(bias, j))
        return call("maximum", biased, literal(0, case.dtype))

    def extra(case):
        return (np.linspace(-1, 1, case.n).astype(case.dtype),)

    for case, given, (bias,), z in outcomes(value, extra):
        close(z, np.maximum(product(case, *given) + bias, 0), case)


def test_affine_of_the_row():
    def value(case, scale, shift):
        scaled = call("mul", Result(case.dtype), Load(scale, i))
        return call("add", scaled, Load(shift, i))

    def extra(case):
        rng = np.random.default_rng(1)
        return tuple(rng.standard_normal((2, case.m)).astype(case.dtype))

    for case, given, (scale, shift), z in outcomes(value, extra):
        expected = product(case, *given) * scale[:, None] + shift[:, None]
        close(z, expected, case)


def test_residual_and_a_transcendental_function():
    def value(case, residual):
        m, n = case.size("m"), case.size("n")
        place = b * m * n + i * n + j
        return call("tanh", call("add", Result(case.dtype), Load(residual, place)))

    def extra(case):
        rng = np.random.default_rng(2)
        shape = (case.batch, case.m, case.n)
        return (rng.standard_normal(shape).astype(case.dtype),)

    for case, given, (residual,), z in outcomes(value, extra):
        expected = np.tanh(product(case, *given) + residual)
        close(z, expected, case)  # tanh does not magnify the error of a sum


def test_what_is_computed_on_the_way_is_stored_too():
    """A step of momentum: v' = v / 2 - x y, which is stored, and z = w + v'."""
    made = []
    for at, case in enumerate(CASES):
        m, n = case.size("m"), case.size("n")
        place = b * m * n + i * n + j
        shape = (case.batch, m, n)
        v, w, new = (argument(name, shape, case.dtype) for name in ("v", "w", "new"))
        half = call("mul", Load(v, place), literal(0.5, case.dtype))
        step = call("sub", half, Result(case.dtype))
        also = (Store(new, place, step),)
        epilogue = Epilogue(call("add", Load(w, place), step), also)
        made.append(program(case, f"f{at}", epilogue, None, (v, w, new)))
    module = build(made, host_target())
    rng = np.random.default_rng(3)
    for at, case in enumerate(CASES):
        given = operands(case, rng)
        shape = (case.batch, case.m, case.n)
        v, w, new = rng.standard_normal((3, *shape)).astype(case.dtype)
        z = run(module[f"f{at}"], case, (*given, v, w, new), threads=2)
        close(new, v / 2 - product(case, *given), case)
        np.testing.assert_allclose(z, w + new, 1e-5, 1e-5, str(case))


def test_another_dtype():
    def value(case):
        return call("gt", Result(case.dtype), literal(0, case.dtype), dtype="bool")

    for case, given, _, z in outcomes(value, dtype_of=lambda case: "bool"):
        expected = product(case, *given)
        sure = np.abs(expected) > 1e-3
        np.testing.assert_array_equal(z[sure], expected[sure] > 0, str(case))
        assert np.all(z[expected == 0] == 0)


def test_the_result_unused():
    for _, _, _, z in outcomes(lambda case: literal(0.5, case.dtype)):
        assert np.all(z == 0.5)


def test_values_found_by_index():
    def value(case, table, index):
        found = Gather(table, 0, 1, Load(index, j))
        return call("add", Result(case.dtype), found)

    def extra(case):
        index = np.arange(case.n) * 7 % 5
        return np.linspace(0, 1, 5).astype(case.dtype), index.astype("int64")

    for case, given, (table, index), z in outcomes(value, extra):
        close(z, product(case, *given) + table[index], case)


def test_adding_to_the_output_itself():
    made = []
    for at, case in enumerate(CASES):
        m, n = case.size("m"), case.size("n")
        out = Buffer("z", case.dtype, (case.batch, m, n), Role.ARGUMENT)
        before = Load(out, b * m * n + i * n + j)
        epilogue = Epilogue(call("add", Result(case.dtype), before))
        made.append(program(case, f"f{at}", epilogue))
    module = build(made)
    for at, case in enumerate(CASES):
        given = operands(case, np.random.default_rng(at))
        close(run(module[f"f{at}"], case, given), product(case, *given) + 77, case)


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_an_epilogue_on_integers(dtype):
    case = Case(5, 7, 11, dtype=dtype)
    value = call("cast", Result(dtype), dtype="float64")
    epilogue = Epilogue(call("add", value, literal(0.5, "float64")))
    native = build([program(case, epilogue=epilogue, dtype="float64")])["f"]
    given = operands(case, np.random.default_rng(0))
    z = run(native, case, given, "float64")
    np.testing.assert_array_equal(z, product(case, *given) + 0.5)
