"""Where the affine map of BN in training must stay, and the reason told."""

from __future__ import annotations

import pytest

from symgraph.autodiff import grad
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.conv import Conv2DBackwardWeights
from symgraph.ops.normalize import batch_norm_training
from symgraph.rewriting import explain, rewrite_graph
from symgraph.rules import DEFAULT
from symgraph.rules.fold_training import (
    fold_affine_into_filters,
    take_affine_out_of_gradient,
    write_batch_norm_as_affine,
)
from tests.rules.affine_graphs import affine, array, images
from tests.rules.checking import graph_of, shared, tensor, why_not
from tests.rules.training_graphs import NAMES, gradients, normalized, run


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
