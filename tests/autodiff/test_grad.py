"""``grad``: what it computes, what it refuses, what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import symgraph as sg
from symgraph.autodiff import DisconnectedInput, grad
from symgraph.graph import (
    GraphError,
    Op,
    SymgraphError,
    TypeMismatch,
    toposort,
)


def test_one_for_one_and_a_list_for_a_list():
    x, y = sg.dscalar("x"), sg.dscalar("y")
    assert float(grad(x * x * y, x).eval({x: 3.0, y: 2.0})) == 12
    gradients = grad(x * x * y, (x, y))
    assert isinstance(gradients, list)
    assert [float(g.eval({x: 3.0, y: 2.0})) for g in gradients] == [12, 9]


def test_every_use_of_a_variable_counts():
    x = sg.dscalar("x")
    y = sg.sin(x)
    cost = y * y + x * y + x
    value = grad(cost, x).eval({x: 0.5})
    s, c = np.sin(0.5), np.cos(0.5)
    np.testing.assert_allclose(value, 2 * s * c + s + 0.5 * c + 1)


def test_of_an_inner_variable_and_of_the_cost_itself():
    x = sg.dscalar("x")
    y = sg.exp(x)
    cost = y**3
    assert float(grad(cost, y).eval({y: 2.0})) == 12
    assert float(grad(cost, cost).eval()) == 1
    inner, outer = grad(cost, [y, x])
    np.testing.assert_allclose(inner.eval({x: 0.0}), 3)
    np.testing.assert_allclose(outer.eval({x: 0.0}), 3)


def test_gradients_have_the_type_of_what_they_are_by():
    x = sg.tensor("x", shape=(None, 3))
    b = sg.tensor("b", shape=(1, 3))
    w = sg.dvector("w")
    gx, gb, gw = grad(((x + b) * 2).sum() + w.sum(), [x, b, w])
    assert str(gb.type) == "float32[1, 3]"
    assert (gx.dtype, gw.dtype) == ("float32", "float64")
    given = {x: np.ones((5, 3), "float32"), b: np.ones((1, 3), "float32"), w: [1.0]}
    np.testing.assert_array_equal(gb.eval(given), np.full((1, 3), 10))


def test_nothing_flows_through_what_is_considered_constant():
    x = sg.dscalar("x")
    y = x * x
    assert float(grad(y * x, x, consider_constant=[y]).eval({x: 3.0})) == 9
    assert float(grad(sg.stop_gradient(y) * x, x).eval({x: 3.0})) == 9
    with pytest.raises(DisconnectedInput):
        grad(y, x, consider_constant=[y])
    with pytest.raises(DisconnectedInput):
        grad(y * x, x, consider_constant=[x])


def test_disconnected_inputs():
    x, y = sg.dvector("x"), sg.dvector("other")
    with pytest.raises(DisconnectedInput, match="does not depend on other: float64"):
        grad(x.sum(), y)
    with pytest.warns(UserWarning, match="does not depend on other"):
        zero = grad(x.sum(), y, disconnected_inputs="warn")
    np.testing.assert_array_equal(zero.eval({y: [1.0, 2.0]}), [0, 0])
    zero = grad(x.sum(), [x, y], disconnected_inputs="ignore")[1]
    np.testing.assert_array_equal(zero.eval({y: [1.0, 2.0]}), [0, 0])
    with pytest.raises(GraphError, match='must be "raise", "warn" or "ignore"'):
        grad(x.sum(), x, disconnected_inputs="never")


def test_a_path_of_zero_derivative_is_no_disconnection():
    x = sg.dvector("x")
    for cost in (
        sg.floor(x).sum(),
        sg.cast(x.shape[0], "float64"),
        sg.cast(sg.cast(x, "int64"), "float64").sum(),
        sg.stop_gradient(x).sum(),
    ):
        np.testing.assert_array_equal(grad(cost, x).eval({x: [1.5, 2.5]}), [0, 0])


def test_known_gradients():
    x = sg.dvector("x")
    y = sg.exp(x)
    outside = sg.constant(np.array([2.0, 3.0]))
    given = {x: [0.0, 1.0]}
    alone = grad(None, x, known_grads={y: outside})
    np.testing.assert_allclose(alone.eval(given), [2, 3 * np.e])
    both = grad(x.sum(), x, known_grads={y: outside})
    np.testing.assert_allclose(both.eval(given), [3, 3 * np.e + 1])
    with pytest.raises(GraphError, match=r"cotangent of .*must be .*got float64"):
        grad(None, x, known_grads={sg.tensor("t", "float64", (3,)): outside})
    with pytest.raises(GraphError, match="expected a cost or known_grads"):
        grad(None, x)


def test_integers_and_costs_that_are_no_scalar_are_refused():
    x, n = sg.vector("x"), sg.lscalar("n")
    with pytest.raises(TypeMismatch, match=r"n: int64.* is not float32 or float64"):
        grad(x.sum() * n, n)
    with pytest.raises(TypeMismatch, match="has no derivative"):
        grad(n + 1, x)
    with pytest.raises(GraphError, match=r"must be a scalar, got .*sg.jacobian"):
        grad(x * 2, x)
    with pytest.raises(TypeMismatch, match="expected a Variable, got 3"):
        grad(x.sum(), 3)


def test_nodes_of_a_gradient_point_at_the_line_they_differentiate():
    x = sg.dvector("x")
    y = sg.tanh(x)
    gradient = grad((y * y).sum(), x)
    lines = {node.site.source for node in toposort([gradient]) if node.op != y.owner.op}
    assert "y = sg.tanh(x)" in lines
    assert "gradient = grad((y * y).sum(), x)" in lines


def test_float32_stays_float32():
    x = sg.tensor("x", "float32", (None, 3))
    cost = (sg.nn.sigmoid(x * 2.0).mean(axis=0) ** 2 + x.var(axis=0)).sum()
    nodes = toposort([grad(cost, x)])
    assert "float64" not in {v.dtype for node in nodes for v in node.outputs}


def test_second_and_third_derivatives():
    x = sg.dscalar("x")
    y = x**4
    for expected in (32, 48, 48, 24):
        y = grad(y, x)
        np.testing.assert_allclose(y.eval({x: 2.0}), expected)


def test_an_expression_is_differentiated_through_its_op():
    x, rows = sg.tensor("x", "float64", (5, 3)), np.array([0, 2])
    y = x[1:, rows]
    gradient = grad((y * y).sum(), x).eval({x: np.ones((5, 3))})
    expected = np.zeros((5, 3))
    expected[1:, rows] = 2
    np.testing.assert_array_equal(gradient, expected)


@dataclass(frozen=True)
class Sloppy(Op):
    """Has a vjp that breaks the contract, in a way of one's choice."""

    fault: str

    def infer_type(self, x):
        return x

    def vjp(self, inputs, outputs, cotangents):
        if self.fault == "count":
            return cotangents[0], None
        return (sg.cast(cotangents[0], "float32"),)


