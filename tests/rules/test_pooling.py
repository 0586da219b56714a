"""What follows the gradient of max-pooling goes before it, where numbers are fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.graph import evaluate
from symgraph.ops import functions as F
from symgraph.ops.affine import AddBias
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad
from symgraph.ops.reduce import Sum
from symgraph.ops.special import Relu
from symgraph.rules.pooling import (
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
    rewritten(Sum((1, 2, 3))(gradient), POOLING, values)
    rewritten(pooled(Relu()(x), window, stride, padding), POOLING_FIRST, values)
