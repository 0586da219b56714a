"""Scalar expressions as C text."""

from __future__ import annotations

import math

import pytest

from codegen import expressions, sizes
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    Call,
    Gather,
    Load,
    Local,
    Result,
    SizeValue,
)

n, i, j = map(sizes.symbol, "nij")
X = Buffer("x", "float32", (n, 7))
LABELS = Buffer("labels", "int32", (n,))


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def test_arithmetic_is_parenthesized():
    value = call(
        "mul", call("add", Load(X, i * 7 + j), Local("b", "float32")), Result("float32")
    )
    assert expressions.text(value, "r") == "((x[7*i + j] + b) * r)"


def test_a_result_needs_an_epilogue():
    with pytest.raises(CodegenError, match="Result stands outside an epilogue"):
        expressions.text(Result("float32"))


def test_gathers_compute_their_place():
    labels = Load(LABELS, i)
    assert expressions.text(Gather(X, i * 7, 1, labels)) == "x[7*i + labels[i]]"
    assert expressions.text(Gather(X, 0, 7, labels)) == "x[(7)*labels[i]]"
    assert expressions.text(Gather(X, j, n + 1, labels)) == "x[j + (1 + n)*labels[i]]"


@pytest.mark.parametrize(
    "value, dtype, shown",
    [
        (0.1, "float32", "0.1f"),
        (0.1, "float64", "0.1"),
        (3.0, "float32", "3.0f"),
        (-2.5, "float32", "(-2.5f)"),
        (1e30, "float32", "1e+30f"),
        (math.inf, "float32", "((float)INFINITY)"),
        (-math.inf, "float64", "((double)-INFINITY)"),
        (math.nan, "float32", "((float)NAN)"),
        (7, "int32", "7"),
        (-7, "int32", "(-6 - 1)"),
        (-(2**63), "int64", "(-INT64_C(9223372036854775807) - 1)"),
        (2**64 - 1, "uint64", "UINT64_C(18446744073709551615)"),
        (True, "bool", "true"),
    ],
)
def test_literals(value, dtype, shown):
    assert expressions.literal_text(value, dtype) == shown


def test_sizes_are_numbers_too():
    assert expressions.text(SizeValue(n * 3)) == "((int64_t)(3*n))"
    assert expressions.text(SizeValue(i, "float32")) == "((float)(i))"


def test_integers_wrap_around_in_unsigned_types():
    a, b = Local("a", "int32"), Local("b", "int32")
    added = expressions.text(call("add", a, b, dtype="int32"))
    assert added == "(int32_t)((uint32_t)a + (uint32_t)b)"


def test_casts():
    x = Load(X, i)
    assert expressions.text(call("cast", x, dtype="float32")) == "x[i]"
    assert expressions.text(call("cast", x, dtype="int8")) == "((int8_t)x[i])"
    assert expressions.text(call("cast", x, dtype="bool")) == "(x[i] != 0)"


def test_the_number_of_arguments_is_checked():
    with pytest.raises(CodegenError, match="add: expected 2 arguments, got 1"):
        expressions.text(call("add", Load(X, i)))


def test_costs_grow_with_the_work():
    cheap = call("add", Load(X, i), Load(X, j))
    assert expressions.cost(cheap) < expressions.cost(call("exp", cheap))