def test_a_vjp_is_held_to_its_contract():
    x = sg.dscalar("x")
    with pytest.raises(SymgraphError, match="gave 2 cotangents for 1 inputs"):
        grad(Sloppy("count")(x), x)
    with pytest.raises(SymgraphError, match=r"gave float32\[\] for float64\[\]"):
        grad(Sloppy("dtype")(x), x)


@dataclass(frozen=True)
class Rough(Op):
    """Has no derivative."""

    def infer_type(self, x):
        return x


def test_an_op_without_derivative_says_so():
    x = sg.dscalar("x")
    with pytest.raises(GraphError, match="Rough: no derivative is defined"):
        grad(Rough()(x), x)
    other = sg.dscalar("other")
    assert float(grad(Rough()(x) * 0 + other, other).eval({x: 1.0, other: 1.0})) == 1


def test_unused_outputs_have_no_cotangent():
    x = sg.tensor("x", "float64", (5,))
    first, _, last = sg.split(x, [1, 3])
    gradient = grad((last**2).sum() + first.sum(), x)
    np.testing.assert_array_equal(gradient.eval({x: np.arange(5.0)}), [1, 0, 0, 6, 8])


def test_ties_share_the_gradient_equally():
    x, y = sg.dvector("x"), sg.dvector("y")
    given = {x: [1.0, 2.0, 3.0], y: [2.0, 2.0, 2.0]}
    for op, expected in ((sg.maximum, [0, 0.5, 1]), (sg.minimum, [1, 0.5, 0])):
        gradient = grad(op(x, y).sum(), x)
        np.testing.assert_array_equal(gradient.eval(given), expected)
    gradient = grad(x.max(), x)
    np.testing.assert_array_equal(gradient.eval({x: [3.0, 1.0, 3.0]}), [0.5, 0, 0.5])
    relu = grad(sg.nn.relu(x).sum(), x)
    np.testing.assert_array_equal(relu.eval({x: [-1.0, 0.0, 2.0]}), [0, 0, 1])


def test_powers_at_zero():
    x, y = sg.dvector("x"), sg.dvector("y")
    gx, gy = grad((x**y).sum(), [x, y])
    given = {x: [0.0, 0.0, 0.0, 2.0], y: [0.0, 1.0, 2.0, 0.0]}
    np.testing.assert_allclose(gx.eval(given), [0, 1, 0, 0])
    np.testing.assert_allclose(gy.eval(given), [0, 0, 0, np.log(2)])
