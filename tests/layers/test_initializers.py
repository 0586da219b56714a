"""Initializers draw from the distributions they state, and from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import GraphError
from symgraph.layers import initializers
from symgraph.layers.initializers import Draws, Fans
from symgraph.layers.parameters import Parameter

SHAPE = (200, 300)
FANS = Fans(inputs=300, outputs=200)


def draw(initializer, shape=SHAPE, path=("layer", "weights"), seed=0):
    return initializer(shape, FANS, Draws(seed, path))


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (initializers.GlorotUniform(), np.sqrt(2 / 500)),
        (initializers.GlorotNormal(), np.sqrt(2 / 500)),
        (initializers.HeUniform(), np.sqrt(2 / 300)),
        (initializers.HeNormal(), np.sqrt(2 / 300)),
        (initializers.HeNormal(gain=1.0), np.sqrt(1 / 300)),
        (initializers.Normal(0.3), 0.3),
        (initializers.Uniform(-1.0, 1.0), np.sqrt(1 / 3)),
    ],
)
def test_mean_and_deviation(initializer, deviation):
    values = draw(initializer)
    assert values.shape == SHAPE
    assert abs(values.mean()) < 0.02 * deviation
    assert values.std() == pytest.approx(deviation, rel=0.01)


def test_uniform_bounds_are_kept():
    values = draw(initializers.GlorotUniform())
    bound = np.sqrt(6 / 500)
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.99 * bound


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (5, 3, 2, 2), (3, 5, 7)])
def test_orthogonal_rows_or_columns(shape):
    matrix = draw(initializers.Orthogonal(2.0), shape).reshape(shape[0], -1)
    rows, columns = matrix.shape
    small = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
    np.testing.assert_allclose(small, 4.0 * np.eye(min(rows, columns)), atol=1e-12)


def test_constant():
    np.testing.assert_array_equal(draw(initializers.Constant(3.0), (2, 3)), 3.0)


def test_draws_depend_on_seed_and_path_alone():
    one = draw(initializers.HeNormal())
    np.testing.assert_array_equal(one, draw(initializers.HeNormal()))
    assert not np.array_equal(one, draw(initializers.HeNormal(), seed=1))
    assert not np.array_equal(one, draw(initializers.HeNormal(), path=("layer", "b")))


def test_draws_are_those_written_down_once():
    """A guard: results must not change between versions of NumPy or machines."""
    draws = Draws(0, ("a",))
    assert draws.integer() == 7780579807626550185
    np.testing.assert_allclose(
        Draws(7, ("b", "c")).uniform((2,)),
        [0.83912345, 0.8748999],
        atol=1e-7,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_may_be_given(dtype):
    given = np.arange(6.0).reshape(2, 3)
    made = Parameter((2, 3), given).create(("layer", "w"), seed=0, dtype=dtype)
    np.testing.assert_array_equal(made.get_value(), given)
    assert made.dtype == dtype
    assert made.name == "layer.w"


def test_values_of_a_wrong_shape_are_an_error():
    with pytest.raises(GraphError, match=r"layer\.w: expected initial values \(2, 3\)"):
        Parameter((2, 3), np.zeros((3, 2))).create(("layer", "w"), 0, "float32")


def test_values_that_are_not_finite_are_an_error():
    with pytest.raises(GraphError, match="not all finite"):
        Parameter((2,), [1.0, np.nan]).create(("layer", "w"), 0, "float32")
