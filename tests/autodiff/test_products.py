"""Products with Jacobians, and whole Jacobians and Hessians."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch, leaves_of

A = np.arange(6.0).reshape(2, 3) / 4 + 0.1
V = np.array([0.3, -0.7, 1.1])


@pytest.fixture
def x():
    return sg.tensor("x", "float64", (3,))


def test_vjp_multiplies_from_the_left(x):
    y = sg.dot(A, sg.sin(x))
    weights = np.array([2.0, -1.0])
    found = sg.vjp(y, x, sg.constant(weights)).eval({x: V})
    np.testing.assert_allclose(found, weights @ A * np.cos(V))


def test_vjp_of_several_outputs_adds_up(x):
    found = sg.vjp([x * 2, x * x], [x], [sg.ones_like(x), sg.ones_like(x)])
    np.testing.assert_allclose(found[0].eval({x: V}), 2 + 2 * V)
    twice = sg.vjp([x, x], x, [sg.ones_like(x), sg.ones_like(x)])
    np.testing.assert_allclose(twice.eval({x: V}), [2, 2, 2])


def test_vjp_without_a_path_is_zero(x):
    other = sg.tensor("other", "float64", (5,))
    found = sg.vjp(x * 2, [x, other], sg.ones_like(x))
    np.testing.assert_array_equal(found[1].eval({other: np.ones(5)}), np.zeros(5))


def test_jvp_multiplies_from_the_right(x):
    y = sg.dot(A, sg.sin(x))
    tangent = np.array([1.0, 0.5, -2.0])
    found = sg.jvp(y, x, sg.constant(tangent)).eval({x: V})
    np.testing.assert_allclose(found, A @ (np.cos(V) * tangent))


def test_jvp_of_unknown_sizes_needs_no_dummy():
    x = sg.dmatrix("x")
    t = sg.dmatrix("t")
    y = sg.exp(x).sum(axis=0) * x.shape[0]
    pushed = sg.jvp(y, x, t)
    assert {v.name for v in leaves_of([pushed]) if v.name} == {"x", "t"}
    values = {x: A, t: np.ones((2, 3))}
    np.testing.assert_allclose(pushed.eval(values), 2 * np.exp(A).sum(axis=0))


def test_jvp_of_several_inputs_and_outputs():
    x, y = (sg.tensor(n, "float64", (3,)) for n in "xy")
    ones = sg.ones_like(x)
    total, product, same = sg.jvp([x + y, x * y, x], [x, y], [ones, 2 * ones])
    given = {x: V, y: 3 * V}
    np.testing.assert_allclose(total.eval(given), [3, 3, 3])
    np.testing.assert_allclose(product.eval(given), 3 * V + 2 * V)
    np.testing.assert_allclose(same.eval(given), [1, 1, 1])


def test_jvp_without_a_path_is_zero(x):
    pushed = sg.jvp(sg.floor(x), x, sg.ones_like(x))
    np.testing.assert_array_equal(pushed.eval({x: V}), [0, 0, 0])


def test_jacobian_has_both_shapes(x):
    y = sg.dot(A, sg.sin(x))
    np.testing.assert_allclose(sg.jacobian(y, x).eval({x: V}), A * np.cos(V))
    m = sg.tensor("m", "float64", (2, 3))
    found = sg.jacobian(m.T, m)
    assert found.type.shape == (3, 2, 2, 3)
    expected = np.einsum("il,jk->ijkl", np.eye(3), np.eye(2))
    np.testing.assert_array_equal(found.eval({m: A}), expected)


def test_jacobian_by_several_and_of_a_scalar(x):
    other = sg.tensor("other", "float64", (2,))
    by_x, by_other = sg.jacobian((x**2).sum(), [x, other])
    np.testing.assert_allclose(by_x.eval({x: V}), 2 * V)
    np.testing.assert_array_equal(by_other.eval({other: [1.0, 2.0]}), [0, 0])


def test_jacobian_of_nothing_has_no_rows(x):
    assert sg.jacobian(x[:0] * 2, x).eval({x: V}).shape == (0, 3)


@pytest.mark.parametrize("mode", ["c", "numpy"])
def test_jacobian_of_unknown_shapes(mode):
    x, m, other = sg.dvector("x"), sg.dmatrix("m"), sg.dvector("other")
    outputs = [
        *sg.jacobian(sg.sin(x) * other[0], [x, other, m]),
        sg.jacobian(m.T, m),
        sg.hessian(sg.prod(x), x),
        sg.jacobian(sg.floor(x), x),
    ]
    fn = sg.function([x, m, other], outputs, mode=mode)
    for size in (3, 1, 0):
        v, a = np.arange(1.0, 1 + size), np.ones((2, size))
        by_x, by_other, by_m, turned, hessian, nothing = fn(v, a, [2.0, 5.0])
        np.testing.assert_allclose(by_x, 2 * np.diag(np.cos(v)))
        np.testing.assert_allclose(by_other, np.stack([np.sin(v), 0 * v], axis=1))
        assert by_m.shape == (size, 2, size) and not by_m.any()
        expected = np.einsum("il,jk->ijkl", np.eye(size), np.eye(2))
        np.testing.assert_array_equal(turned, expected)
        others = np.prod(v) / v[:, None] / v * (1 - np.eye(size))
        np.testing.assert_allclose(hessian, others)
        assert nothing.shape == (size, size) and not nothing.any()


def test_hessian(x):
    cost = (x[0] ** 2 * x[1] + x[2] ** 3).sum()
    a, b, c = V
    expected = [[2 * b, 2 * a, 0], [2 * a, 0, 0], [0, 0, 6 * c]]
    np.testing.assert_allclose(sg.hessian(cost, x).eval({x: V}), expected)
    assert isinstance(sg.hessian(cost, [x]), list)


def test_shapes_and_counts_are_checked(x):
    with pytest.raises(GraphError, match=r"must be float64\[3\], got float64\[2\]"):
        sg.vjp(x, x, np.ones(2))
    with pytest.raises(GraphError, match="2 outputs, but 1 cotangents"):
        sg.vjp([x, x], x, [np.ones(3)])
    with pytest.raises(GraphError, match="1 inputs, but 2 tangents"):
        sg.jvp(x, x, [np.ones(3), np.ones(3)])
    with pytest.raises(TypeMismatch, match="has no derivative"):
        sg.jvp(sg.argmax(x), x, np.ones(3))
