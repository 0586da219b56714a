"""What follows the gradient of max-pooling goes before it, where numbers are fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.graph import evaluate
from symgraph.ops import functions as F
from symgraph.ops.affine import AddBias
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad, MaxPool2DSelect
from symgraph.ops.reduce import Sum
from symgraph.ops.special import Relu
from symgraph.rules.pooling import (
    PLACES,
    POOLING,
    POOLING_FIRST,
    mask_before_scattering,
    pool_before_bias,
    sum_before_scattering,
)
from tests.rules.checking import ops_of, rewritten, tensor, why_not

NONE = ((0, 0), (0, 0))
X = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype("float32")


def scattered(size, window, stride=None, padding=NONE, dtype="float32"):
    """x, dy, the gradient of max-pooling, and values with many equal numbers."""
    geometry = window, stride or window, padding
    x = tensor("x", 2, 3, *size, dtype=dtype)
    y = MaxPool2D(*geometry)(x)
    dy = tensor("dy", *y.type.shape, dtype=dtype)
    rng = np.random.default_rng(0)
    values = {
        v: rng.integers(-2, 3, v.type.shape).astype(dtype) + (v is dy) for v in (x, dy)
    }
    return x, y, dy, MaxPool2DGrad(*geometry)(x, y, dy), values


def masked(x, gradient):
    return F.where(x > 0, gradient, 0.0)


def test_the_mask_goes_before():
    x, _, _, gradient, values = scattered((4, 6), (2, 2))
    graph, history = rewritten(masked(x, gradient), POOLING, values)
    assert ops_of(graph)[-1] == "MaxPool2DGrad"
    assert [step.rule for step in history] == ["mask_before_scattering"]


def test_the_sum_goes_before():
    _, _, dy, gradient, values = scattered((4, 6), (2, 3))
    graph, history = rewritten(Sum((0, 2, 3))(gradient), POOLING, values)
    assert ops_of(graph) == ["Sum"]
    assert graph.outputs[0].owner.inputs[0] is dy
    assert [step.rule for step in history] == ["sum_before_scattering"]


def test_a_mask_of_another_image_stays():
    _, _, _, gradient, _ = scattered((4, 6), (2, 2))
    other = masked(tensor("other", 2, 3, 4, 6), gradient)
    assert why_not(mask_before_scattering, other)


def test_a_mask_of_a_gradient_used_elsewhere_stays():
    x, _, _, gradient, values = scattered((4, 6), (2, 2))
    graph, history = rewritten([masked(x, gradient), gradient * 2], POOLING, values)
    assert not history
    assert "Where" in ops_of(graph)


@pytest.mark.parametrize("axes", [(2,), (0, 1), (1, 3), ()])
def test_a_sum_that_keeps_rows_or_columns_stays(axes):
    _, _, _, gradient, _ = scattered((4, 6), (2, 2))
    assert "kept" in why_not(sum_before_scattering, Sum(axes)(gradient))


def pooled(x, *geometry):
    return MaxPool2D(*(geometry or ((2, 2), (2, 2), NONE)))(x)


def test_pooling_goes_before_relu_and_bias():
    x, b = tensor("x", 2, 3, 4, 6), tensor("b", 3)
    rng = np.random.default_rng(0)
    values = {v: rng.normal(size=v.type.shape).astype("float32") for v in (x, b)}
    y = pooled(Relu()(AddBias((0, 2, 3))(x, b)))
    graph, history = rewritten(y, POOLING_FIRST, values)
    assert ops_of(graph) == ["MaxPool2D", "AddBias", "Relu"]
    assert {step.rule for step in history} == {"pool_before_relu", "pool_before_bias"}
    before, after = (evaluate([v], values)[0] for v in (y, graph.outputs[0]))
    assert np.array_equal(before, after)


def test_pooling_stays_behind_what_others_read():
    x = tensor("x", 2, 3, 4, 6)
    y = Relu()(x)
    graph, history = rewritten([pooled(y), y * 2], POOLING_FIRST, {x: X})
    assert not history
    assert ops_of(graph)[0] == "Relu"


def test_pooling_stays_behind_a_bias_that_differs_inside_a_window():
    y = pooled(AddBias((0,))(tensor("x", 2, 3, 4, 6), tensor("b", 3, 4, 6)))
    assert "differs" in why_not(pool_before_bias, y)


def test_places_stand_for_the_image():
    x, y, dy, gradient, values = scattered((4, 6), (2, 2))
    graph, history = rewritten([y * 2, masked(y, dy), gradient], PLACES, values)
    assert set(ops_of(graph)) >= {"MaxPool2DWithPlaces", "MaxPool2DScatter"}
    assert {"MaxPool2D", "MaxPool2DGrad"}.isdisjoint(ops_of(graph))
    assert {step.rule for step in history} == {"keep_places"}
    scatter = graph.outputs[2].owner
    assert scatter.inputs[0].owner.inputs[0] is x
    assert scatter.site == gradient.owner.site


def test_places_serve_the_derivative_along_a_direction():
    x, y, _, _, values = scattered((5, 6), (3, 2), (2, 1), ((1, 0), (0, 1)))
    tangent = tensor("tangent", *x.type.shape)
    values[tangent] = values[x] * 3
    selected = MaxPool2DSelect((3, 2), (2, 1), ((1, 0), (0, 1)))(x, y, tangent)
    graph, _ = rewritten([y, selected], PLACES, values)
    assert ops_of(graph) == ["MaxPool2DWithPlaces", "MaxPool2DGather"]


def test_places_in_images_of_sizes_not_known():
    x = F.tensor("x", shape=(None, 3, None, 6))
    y = MaxPool2D((2, 2), (2, 2))(x)
    gradient = MaxPool2DGrad((2, 2), (2, 2))(x, y, y * 2)
    graph, _ = rewritten([y, gradient], PLACES, {x: X})
    assert "MaxPool2DScatter" in ops_of(graph)


def test_without_a_gradient_no_places_are_kept():
    x = tensor("x", 2, 3, 4, 6)
    graph, history = rewritten(pooled(x), PLACES, {x: X})
    assert ops_of(graph) == ["MaxPool2D"]
    assert not history


@pytest.mark.parametrize("change", ["windows", "image", "size"])
def test_a_gradient_of_another_pooling_stays(change):
    window = (16, 17) if change == "size" else (2, 2)
    x = tensor("x", 2, 3, 32, 34)
    other = tensor("other", 2, 3, 32, 34) if change == "image" else x
    taken = (2, 1) if change == "windows" else window
    y = MaxPool2D(taken, window)(other)
    values = {v: np.zeros(v.type.shape, "float32") for v in (x, other)}
    _, history = rewritten(MaxPool2DGrad(window, window)(x, y, y), PLACES, values)
    assert not history


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_same_values_for_any_windows(data):
    """Overlapping, apart, padded, ragged; with numbers that are equal, and nan."""
    sides = st.integers(1, 3)
    window = data.draw(st.tuples(sides, sides))
    stride = data.draw(st.tuples(sides, sides))
    pads = [st.integers(0, span - 1) for span in window]
    padding = tuple((data.draw(p), data.draw(p)) for p in pads)
    size = data.draw(st.tuples(st.integers(3, 7), st.integers(3, 7)))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    x, _, _, gradient, values = scattered(size, window, stride, padding, dtype)
    if data.draw(st.booleans()):
        values[x].flat[::7] = np.nan
    rewritten(masked(x, gradient), POOLING, values)
    rewritten(gradient, PLACES, values)
    rewritten(Sum((1, 2, 3))(gradient), POOLING, values)
    rewritten(pooled(Relu()(x), window, stride, padding), POOLING_FIRST, values)
