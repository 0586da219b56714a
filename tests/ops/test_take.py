"""Elements by arrays of positions, one-hot rows, diagonals: against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch

A = np.random.default_rng(0).normal(size=(4, 5, 7)).astype("float32")
I = np.array([[0, 2], [1, -1]])  # noqa: E741


def test_take_and_its_kin():
    x, i = sg.tensor("x", shape=(None, 5, 7)), sg.lmatrix("i")
    given = {x: A, i: I}
    np.testing.assert_array_equal(sg.take(x, i, 1).eval(given), np.take(A, I, 1))
    np.testing.assert_array_equal(x.take(I).eval(given), np.take(A, I))
    order = np.argsort(A, 1)
    along = sg.take_along_axis(x, order, 1).eval(given)
    np.testing.assert_array_equal(along, np.take_along_axis(A, order, 1))
    with pytest.raises(GraphError, match="expected indices of 3 dimensions"):
        sg.take_along_axis(x, i, 1)
    with pytest.raises(GraphError, match="axis 3 is out of range"):
        sg.take(x, i, 3)


DIAGONALS = [
    (offset, *axes)
    for axes in [(0, 1), (1, 0), (-1, 0), (1, 2)]
    for offset in [-4, -1, 0, 2, 5, 9]
]


def test_diagonals():
    values = np.arange(60.0).reshape(4, 5, 3)
    x, y = sg.tensor("x", "float64", (4, 5, 3)), sg.dtensor3("y")
    pairs = [(v.diagonal(*at), v.trace(*at)) for at in DIAGONALS for v in (x, y)]
    results = sg.function([x, y], [v for pair in pairs for v in pair])(values, values)
    for at in DIAGONALS:
        expected = values.diagonal(*at)
        assert sg.diagonal(x, *at).type.shape == expected.shape
        for diagonal, trace in ((results.pop(0), results.pop(0)) for _ in "xy"):
            np.testing.assert_array_equal(diagonal, expected)
            np.testing.assert_allclose(trace, expected.sum(axis=-1))


@pytest.mark.parametrize("at", [(-4, 0, 1), (-1, 1, 0), (0, -1, 0), (2, 1, 2)])
def test_gradients_of_diagonals(at):
    values = np.arange(60.0).reshape(4, 5, 3) / 9
    sg.verify_grad(lambda v: sg.diagonal(v, *at) ** 2, [values])


def test_one_hot_diagonal_and_trace():
    labels = sg.ivector("labels")
    hot = sg.one_hot(labels, 3)
    many = sg.one_hot(np.array([0, 44], "uint8"), 300).eval()
    np.testing.assert_array_equal(np.nonzero(many)[1], [0, 44])
    assert hot.type.shape == (None, 3)
    np.testing.assert_array_equal(
        hot.eval({labels: [2, 0, 5]}), [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    )
    with pytest.raises(TypeMismatch, match="labels must be integers"):
        sg.one_hot(sg.vector(), 3)
    for x in (sg.matrix("x"), sg.tensor("x", shape=(4, 5))):
        np.testing.assert_array_equal(
            x.diagonal().eval({x: A[..., 0]}), A[..., 0].diagonal()
        )
        np.testing.assert_allclose(
            x.trace().eval({x: A[..., 0]}), A[..., 0].trace(), rtol=1e-6
        )
