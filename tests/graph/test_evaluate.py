"""``evaluate``: values by the references, with errors that point at the user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import (
    GraphError,
    Op,
    SharedVariable,
    SymgraphError,
    TensorType,
    evaluate,
)


@dataclass(frozen=True)
class Liar(Op):
    """Promises a vector, gives what it is told to."""

    value: float

    def infer_type(self, x):
        return TensorType("float32", (3,))

    def reference(self, x):
        return np.full(3, self.value, "float64")


@dataclass(frozen=True)
class Twice(Op):
    """Has an expression and nothing else."""

    def infer_type(self, x):
        return x

    def expand(self, x):
        return x + x


@dataclass(frozen=True)
class Nothing(Op):
    """Has neither a reference nor an expression."""

    def infer_type(self, x):
        return x


def test_values_of_several_outputs():
    x, y = sg.vector("x"), sg.vector("y")
    product, total = evaluate([x * y, x + 1], {x: [1.0, 2.0], y: [3.0, 4.0]})
    np.testing.assert_array_equal(product, np.float32([3, 8]))
    np.testing.assert_array_equal(total, np.float32([2, 3]))
    assert product.dtype == "float32"


def test_a_given_value_stands_for_what_computes_it():
    x = sg.scalar("x")
    y = sg.exp(x)
    assert evaluate([y + 1], {y: 5.0})[0] == 6.0
    assert evaluate([x], {x: 7})[0] == 7.0


def test_shared_variables_have_their_values_unless_given():
    w = SharedVariable(np.float32([1, 2]), "w", TensorType("float32", (2,)))
    assert evaluate([w.sum()])[0] == 3
    assert evaluate([w.sum()], {w: [5.0, 6.0]})[0] == 11


def test_a_missing_value_is_named():
    x = sg.scalar("x")
    with pytest.raises(GraphError, match=r"x: float32.*is needed but not given"):
        evaluate([x + 1])


@pytest.mark.parametrize(
    "value", [np.zeros((2, 2), "float32"), np.zeros(2), 1.0, np.zeros(3, "float32")]
)
def test_a_value_of_another_type_is_refused(value):
    x = sg.tensor("x", shape=(2,))
    with pytest.raises(GraphError, match=r"x: float32\[2\] expects float32\[2\], got"):
        evaluate([x], {x: value})


def test_safe_casts_of_given_values_are_made():
    x, n = sg.dvector("x"), sg.lscalar("n")
    np.testing.assert_array_equal(evaluate([x], {x: np.float32([1, 2])})[0], [1, 2])
    assert evaluate([n], {n: np.int8(3)})[0].dtype == "int64"


def test_a_reference_is_held_to_its_type():
    with pytest.raises(SymgraphError, match=r"promises float32.*gave float64"):
        evaluate([Liar(1.0)(sg.constant(1.0))])


def test_an_op_without_reference_is_evaluated_by_its_expression():
    assert evaluate([Twice()(sg.constant(4.0))])[0] == 8
    with pytest.raises(SymgraphError, match="neither reference nor expand"):
        evaluate([Nothing()(sg.constant(4.0))])


def test_a_run_time_error_says_where():
    x, y = sg.vector("x"), sg.vector("y")
    z = x + y
    with pytest.raises(GraphError, match=r"float32\[2\] and float32\[3\]") as caught:
        z.eval({x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
    notes = "\n".join(caught.value.__notes__)
    assert "in Add(x: float32[?], y: float32[?])" in notes
    assert "z = x + y" in notes


def test_what_is_not_statically_1_does_not_broadcast():
    x, y = sg.vector("x"), sg.vector("y")
    with pytest.raises(
        GraphError, match=r"one shape, got float32\[1\] and float32\[3\]"
    ):
        (x * y).eval({x: [1.0], y: [1.0, 2.0, 3.0]})
    wide = sg.broadcast_to(x, (2, 3))
    message = r"broadcast_to: dimension 0 of float32\[\?\] is 1, expected 3; only a dim"
    with pytest.raises(GraphError, match=message):
        wide.eval({x: [1.0]})


def test_nor_does_what_parameters_are_shared_along():
    z, b = sg.matrix("z"), sg.vector("b")
    y = sg.nn.add_bias(z, b)
    with pytest.raises(GraphError, match="bias must be"):
        y.eval({z: np.zeros((2, 3), "float32"), b: [1.0]})


def test_floating_point_exceptions_are_silent():
    x = sg.dvector("x")
    np.testing.assert_array_equal(
        sg.log(x).eval({x: [0.0, -1.0, 1.0]}), [-np.inf, np.nan, 0]
    )
    n = sg.lvector("n")
    np.testing.assert_array_equal((n // 0).eval({n: [3, -3]}), [0, 0])


def test_empty_arrays_go_through():
    x = sg.matrix("x")
    empty = np.zeros((0, 3), "float32")
    assert sg.exp(x).eval({x: empty}).shape == (0, 3)
    assert x.sum().eval({x: empty}) == 0
