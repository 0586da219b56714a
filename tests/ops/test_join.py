"""Joining, splitting and padding, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch

A, B = np.arange(6.0).reshape(2, 3), np.arange(15.0).reshape(5, 3)


def test_concatenate_sizes_known_and_not():
    for rows in (2, None):
        x, y = (
            sg.tensor("x", "float64", (rows, 3)),
            sg.tensor("y", "float64", (5, None)),
        )
        z = sg.concatenate([x, y])
        assert z.type.shape == (None if rows is None else 7, 3)
        np.testing.assert_array_equal(z.eval({x: A, y: B}), np.concatenate([A, B]))
    z = sg.concatenate([x.T, y.T], axis=-1)
    np.testing.assert_array_equal(z.eval({x: A, y: B}), np.concatenate([A.T, B.T], -1))


def test_concatenate_promotes():
    assert sg.concatenate([sg.bvector(), sg.fvector()]).dtype == "float32"
    assert sg.concatenate([sg.fvector(), [1.0, 2.0]]).dtype == "float32"


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_stack(axis):
    x = sg.tensor("x", "float64", (None, 3))
    z = sg.stack([x, x + 1, 0 * x], axis)
    expected = np.stack([A, A + 1, 0 * A], axis)
    np.testing.assert_array_equal(z.eval({x: A}), expected)


def test_stack_of_scalars_vstack_and_hstack():
    x, v = sg.dscalar("x"), sg.dvector("v")
    np.testing.assert_array_equal(sg.stack([x, 2 * x]).eval({x: 3.0}), [3, 6])
    np.testing.assert_array_equal(sg.hstack([x, v]).eval({x: 3.0, v: [1.0]}), [3, 1])
    rows = sg.vstack([v, 2 * v]).eval({v: [1.0, 2.0]})
    np.testing.assert_array_equal(rows, [[1, 2], [2, 4]])
    m = sg.dmatrix("m")
    np.testing.assert_array_equal(sg.hstack([m, m]).eval({m: A}), np.hstack([A, A]))


@pytest.mark.parametrize("size", [6, None])
def test_split(size):
    x = sg.tensor("x", "float64", (2, size))
    values = np.arange(12.0).reshape(2, 6)
    for sections in (3, 1, [2], [1, 1, 4]):
        pieces = sg.split(x, sections, axis=-1)
        expected = np.split(values, sections, axis=-1)
        assert len(pieces) == len(expected)
        for piece, part in zip(pieces, expected, strict=True):
            np.testing.assert_array_equal(piece.eval({x: values}), part)


def test_unstack():
    x = sg.tensor("x", "float64", (None, 3))
    columns = sg.unstack(x, axis=1)
    np.testing.assert_array_equal(columns[2].eval({x: A}), A[:, 2])
    with pytest.raises(GraphError, match=r"dimension 0 of .* must be known"):
        sg.unstack(x)


@pytest.mark.parametrize("widths", [1, (1, 2), [(0, 2), (3, 0)], 0])
def test_pad(widths):
    x = sg.tensor("x", "float64", (None, 3))
    value = sg.pad(x, widths, 7.0).eval({x: A})
    np.testing.assert_array_equal(value, np.pad(A, widths, constant_values=7.0))
    sg.verify_grad(lambda x: sg.pad(x, widths, 7.0) ** 2, [A], directions=2)


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 300), ("uint8", -1), ("int32", 2.5), ("bool", 2)]
)
def test_what_is_padded_with_has_the_dtype(dtype, value):
    x = sg.tensor("x", dtype, (3,))
    with pytest.raises(TypeMismatch, match=f"pad: {value} does not fit in {dtype}"):
        sg.pad(x, 1, value)
    assert sg.pad(x, 1, 1).eval({x: np.zeros(3, dtype)}).tolist() == [1, 0, 0, 0, 1]


def test_gradients_of_unknown_sizes():
    x, y = sg.dmatrix("x"), sg.dmatrix("y")
    z = sg.concatenate([x, y, x])
    gx, gy = sg.grad((z * z).sum(), [x, y])
    np.testing.assert_array_equal(gx.eval({x: A, y: B}), 4 * A)
    np.testing.assert_array_equal(gy.eval({x: A, y: B}), 2 * B)


def test_errors():
    x = sg.tensor("x", shape=(2, 3))
    with pytest.raises(GraphError, match=r"array 1 must have the shape of array 0"):
        sg.concatenate([x, sg.tensor("y", shape=(2, 4))])
    with pytest.raises(GraphError, match="array 1 must have the shape"):
        sg.concatenate([x, sg.tensor("y", shape=(2,))])
    with pytest.raises(GraphError, match="at least one array"):
        sg.concatenate([])
    with pytest.raises(GraphError, match="axis 2 is out of range"):
        sg.concatenate([x, x], axis=2)
    with pytest.raises(GraphError, match="has no 2 equal pieces"):
        sg.split(x, 2, axis=1)
    with pytest.raises(GraphError, match="do not make up dimension 1"):
        sg.split(x, [2, 5], axis=1)
    with pytest.raises(GraphError, match="stack: expected arrays of one shape"):
        sg.stack([x, x[0]])
    with pytest.raises(GraphError, match="pairs of widths >= 0"):
        sg.pad(x, -1)
    with pytest.raises(TypeMismatch, match="a size must be an integer"):
        sg.split(x, [1.5], axis=1)
