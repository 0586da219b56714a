"""Reductions, statistics, running sums and order, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError

A = np.random.default_rng(1).normal(size=(2, 3, 5))
AXES = [None, 0, -1, (0, 2), (1,), ()]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "var", "std"])
def test_reductions(name, axis, keepdims):
    for shape in ((2, 3, 5), (None, None, None)):
        x = sg.tensor("x", "float64", shape)
        value = getattr(sg, name)(x, axis=axis, keepdims=keepdims).eval({x: A})
        expected = getattr(np, name)(A, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_truth(axis, keepdims):
    x = sg.tensor("x", "float64", (None, 3, 5))
    for name in ("any", "all"):
        value = getattr(x, name)(axis=axis, keepdims=keepdims).eval({x: A - 0.5 > 0})
        expected = getattr(np, name)(A - 0.5 > 0, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_positions_of_extrema(axis, keepdims):
    x = sg.tensor("x", "float64", (None, 3, 5))
    for name in ("argmax", "argmin"):
        value = getattr(sg, name)(x, axis=axis, keepdims=keepdims).eval({x: A})
        expected = getattr(np, name)(A, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(value, expected)
        assert value.dtype == "int64"


def test_dtypes_of_sums():
    for dtype, total in [
        ("bool", "int64"),
        ("int8", "int64"),
        ("uint8", "uint64"),
        ("float32", "float32"),
    ]:
        x = sg.tensor("x", dtype, (None,))
        assert x.sum().dtype == total
        assert x.cumsum().dtype == total
        assert x.prod().dtype == total
    assert sg.bvector().mean().dtype == "float32"
    assert sg.bvector().max().dtype == "int8"
    x = sg.tensor("x", "uint8", (None,))
    assert x.sum().eval({x: np.full(3, 200, "uint8")}) == 600


@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_means_of_large_integers_are_of_sums_in_float64(mode):
    """2^24 + 1 is no float32: in float32 all of these numbers would be the same."""
    x = sg.tensor("x", "int32", (None, 7))
    given = 2**24 + np.arange(35, dtype="int32").reshape(5, 7)
    outputs = [x.mean(axis=0), x.mean(), x.var(axis=1), x.std(), (x > 2**24).mean()]
    found = sg.function([x], outputs, mode=mode)(given)
    expected = [
        given.mean(axis=0),
        given.mean(),
        given.var(axis=1),
        given.std(),
        (given > 2**24).mean(),
    ]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == "float32"
        np.testing.assert_allclose(mine, theirs.astype("float32"), rtol=1e-7)


def test_variance_subtracts_degrees_of_freedom():
    x = sg.tensor("x", "float64", (None, 3, 5))
    value = x.var(axis=(0, 2), ddof=1).eval({x: A})
    np.testing.assert_allclose(value, A.var(axis=(0, 2), ddof=1))
    np.testing.assert_allclose(x.std(ddof=2).eval({x: A}), A.std(ddof=2))


def test_empty_reductions():
    x = sg.dmatrix("x")
    empty = np.zeros((0, 3))
    np.testing.assert_array_equal(x.sum(axis=0).eval({x: empty}), [0, 0, 0])
    np.testing.assert_array_equal(x.prod(axis=0).eval({x: empty}), [1, 1, 1])
    assert x.mean(axis=1).eval({x: empty}).shape == (0,)
    with pytest.raises(GraphError, match="no elements to choose from"):
        x.max(axis=0).eval({x: empty})
    for name in ("max", "min", "argmax"):
        with pytest.raises(GraphError, match="no elements to choose from"):
            getattr(sg, name)(sg.tensor("x", shape=(0, 3)), axis=0)


def test_logsumexp_does_not_overflow():
    x = sg.dmatrix("x")
    given = np.array([[1000.0, 1000.0], [-np.inf, -np.inf], [-1000.0, 0.0]])
    expected = [1000 + np.log(2), -np.inf, 0]
    np.testing.assert_allclose(sg.logsumexp(x, axis=1).eval({x: given}), expected)
    kept = sg.logsumexp(x, axis=1, keepdims=True).eval({x: given})
    np.testing.assert_allclose(kept[:, 0], expected)
    sg.verify_grad(lambda x: sg.logsumexp(x, axis=(0, 2)), [A])


@pytest.mark.parametrize("order", [1, 2, 3, float("inf")])
def test_norms(order):
    x = sg.dmatrix("x")
    value = sg.linalg.norm(x, order, axis=1).eval({x: A[0]})
    np.testing.assert_allclose(value, np.linalg.norm(A[0], order, axis=1))


def test_errors_name_the_axis():
    x = sg.matrix("x")
    with pytest.raises(GraphError, match="sum: axis 2 is out of range") as caught:
        x.sum(axis=2)
    assert 'x = sg.matrix("x")' in str(caught.value)
    assert x.sum(axis=np.int64(1)).ndim == 1
    with pytest.raises(TypeError, match="float"):
        x.sum(axis=1.0)
    with pytest.raises(GraphError, match="given twice"):
        x.max(axis=(0, -2))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_sums_and_products(axis):
    x = sg.tensor("x", "float64", (None, 3, 5))
    for name in ("cumsum", "cumprod"):
        value = getattr(x, name)(axis).eval({x: A})
        np.testing.assert_allclose(value, getattr(np, name)(A, axis), rtol=1e-12)
    sums = np.diff(A, 2, axis=1)
    np.testing.assert_allclose(sg.diff(x, 2, 1).eval({x: A}), sums)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_running_sums_of_nothing(shape):
    x = sg.tensor("x", "float64", shape)
    y = x.cumprod(-1)
    f = sg.function([x], [x.cumsum(0), y, sg.grad(y.sum(), x), x.prod(-1)])
    sums, products, gradient, product = f(np.ones(shape))
    assert sums.shape == products.shape == gradient.shape == shape
    np.testing.assert_array_equal(product, np.ones(shape).prod(-1))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_order(axis):
    x = sg.tensor("x", "float64", (None, 3, 5))
    np.testing.assert_array_equal(x.sort(axis).eval({x: A}), np.sort(A, axis))
    value = x.argsort(axis).eval({x: A})
    np.testing.assert_array_equal(value, np.argsort(A, axis, kind="stable"))
    sg.verify_grad(lambda x: sg.sort(x, axis) ** 2, [A], directions=3)


def test_topk_is_largest_first():
    x = sg.tensor("x", "float64", (None, 3, 5))
    values, places = sg.topk(x, 2)
    order = np.flip(np.argsort(A), -1)[..., :2]
    np.testing.assert_array_equal(places.eval({x: A}), order)
    np.testing.assert_array_equal(values.eval({x: A}), np.take_along_axis(A, order, -1))
    with pytest.raises(
        GraphError, match="k must be >= 0 and <= 3, the size of dimension 1, got 4"
    ):
        sg.topk(x, 4, 1)


def test_a_product_has_a_gradient_where_factors_are_0():
    for zeros in (0, 1, 2, 3):
        point = np.array([[2.0, 3.0, -1.0], [0.5, 4.0, 1.5]])
        point.reshape(-1)[:zeros] = 0
        sg.verify_grad(sg.prod, [point])
        sg.verify_grad(lambda x: sg.grad(sg.prod(x) + x.prod(0).sum(), x), [point])


def test_totals_of_nothing_beside_an_unknown_size():
    x = sg.tensor("x", shape=(None, 6))
    nothing = x[:, 3:3]
    outputs = [nothing.sum(), nothing.prod(), (nothing > 0).all()]
    given = np.ones((4, 6), "float32")
    totals = sg.function([x], outputs)(given)
    assert [total.item() for total in totals] == [0, 1, True]
