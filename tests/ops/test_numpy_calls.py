"""NumPy and variables: operators are theirs, functions are refused by name."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import TypeMismatch

A = np.array([[2.0, 3.0], [5.0, 7.0]], "float32")
I = np.array([6, 3])  # noqa: E741
NUMBERS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
COMPARISONS = ["lt", "le", "gt", "ge"]
BITS = ["and_", "or_", "xor", "lshift", "rshift"]


@pytest.mark.parametrize("name", NUMBERS + COMPARISONS + BITS)
def test_an_array_on_the_left_of_an_operator(name):
    function = getattr(operator, name)
    left = I if name in BITS else A
    x = sg.tensor("x", left.dtype, left.shape)
    result = function(left, x)
    np.testing.assert_allclose(result.eval({x: left}), function(left, left), rtol=1e-6)


@pytest.mark.parametrize("name", NUMBERS[:-1])
def test_an_operator_that_assigns_gives_a_variable(name):
    x, left = sg.tensor("x", shape=(2, 2)), A.copy()
    result = getattr(operator, f"i{name}")(left, x)
    assert isinstance(result, sg.Variable)
    np.testing.assert_array_equal(left, A)


def test_numbers_of_numpy_on_the_left():
    x = sg.tensor("x", shape=(2,))
    for number in (np.float32(2), np.int8(2), np.float64(2), np.bool_(True)):
        assert (number * x).dtype == (x * number).dtype
        assert (number + x).type.shape == (2,)
        assert (number < x).dtype == "bool"


def test_equality_stays_identity():
    x = sg.tensor("x", shape=(2, 2))
    for left, right in ((A, x), (x, A)):
        assert operator.eq(left, right) is False
        assert operator.ne(left, right) is True
    assert x not in [A]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            np.exp,
            r"np.exp: x: float32\[2, 2\] has no value yet; use sg.exp",
        ),
        (lambda x: np.add(x, A), "np.add: .*; use sg.add"),
        (lambda x: np.equal(x, A), "np.equal: .*; use sg.equal"),
        (np.add.reduce, "np.add: .*; use sg.add"),
        (lambda x: np.multiply(A, x, where=A > 2), "np.multiply: .*; use sg.multiply"),
        (lambda x: np.hypot(A, x), "np.hypot: .*; symgraph has no such function"),
        (lambda x: np.divmod(x, A), "np.divmod: .*; symgraph has no such function"),
        (lambda x: np.dot(x, x), "np.dot: .*; use sg.dot"),
        (np.sum, "np.sum: .*; use sg.sum"),
        (np.linalg.norm, "np.norm: .*; use sg.linalg.norm"),
        (np.linalg.svd, "np.svd: .*; symgraph has no such function"),
    ],
)
def test_functions_are_refused(call, message):
    x = sg.tensor("x", shape=(2, 2))
    with pytest.raises(TypeMismatch, match=message):
        call(x)
