"""In training the affine map of BN goes into the convolutions behind it, or stays."""

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
from symgraph.rewriting import explain, rewrite_graph
from symgraph.rules import CANONICALIZE, DEFAULT, SIMPLIFY, TRAINING
from symgraph.rules.fold_training import (
    FOLD_TRAINING,
    add_biases,
    fold_affine_into_filters,
    take_affine_out_of_gradient,
    write_batch_norm_as_affine,
)
from tests.rules.affine_graphs import IMAGES, affine, array, images, weights
from tests.rules.checking import graph_of, ops_of, rewritten, shared, tensor, why_not

STAGES = (CANONICALIZE, TRAINING, SIMPLIFY)
NAMES = {rule.name for rule in FOLD_TRAINING}


def normalized(x, axes=None, **more):
    """BN in training, with random parameters for each channel or activation."""
    shape = x.type.shape[1:2] if axes is None else x.type.shape[1:]
    dtype = x.dtype
    gamma, beta = (shared(array(*shape), name, dtype) for name in ("gamma", "beta"))
    return batch_norm_training(x, gamma, beta, axes=axes, **more)[0]


def gradients(x, y, *parameters):
    """y, and what a random weighting of it has for gradients."""
    factors = constant(array(*(size or 1 for size in y.type.shape)).astype(x.dtype))
    return [y, *grad((y * factors).sum(), [x, *parameters])]


def run(outputs, x, rows=3, mean=0.5):
    """Rewritten, each step checked on random images."""
    value = array(rows, *x.type.shape[1:], dtype=x.dtype) + np.asarray(mean, x.dtype)
    return rewritten(outputs, STAGES, {x: value})


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
    result, _ = run(y, x, rows)
    assert [n.inputs[0] for n in result.find(Conv2D)] == [x]


# Where the map must stay.


def filters(*shape):
    return shared(array(*shape), "w")


STAYS = {
    "padding": (
        lambda x: nn.conv2d(normalized(x), filters(5, 3, 3, 2), padding=(0, 1)),
        "the convolution pads by zeros",
    ),
    "an activation": (
        lambda x: nn.conv2d(nn.relu(normalized(x)), filters(5, 3, 3, 2)),
        "Relu uses it",
    ),
    "a dense layer": (
        lambda x: nn.dense(normalized(x).flatten(2), filters(3 * 7 * 8, 5)),
        "uses it, and has no filters",
    ),
    "statistics of each activation": (
        lambda x: nn.conv2d(normalized(x, axes=0), filters(5, 3, 3, 2)),
        "the map differs along axes [2, 3]",
    ),
    "filters larger than images": (
        lambda x: nn.conv2d(normalized(x), filters(700, 3, 3, 2)),
        "12600 weights are more than 5376 numbers of the images",
    ),
    "filters of unknown size": (
        lambda x: nn.conv2d(normalized(x), tensor("w", 5, 3, None, 2)),
        "is not known",
    ),
}


@pytest.mark.parametrize("case", STAYS)
def test_it_stays_where_it_has_nowhere_to_go(case):
    build, reason = STAYS[case]
    x = images()
    y = build(x)
    graph, history = rewrite_graph(graph_of(y), DEFAULT)
    assert len(graph.find(BatchNormTraining)) == 1
    assert not NAMES & set(history.counts())
    (norm,) = graph_of(y).find(BatchNormTraining)
    told = explain(write_batch_norm_as_affine, norm, graph, history)
    assert told.verdict == "declined"
    assert reason in told.reason


def test_another_user_keeps_it():
    x, w = images(), filters(5, 3, 3, 2)
    y = normalized(x)
    conv = nn.conv2d(y, w)
    outputs = ([conv, y], [conv, F.exp(y)], [*gradients(x, conv, w)[1:], y.sum()])
    for outs in outputs:
        result, history = run(outs, x)
        assert len(result.find(BatchNormTraining)) == 1
        assert not NAMES & set(history.counts())
    norm = y.owner.outputs[0]
    assert why_not(write_batch_norm_as_affine, norm, conv, y) == (
        "it is an output of the graph"
    )


def test_padding_in_one_of_two_keeps_it_for_both():
    x = images()
    a = affine(x, make=shared)
    one, two = nn.conv2d(a, filters(5, 3, 3, 2)), nn.conv2d(a, filters(5, 3, 1, 1))
    padded = nn.conv2d(a, filters(5, 3, 3, 3), padding=1)
    gradient = grad(padded.sum(), [padded.owner.inputs[1]])
    result, _ = run([one, two, *gradient], x)
    assert len(result.find(Affine)) == 1
    reason = why_not(fold_affine_into_filters, one, one, two, *gradient)
    assert "pads by zeros" in reason
    weights_gradient = gradient[0].owner
    assert isinstance(weights_gradient.op, Conv2DBackwardWeights)
    reason = why_not(take_affine_out_of_gradient, gradient[0], *gradient)
    assert "pads by zeros" in reason


def test_a_map_that_a_kernel_applies_costs_nothing_and_stays():
    x, w = images(), tensor("w", 5, 3, 3, 2)
    y = nn.conv2d(affine(nn.tanh(x)), w)
    reason = why_not(fold_affine_into_filters, y)
    assert reason == "the map can be applied by the kernel of Tanh before it"


def test_statistics_that_alone_are_used_are_left_alone():
    x = images()
    _, mean, _ = batch_norm_training(x)
    assert why_not(write_batch_norm_as_affine, mean) == "nothing uses the result"


# Accuracy.


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
