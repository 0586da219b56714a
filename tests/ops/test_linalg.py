"""Products of matrices and vectors, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch, toposort
from symgraph.ops import MatMul

RANDOM = np.random.default_rng(2)
PAIRS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 5)),
    ((2, 3), (3, 5)),
    ((7, 2, 3), (3, 5)),
    ((7, 2, 3), (3,)),
    ((3,), (7, 3, 5)),
    ((2, 3), (7, 3, 5)),
    ((7, 2, 3), (7, 3, 5)),
    ((11, 1, 2, 3), (7, 3, 5)),
    ((2, 0), (0, 5)),
]


def arrays(*shapes):
    return [RANDOM.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_matmul(pair):
    a, b = arrays(*pair)
    for known in (True, False):
        x, y = (
            sg.tensor(n, "float64", [d if known or d == 1 else None for d in v.shape])
            for n, v in zip("xy", (a, b), strict=True)
        )
        np.testing.assert_allclose((x @ y).eval({x: a, y: b}), a @ b, rtol=1e-12)
    sg.verify_grad(lambda x, y: (x @ y) ** 2, [a, b], directions=2)


@pytest.mark.parametrize(
    "pair", [((), (3,)), ((2, 3), ()), *PAIRS[:4], ((7, 2, 3), (5, 3, 11))], ids=str
)
def test_dot(pair):
    a, b = arrays(*pair)
    x, y = (sg.tensor(n, "float64", v.shape) for n, v in zip("xy", (a, b), strict=True))
    value = sg.dot(x, y).eval({x: a, y: b})
    np.testing.assert_allclose(value, np.dot(a, b), rtol=1e-12)
    np.testing.assert_allclose(x.dot(y).eval({x: a, y: b}), value)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((2, 3, 5), (3, 5, 7)), 2),
        (((2, 3), (5, 7)), 0),
        (((2, 3, 5), (7, 5, 2)), ([0, 2], [2, 1])),
        (((2, 3), (2, 5)), (0, 0)),
    ],
    ids=str,
)
def test_tensordot(shapes, axes):
    a, b = arrays(*shapes)
    x, y = sg.tensor("x", "float64", a.shape), sg.dmatrix("y")
    y = y if b.ndim == 2 else sg.dtensor3("y")
    value = sg.tensordot(x, y, axes).eval({x: a, y: b})
    np.testing.assert_allclose(value, np.tensordot(a, b, axes), rtol=1e-12)


def test_outer_and_vdot():
    a, b = arrays((3,), (5,))
    x, y = sg.dvector("x"), sg.dvector("y")
    given = {x: a, y: b}
    np.testing.assert_allclose(sg.outer(x, y).eval(given), np.outer(a, b))
    np.testing.assert_allclose(sg.vdot(x, x).eval(given), np.vdot(a, a))


def test_a_batch_times_one_matrix_is_one_product():
    x, w = sg.tensor("x", shape=(None, 7, 3)), sg.tensor("w", shape=(3, 5))
    y = x @ w
    (product,) = (node for node in toposort([y]) if isinstance(node.op, MatMul))
    assert [v.ndim for v in product.inputs] == [2, 2]
    assert y.type.shape == (None, 7, 5)


def test_flops_are_counted():
    assert MatMul().flops((2, 3), (3, 5)) == 60
    assert MatMul().flops((7, 2, 3), (7, 3, 5)) == 420


def test_dtypes_are_promoted():
    assert (sg.imatrix() @ sg.fmatrix()).dtype == "float32"
    assert (sg.imatrix() @ sg.lmatrix()).dtype == "int64"
    with pytest.raises(TypeMismatch, match="matmul: expected numbers"):
        sg.tensor("a", "bool", (2, 3)) @ sg.tensor("b", "bool", (3, 2))


def test_errors_show_what_does_not_fit():
    x, w = sg.tensor("x", shape=(2, 3)), sg.tensor("w", shape=(4, 5))
    with pytest.raises(GraphError) as caught:
        x @ w
    text = str(caught.value)
    assert "matmul: float32[2, 3] @ float32[4, 5]: columns and rows: 3 and 4" in text
    assert 'sg.tensor("w", shape=(4, 5))' in text
    with pytest.raises(GraphError, match="matmul: expected at least 1 dimension"):
        sg.scalar() @ x
    with pytest.raises(GraphError, match="cannot broadcast"):
        sg.tensor("a", shape=(2, 3, 5)) @ sg.tensor("b", shape=(7, 5, 2))
    with pytest.raises(GraphError, match="tensordot: axes 1 and 0: 3 and 4"):
        sg.tensordot(x, w, 1)
