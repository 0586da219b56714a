"""The mean and the variance, from one sweep: right where numbers are far from zero."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.target import runnable
from symgraph.graph import Graph
from symgraph.lowering.lower import lower
from symgraph.ops import tensor
from symgraph.ops.moments import Moments
from tests.lowering.conftest import run_lowered

AXES = (0, 2, 3)
SIZE = (3, 9, 10)
rng = np.random.default_rng(0)


def moments_of(x, target, axes=AXES):
    """The mean and variance as C computes them, x of any batch."""
    inputs = tensor("x", dtype=x.dtype.name, shape=(None, *x.shape[1:]))
    graph = Graph([inputs], Moments(axes)(inputs))
    return run_lowered(lower(graph, "moments", target), [x], target)


@pytest.mark.parametrize(
    ("dtype", "mean", "precision"),
    [("float32", 3e4, 2e-6), ("float64", 1e6, 1e-12), ("float32", 0, 1e-6)],
)
def test_far_from_zero(dtype, mean, precision):
    """Where float32 sums of squares would have no digit left."""
    x = (mean + rng.normal(size=(70, *SIZE))).astype(dtype)
    exact = x.astype("longdouble")
    for target in runnable():
        found = moments_of(x, target)
        for got, wanted in zip(found, (exact.mean(AXES), exact.var(AXES)), strict=True):
            np.testing.assert_allclose(got, wanted.astype(dtype), precision, 1e-6)


def test_the_first_number_may_lie_far_from_the_others():
    x = rng.normal(size=(70, *SIZE)).astype("float32")
    x[0, :, 0, 0] = 1e6
    exact = x.astype("float64")
    mean, variance = moments_of(x, runnable()[0])
    np.testing.assert_allclose(mean, exact.mean(AXES), 1e-6)
    np.testing.assert_allclose(variance, exact.var(AXES), 1e-6)


def test_equal_numbers_vary_by_nothing():
    x = np.full((5, *SIZE), 1e7 / 3, "float32")
    mean, variance = moments_of(x, runnable()[0])
    assert np.all(mean == x[0, :, 0, 0])
    assert not variance.any()


def test_numbers_that_are_not_finite():
    x = np.zeros((2, *SIZE), "float32")
    x[0, 0, 0, 0], x[1, 1, 2, 3] = np.inf, np.nan
    mean, variance = moments_of(x, runnable()[0])
    np.testing.assert_array_equal(mean, [np.inf, np.nan, 0])
    np.testing.assert_array_equal(variance, [np.nan, np.nan, 0])


def test_of_nothing_there_is_no_mean():
    for found in moments_of(np.zeros((0, *SIZE), "float32"), runnable()[0]):
        assert np.isnan(found).all()


@pytest.mark.parametrize("axes", [(0,), (0, 1), (1, 3)])
def test_other_axes(axes):
    x = (rng.normal(size=(5, *SIZE)) + 7).astype("float32")
    mean, variance = moments_of(x, runnable()[0], axes)
    np.testing.assert_allclose(mean, x.mean(axes, dtype="float64"), 1e-6)
    np.testing.assert_allclose(variance, x.var(axes, dtype="float64"), 1e-5)
