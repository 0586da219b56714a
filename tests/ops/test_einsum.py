"""Einstein's summation, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError

DOTTED = [  # with shapes: other sizes than 1 stand for themselves
    ("...", [(2, 3)]),
    ("...ij->...ji", [(7, 2, 3)]),
    ("i...->...", [(2, 3, 5)]),
    ("...ij,...jk->...ik", [(7, 2, 3), (7, 3, 5)]),
    ("...ij,jk->...ik", [(4, 7, 2, 3), (3, 5)]),
    ("...ij,...jk", [(4, 1, 2, 3), (7, 3, 5)]),
    ("...,...", [(2, 1), (3,)]),
    ("i...,...i->...", [(3, 2), (2, 3)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("...i,...i->...", [(3,), (3,)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    ("ij,ij->", [(1, 3), (2, 1)]),
    ("ij,ij->ij", [(1, 3), (1, 1)]),
    ("ij,jk", [(2, 1), (3, 5)]),
]
SIZES = {"i": 2, "j": 3, "k": 5, "b": 7}
EXPRESSIONS = [
    "i",
    "i->",
    "ij->ji",
    "ji",
    "ij->j",
    "ij,jk->ik",
    "ij,jk",
    "bij,bjk->bik",
    "bij,jk->kib",
    "i,j->ij",
    "ij,ij->",
    "ij,ij->ij",
    "ij,j,jk->ik",
    "bij,k,bj->k",
    "ii->i",
    "ii",
    "iji,ik->jk",
    ",ij->ij",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("known", [True, False])
def test_values_and_gradients(expression, known):
    random = np.random.default_rng(4)
    inputs = expression.split("->")[0].split(",")
    arrays = [random.normal(size=[SIZES[c] for c in labels]) for labels in inputs]
    symbols = [
        sg.tensor(None, "float64", [n if known else None for n in a.shape])
        for a in arrays
    ]
    given = dict(zip(symbols, arrays, strict=True))
    value = sg.einsum(expression, *symbols).eval(given)
    np.testing.assert_allclose(value, np.einsum(expression, *arrays), rtol=1e-12)
    sg.verify_grad(
        lambda *xs: sg.einsum(expression, *xs) ** 2, arrays, directions=2, rtol=1e-5
    )


@pytest.mark.parametrize(("expression", "shapes"), DOTTED)
@pytest.mark.parametrize("known", [True, False])
def test_the_dots_and_dimensions_of_size_1(expression, shapes, known):
    random = np.random.default_rng(5)
    arrays = [random.normal(size=shape) for shape in shapes]
    symbols = [
        sg.tensor(None, "float64", [n if known or n == 1 else None for n in shape])
        for shape in shapes
    ]
    expected = np.einsum(expression, *arrays)
    value = sg.einsum(expression, *symbols)
    assert value.ndim == expected.ndim
    results = sg.function(symbols, value)(*arrays)
    np.testing.assert_allclose(results, expected, rtol=1e-12)
    sg.verify_grad(
        lambda *xs: sg.einsum(expression, *xs) ** 2, arrays, directions=2, rtol=1e-5
    )


@pytest.mark.parametrize("expression", ["ij->j", "ij,jk->ik", "ij,jk->k", "ij,jk->"])
def test_sums_of_small_integers_keep_their_dtype(expression):
    arrays = [np.full((2, 3), 100, "uint8"), np.full((3, 5), 7, "uint8")]
    arrays = arrays[: expression.count(",") + 1]
    value = sg.einsum(expression, *arrays)
    expected = np.einsum(expression, *arrays)
    assert value.dtype == expected.dtype == "uint8"
    np.testing.assert_array_equal(value.eval(), expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ij,j->k", "'ij,j->k' has 'k', which no operand has"),
        ("ij,j->ii", "has 'i' more than once"),
        ("i1,j->i", "cannot read"),
        ("i,j", "'i' of 'i,j' does not fit operand 0"),
        ("ij", "'ij' is of 1 operands, got 2"),
        ("...ijk,j", "'...ijk' of '...ijk,j' does not fit operand 0"),
        ("i...,j->i", "must have the '...' of its operands"),
        ("i...j...,k", "cannot read"),
        ("ij,i", "'i' of 'ij,i' is 2 and 3"),
    ],
)
def test_errors(expression, message):
    x, y = sg.tensor("x", shape=(2, 3)), sg.tensor("y", shape=(3,))
    with pytest.raises(GraphError, match=message):
        sg.einsum(expression, x, y)
