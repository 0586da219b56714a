"""In training the affine map of BN goes into the convolutions behind it."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.autodiff import grad
from symgraph.graph import constant, evaluate
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.conv import Conv2D, Conv2DBackwardWeights
from symgraph.ops.moments import Moments
from symgraph.ops.normalize import batch_norm_training
from symgraph.ops.reduce import Sum
from symgraph.ops.selection import Where
from symgraph.rewriting import rewrite_graph
from symgraph.rules.fold_training import (
    add_biases,
)
from tests.rules.affine_graphs import IMAGES, affine, array, images, weights
from tests.rules.checking import graph_of, ops_of, shared, tensor, why_not
from tests.rules.training_graphs import NAMES, STAGES, gradients, normalized, run

GEOMETRIES = {
    "3 by 2": {},
    "strided": {"stride": (2, 1)},
    "dilated": {"dilation": (1, 2)},
    "in groups": {"groups": 2},
    "all of it": {"stride": 2, "dilation": (2, 1), "groups": 2},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_no_image_is_scaled_in_training(geometry, dtype):
    options = GEOMETRIES[geometry]
    x = tensor("x", None, 4, 7, 8, dtype=dtype)
    kernel = (6, 4 // options.get("groups", 1), 3, 2)
    w, b = weights(*kernel, make=shared_as(dtype)), shared(array(6), "b", dtype)
    y = nn.conv2d(normalized(x), w, b, **options)
    result, history = run(gradients(x, y, w, b), x)
    assert not result.find(Affine)
    assert not result.find(BatchNormTraining)
    assert len(result.find(Moments)) == 1
    (conv,) = result.find(Conv2D)
    (gradient,) = result.find(Conv2DBackwardWeights)
    assert conv.inputs[0] is gradient.inputs[0] is x
    counts = history.counts()
    assert all(counts[name] == 1 for name in NAMES)


def shared_as(dtype):
    return lambda value: shared(value, "w", dtype)


def test_the_sum_is_the_gradient_of_the_bias():
    x, w, b = images(), shared(array(5, 3, 3, 2), "w"), shared(array(5), "b")
    y = nn.conv2d(normalized(x), w, b)
    result, _ = run(gradients(x, y, w, b), x)
    sums = [n for n in result.find(Sum) if n.op.axes == IMAGES]
    assert len(sums) == 1
    assert result.outputs[-1] is sums[0].outputs[0]


def test_the_bias_is_one():
    x, b = images(), shared(array(5), "b")
    y = nn.relu(nn.conv2d(normalized(x), weights(5, 3, 3, 2), b))
    result, history = run(y, x)
    assert ops_of(result).count("AddBias") == 1
    assert "add_biases" in history.counts()


def test_biases_along_other_axes_stay_two():
    x = images()
    conv = AddBias(IMAGES)(Conv2D()(x, weights(5, 3, 3, 2)), weights(5))
    y = AddBias((0,))(conv, weights(5, 5, 7))
    assert why_not(add_biases, y) == "one is shared along (0, 2, 3), one (0,)"


@pytest.mark.parametrize("mean_only", [False, True])
def test_without_parameters(mean_only):
    x, w = images(), shared(array(5, 3, 3, 2), "w")
    y = batch_norm_training(x, mean_only=mean_only)[0]
    result, _ = run(gradients(x, nn.conv2d(y, w), w), x)
    assert not result.find(Affine)
    assert [n.inputs[0] for n in result.find(Conv2D)] == [x]


def test_a_standardized_input_with_filters_that_learn():
    x, w = images(), shared(array(5, 3, 3, 2), "w")
    result, history = run(gradients(x, nn.conv2d(affine(x, make=shared), w), w), x)
    assert not result.find(BatchNormTraining)
    assert {"fold_affine_into_filters", "take_affine_out_of_gradient"} <= set(
        history.counts()
    )
    for op in (Conv2D, Conv2DBackwardWeights):
        assert [n.inputs[0] for n in result.find(op)] == [x]


def test_two_convolutions_of_one_image():
    x = images()
    one, two = (shared(array(5, 3, *kernel), "w") for kernel in ((3, 2), (1, 1)))
    y = normalized(x)
    outputs = gradients(x, nn.conv2d(y, one), one) + gradients(x, nn.conv2d(y, two))
    result, history = run(outputs, x)
    assert not result.find(Affine)
    assert history.counts()["fold_affine_into_filters"] == 2


def test_a_scale_alone_passes_padding():
    x, w = images(), shared(array(5, 3, 3, 2), "w")
    scaled = Affine(IMAGES)(x, shared(array(3)), constant(np.zeros(3, "float32")))
    result, _ = run(gradients(x, nn.conv2d(scaled, w, padding=1), w), x)
    assert [n.inputs[0] for n in result.find(Conv2D)] == [x]


@pytest.mark.parametrize("rows", [0, 1])
def test_batches_of_none_and_one(rows):
    x, w = images(), shared(array(5, 3, 3, 2), "w")
    y = nn.conv2d(normalized(x), w)
    result, _ = run(gradients(x, y, w), x, rows)
    assert [n.inputs[0] for n in result.find(Conv2D)] == [x]


@pytest.mark.parametrize(("batch", "choices"), [(None, 2), (3, 0)])
def test_a_batch_that_may_be_empty_guards_what_multiplies_sums(batch, choices):
    """Its scale and shift, for each channel; what no call computes is finite."""
    x, w = tensor("x", batch, 3, 7, 8), shared(array(5, 3, 3, 2), "w")
    result, _ = run(gradients(x, nn.conv2d(normalized(x), w), w), x)
    assert [n.outputs[0].type.shape for n in result.find(Where)] == [(3,)] * choices
    known = nn.conv2d(affine(x, make=shared), w)
    assert not run(gradients(x, known, w), x)[0].find(Where)


@pytest.mark.parametrize("ratio", [1, 10, 100])
def test_what_is_lost_where_the_mean_is_large(ratio):
    rng = np.random.default_rng(ratio)
    value = rng.normal(ratio, 1, (4, 3, 9, 10))
    parts = [rng.normal(size=shape) for shape in [(5, 3, 3, 2), (3,), (3,)]]

    def results(dtype, stages):
        x = tensor("x", None, 3, 9, 10, dtype=dtype)
        w, gamma, beta = (shared(part, "p", dtype) for part in parts)
        y = nn.conv2d(batch_norm_training(x, gamma, beta)[0], w)
        outputs = [y, *grad(F.square(y).sum(), [w])]
        given = {x: value.astype("float32").astype(dtype)}
        graph, _ = rewrite_graph(graph_of(*outputs), stages)
        return evaluate(graph.outputs, given)

    exact = results("float64", ())
    for dtype, unit in (("float32", 2e-6), ("float64", 4e-15)):
        for got, want in zip(results(dtype, STAGES), exact, strict=True):
            assert np.abs(got - want).max() <= unit * (1 + ratio) * np.abs(want).max()
