"""``ifelse``: one branch is taken, and the other one is not computed."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch
from symgraph.ops import IfElse

A, B = np.array([2, 3, 5], "float32"), np.array([7, 11, 13], "float32")
modes = pytest.mark.parametrize("mode", ["c", "numpy", "debug"])


def picked(x, place):
    """x at a place that is checked when it is read, as data give it."""
    return sg.take(x, place)


@modes
def test_values_and_gradients(mode):
    flag, x, y = sg.bscalar("flag"), sg.vector("x"), sg.vector("y")
    chosen = sg.ifelse(flag, [x, x * y], [y, x])
    gradients = sg.grad(chosen[1].sum(), [x, y])
    fn = sg.function([flag, x, y], [*chosen, *gradients], mode=mode)
    a, b = A, B
    for value, wanted in ((1, [a, a * b, b, a]), (0, [b, a, a * 0 + 1, b * 0])):
        for got, expected in zip(fn(value, a, b), wanted, strict=True):
            np.testing.assert_array_equal(got, expected)


@modes
def test_a_branch_that_is_not_taken_cannot_fail(mode):
    flag, x, i = sg.bscalar("flag"), sg.vector("x"), sg.lvector("i")
    fn = sg.function([flag, x, i], sg.ifelse(flag, picked(x, i), 0.0 * i), mode=mode)
    np.testing.assert_array_equal(fn(1, A, [2, 0]), [5, 2])
    np.testing.assert_array_equal(fn(0, A, [2, 9]), [0, 0])
    with pytest.raises(IndexError, match="index 9 is out of"):
        fn(1, A, [2, 9])


@modes
def test_what_both_branches_need_is_always_computed(mode):
    flag, x, i = sg.bscalar("flag"), sg.vector("x"), sg.lvector("i")
    part = picked(x, i)
    fn = sg.function([flag, x, i], sg.ifelse(flag, part + 1, part - 1), mode=mode)
    np.testing.assert_array_equal(fn(0, A, [1]), [2])
    with pytest.raises(IndexError):
        fn(0, A, [3])


@modes
def test_branches_in_branches(mode):
    outer, inner = sg.bscalar("outer"), sg.lvector("inner")
    x, i = sg.vector("x"), sg.lvector("i")
    deep = sg.ifelse(picked(inner, i).sum() > 0, sg.exp(picked(x, i)), -picked(x, i))
    fn = sg.function([outer, inner, x, i], sg.ifelse(outer, deep, 0.0 * i), mode=mode)
    np.testing.assert_allclose(fn(1, [0, 1], A, [1]), np.exp(A[1:2]), rtol=1e-6)
    np.testing.assert_array_equal(fn(1, [0, 1], A, [0]), [-2])
    np.testing.assert_array_equal(fn(0, [0, 1], A, [7]), [0])


@modes
def test_a_gradient_is_taken_in_the_branch(mode):
    """Not even nan comes out of the branch that is not taken."""
    x, i = sg.dvector("x"), sg.lvector("i")
    y = sg.ifelse(x[0] > 0, sg.sqrt(picked(x, i)).sum(), sg.square(x).sum())
    first = sg.grad(y, x)
    second = sg.grad((first * first).sum(), x)
    fn = sg.function([x, i], [y, first, second], mode=mode)
    taken = np.array([4.0, 9.0])
    value, slope, bend = fn(taken, [0, 1])
    assert value == 5
    np.testing.assert_allclose(slope, 0.5 / np.sqrt(taken))
    np.testing.assert_allclose(bend, -0.25 / taken**2)
    other = np.array([-4.0, 0.0])
    value, slope, bend = fn(other, [0, 9])
    assert value == 16
    np.testing.assert_array_equal(slope, 2 * other)
    np.testing.assert_array_equal(bend, 8 * other)


def test_gradients_of_nested_branches_against_differences():
    def nested(x, y):
        inner = sg.ifelse(y.sum() > 0, sg.exp(x) * y, sg.sin(x * y))
        return sg.ifelse(x[0] > 0, inner, sg.tanh(x) + y)

    for first, sign in ((0.5, 1), (0.5, -1), (-0.5, 1)):
        x, y = np.array([first, 0.3, -0.7]), sign * np.array([0.2, 0.9, 0.4])
        sg.verify_grad(nested, [x, y])
        sg.verify_grad(lambda x, y: sg.grad((nested(x, y) ** 2).sum(), [x, y]), [x, y])


def test_gradients_with_respect_to_what_is_in_a_branch():
    flag, x = sg.bscalar("flag"), sg.dvector("x")
    inside = sg.exp(x)
    y = sg.ifelse(flag, inside * inside, x).sum()
    fn = sg.function([flag, x], sg.grad(y, [inside, x]))
    values = np.array([0.5, -1.0])
    for got, expected in zip(fn(0, values), [0 * values, 0 * values + 1], strict=True):
        np.testing.assert_array_equal(got, expected)
    power = np.exp(values)
    for got, expected in zip(fn(1, values), [2 * power, 2 * power**2], strict=True):
        np.testing.assert_allclose(got, expected)


@modes
def test_in_a_loop_and_its_gradient(mode):
    x, start = sg.dvector("x"), sg.dscalar("start")

    def step(number, state):
        return sg.ifelse(number > 0, sg.sqrt(number) * state, state - number)

    states = sg.scan(step, sequences=x, outputs_info=start)[0]
    fn = sg.function(
        [x, start], [states[-1], *sg.grad(states[-1], [x, start])], mode=mode
    )
    last, dx, dstart = fn(np.array([4.0, -1.0, 9.0]), 2.0)
    assert last == (2 * 2 + 1) * 3
    np.testing.assert_allclose(dx, [2.0 / 4 * 3, -3, 5.0 / 6])
    assert dstart == 6


@modes
def test_branches_of_scalars_can_be_sizes(mode):
    flag, n = sg.bscalar("flag"), sg.lscalar("n")
    fn = sg.function([flag, n], sg.zeros((sg.ifelse(flag, n, 2 * n),)), mode=mode)
    assert fn(1, 3).shape == (3,)
    assert fn(0, 3).shape == (6,)


def test_branches_of_unknown_shapes_must_agree():
    flag, x, y = sg.bscalar("flag"), sg.vector("x"), sg.vector("y")
    for mode in ("c", "numpy"):
        fn = sg.function([flag, x, y], sg.ifelse(flag, x, y), mode=mode)
        with pytest.raises(ValueError, match="second branch must be"):
            fn(1, A, B[:2])


def test_what_ifelse_refuses():
    x, y = sg.vector("x"), sg.matrix("y")
    with pytest.raises(GraphError, match="ifelse: expected a scalar condition, got x"):
        sg.ifelse(x, x, x)
    with pytest.raises(GraphError, match=r"branches of one shape, got x: .* and y: "):
        sg.ifelse(x[0] > 0, x, y)
    with pytest.raises(GraphError, match=r"got a list of 2 and x: float32.* alone"):
        sg.ifelse(x[0] > 0, [x, x], x)
    with pytest.raises(GraphError, match=r"second branch must be float32\[2\]"):
        sg.ifelse(x[0] > 0, sg.tensor(shape=(2,)), sg.tensor(shape=(1,)))
    with pytest.raises(TypeMismatch, match="expected a bool scalar as condition"):
        IfElse()(x, x, x)
    with pytest.raises(TypeMismatch, match="branches of one dtype"):
        IfElse()(x[0] > 0, x, sg.dvector())
