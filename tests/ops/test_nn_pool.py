"""Pooling and its adjoints against loops over every window."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.graph import GraphError
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad, MaxPool2DSelect

# (window, stride, padding, shape): disjoint, overlapping, gaps, padded
CASES = [
    ((2, 2), (2, 2), ((0, 0), (0, 0)), (2, 3, 5, 7)),
    ((3, 2), (1, 1), ((0, 0), (0, 0)), (2, 3, 5, 7)),
    ((2, 3), (3, 2), ((0, 0), (0, 0)), (2, 3, 8, 7)),
    ((1, 2), (2, 3), ((0, 0), (0, 0)), (2, 3, 5, 7)),
    ((3, 3), (2, 1), ((1, 2), (0, 2)), (2, 3, 5, 7)),
    ((2, 2), (2, 2), ((0, 0), (0, 0)), (0, 3, 5, 7)),
]


def windows(window, stride, padding, shape):
    """Each (output index, the indices of its elements inside the image, in order)."""
    (top, bottom), (left, right) = padding
    rows = (shape[2] + top + bottom - window[0]) // stride[0] + 1
    columns = (shape[3] + left + right - window[1]) // stride[1] + 1
    for n, c, i, j in product(
        range(shape[0]), range(shape[1]), range(rows), range(columns)
    ):
        inside = []
        for r, s in product(range(window[0]), range(window[1])):
            h, w = i * stride[0] + r - top, j * stride[1] + s - left
            if 0 <= h < shape[2] and 0 <= w < shape[3]:
                inside.append((n, c, h, w))
        yield (n, c, i, j), inside


def images(shape, dtype="float64"):
    """Few distinct values, so that windows have ties."""
    return np.random.default_rng(3).integers(-2, 3, shape).astype(dtype)


def expected_max(case, x, dy, tangent):
    y, selected = np.zeros(dy.shape), np.zeros(dy.shape)
    dx = np.zeros(x.shape)
    for at, inside in windows(*case):
        best = max(x[place] for place in inside)
        first = next(place for place in inside if x[place] == best)
        y[at], selected[at] = best, tangent[first]
        dx[first] += dy[at]
    return y, selected, dx


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_max_pool_and_its_adjoints(case, dtype):
    fields, shape = case[:3], case[3]
    rng = np.random.default_rng(4)
    x = images(shape, dtype)
    y = MaxPool2D(*fields).reference(x)
    dy = rng.integers(-9, 9, y.shape).astype(dtype)
    tangent = rng.integers(-9, 9, x.shape).astype(dtype)
    wanted = expected_max(case, x, dy, tangent)
    selected = MaxPool2DSelect(*fields).reference(x, y, tangent)
    dx = MaxPool2DGrad(*fields).reference(x, y, dy)
    for got, expected in zip((y, selected, dx), wanted, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_average_pool_and_its_adjoint(case, include):
    fields, shape = case[:3], case[3]
    x = np.random.default_rng(5).normal(size=shape)
    y = AveragePool2D(*fields, include).reference(x)
    dy = np.random.default_rng(6).normal(size=y.shape)
    mean, dx = np.zeros(y.shape), np.zeros(x.shape)
    area = fields[0][0] * fields[0][1]
    for at, inside in windows(*case):
        count = area if include else len(inside)
        mean[at] = sum(x[place] for place in inside) / count
        for place in inside:
            dx[place] += dy[at] / count
    np.testing.assert_allclose(y, mean, rtol=1e-13, atol=1e-14)
    grad = AveragePool2DGrad(*fields, include, size=shape[2:])
    np.testing.assert_allclose(grad.reference(dy), dx, rtol=1e-13, atol=1e-14)


def test_pooling_keeps_float32():
    x = np.ones((2, 3, 5, 7), "float32")
    assert AveragePool2D((2, 3), (1, 1)).reference(x).dtype == "float32"
    grad = AveragePool2DGrad((2, 3), (1, 1), size=(5, 7))
    assert grad.reference(np.ones((2, 3, 4, 5), "float32")).dtype == "float32"


def test_integers_pool_by_maximum():
    x = np.arange(-35, 0, dtype="int8").reshape(1, 1, 5, 7)
    y = MaxPool2D((3, 3), (2, 2), ((1, 1), (1, 1))).reference(x)
    assert y.dtype == "int8"
    assert y[0, 0, 0].tolist() == [-27, -25, -23, -22]


def test_nan_wins_and_receives_the_gradient():
    x = np.array([[[[1.0, np.nan, np.nan, 3.0]]]])
    y = MaxPool2D((1, 4), (1, 4)).reference(x)
    assert np.isnan(y).all()
    dx = MaxPool2DGrad((1, 4), (1, 4)).reference(x, y, np.full_like(y, 5.0))
    assert dx.tolist() == [[[[0, 5, 0, 0]]]]


def test_padding_is_never_the_maximum_even_of_minus_infinity():
    x = np.full((1, 1, 2, 2), -np.inf)
    op = ((2, 2), (1, 1), ((1, 1), (1, 1)))
    y = MaxPool2D(*op).reference(x)
    dx = MaxPool2DGrad(*op).reference(x, y, np.ones_like(y))
    assert dx.tolist() == [[[[4, 2], [2, 1]]]]


def test_unknown_sizes_run():
    x = sg.tensor("x", dtype="float64", shape=(None, 3, None, None))
    y = nn.average_pool2d(x, (2, 3), stride=1, padding=1, count_include_pad=False)
    dy = sg.tensor("dy", dtype="float64", shape=y.type.shape)
    (dx,) = y.owner.op.vjp((x,), (y,), (dy,))
    assert dx.owner.op.size == (None, None)
    values = np.random.default_rng(7).normal(size=(2, 3, 5, 7))
    cotangent = np.ones((2, 3, 6, 7))
    pooled, back = evaluate([y, dx], {x: values, dy: cotangent})
    np.testing.assert_allclose((pooled * cotangent).sum(), (values * back).sum())


@pytest.mark.parametrize("case", CASES)
def test_infer_shape_agrees_with_infer_type(case):
    fields, shape = case[:3], case[3]
    for op in (MaxPool2D(*fields), AveragePool2D(*fields)):
        expected = op.reference(images(shape)).shape
        assert op.infer_shape([shape], [None]) == expected


def test_global_pools():
    x = np.random.default_rng(8).normal(size=(2, 3, 5, 7))
    symbol = sg.constant(x)
    got = evaluate(
        [
            nn.global_average_pool2d(symbol),
            nn.global_max_pool2d(symbol),
            nn.global_max_pool2d(symbol, keepdims=True),
        ]
    )
    np.testing.assert_allclose(got[0], x.mean(axis=(2, 3)))
    np.testing.assert_array_equal(got[1], x.max(axis=(2, 3)))
    assert got[2].shape == (2, 3, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((6,), "a window spans 6 in height, the padded input has 5"),
        ((0,), "window must be one or two ints >= 1"),
        ((2, 0), "stride must be one or two ints >= 1"),
        ((2, 2, 2), "must be less than the window"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    x = sg.tensor("x", shape=(2, 3, 5, 7))
    with pytest.raises(GraphError, match=f"max_pool2d: .*{message}"):
        nn.max_pool2d(x, *arguments)
