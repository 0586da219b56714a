"""Affine maps move through what lies before the weights, or stay."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import constant
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import AddBias, Affine
from symgraph.rules.fold_affine import move_affine_before, move_affine_behind
from symgraph.rules.values import is_positive
from tests.rules.affine_graphs import (
    ACTIVATIONS,
    IMAGES,
    MOVES,
    STAGES,
    affine,
    array,
    images,
    per_call,
    run,
    weights,
)
from tests.rules.checking import graph_of, ops_of, rewritten, shared, tensor, why_not

# Moves, each ending in weights.

BETWEEN = {
    "relu": nn.relu,
    "max pool": lambda y: nn.max_pool2d(y, 2),
    "padded max pool": lambda y: nn.max_pool2d(y, 3, stride=2, padding=1),
    "average pool": lambda y: nn.average_pool2d(y, (2, 3)),
    "padded average pool": lambda y: nn.average_pool2d(
        y, 3, padding=1, count_include_pad=False
    ),
    "transpose": lambda y: y.dimshuffle(0, 1, 3, 2),
    "slice": lambda y: y[::-1, :, 1:, ::2],
    "reshape": lambda y: y.reshape((-1, 3, 14, 4)),
    "several": lambda y: nn.relu(nn.max_pool2d(nn.relu(y), 2)),
}


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("axes", [IMAGES, (0, 1, 2, 3)])
def test_behind_to_a_convolution(between, axes):
    x = images()
    y = nn.conv2d(BETWEEN[between](affine(nn.relu(x), axes)), weights(5, 3, 2, 2))
    result, history = run(y, x)
    assert "Affine" not in per_call(result)
    assert history.counts().get("move_affine_behind", 0) >= 1


BACK = [k for k in BETWEEN if k not in ("relu", "slice", "several")]


@pytest.mark.parametrize("between", BACK)
def test_before_to_a_convolution(between):
    x = images(2, 9, 9)
    conv = nn.conv2d(x, weights(3, 2, 3, 2), weights(3))
    y = nn.relu(affine(BETWEEN[between](conv)))
    result, history = run(y, x)
    assert "Affine" not in per_call(result)
    assert per_call(result).count("AddBias") == 1
    assert "move_affine_before" in history.counts()


def test_before_a_relu_without_a_shift():
    x = images()
    conv = nn.relu(nn.conv2d(x, weights(3, 3, 3, 2)))
    zeros = constant(np.zeros(3, "float32"))
    y = Affine(IMAGES)(conv, constant(np.array([2, 3, 5], "float32")), zeros)
    result, _ = run(y, x)
    assert per_call(result) == ["Conv2D", "Relu"]


@pytest.mark.parametrize("axes", [IMAGES, ACTIVATIONS, (0, 1, 2, 3)])
def test_through_flattening_into_a_dense_layer(axes):
    x = images()
    y = nn.dense(affine(nn.relu(x), axes).flatten(2), weights(3 * 7 * 8, 5), weights(5))
    result, history = run(y, x)
    assert "Affine" not in per_call(result)
    assert per_call(result).count("AddBias") == 1
    assert {"move_affine_behind", "fold_affine_into_matmul_behind"} <= set(
        history.counts()
    )


def test_through_a_global_average_into_a_dense_layer():
    x = images()
    pooled = affine(nn.relu(x)).mean(axis=(2, 3))
    result, _ = run(nn.dense(pooled, weights(3, 5), weights(5)), x)
    assert "Affine" not in per_call(result)
    assert "Mul" not in per_call(result)


def test_dense_layers_on_more_than_rows():
    x = tensor("x", None, 7, 5)
    y = affine(nn.dense(x, weights(5, 3), weights(3)), (0, 1))
    y = nn.dense(nn.relu(affine(nn.relu(y), (0, 1))), weights(3, 2))
    result, _ = run(y, x)
    assert "Affine" not in per_call(result)


def test_a_join_carries_the_channel_map():
    x = images()
    parts = [affine(nn.relu(x)), nn.tanh(x), affine(x)]
    y = nn.conv2d(F.concatenate(parts, axis=1), weights(5, 9, 3, 3))
    result, history = run(y, x)
    assert "Affine" not in per_call(result)
    assert history.counts()["move_affine_behind"] == 1


def test_a_join_leaves_the_bias_of_a_kernel_where_it_is():
    x = images()
    biased = nn.conv2d(x, weights(2, 3, 1, 1), weights(2))
    joined = F.concatenate([affine(nn.tanh(x)), biased], axis=1)
    result, history = run(nn.conv2d(joined, weights(5, 5, 3, 3)), x)
    assert "Affine" not in per_call(result)
    assert history.counts()["move_affine_behind"] == 1


def test_a_join_of_examples_needs_the_same_channels_map_made_finer():
    x, y = images(), tensor("y", 3, 3, 7, 8)
    joined = F.concatenate([affine(y), affine(y)], axis=0)
    out = nn.conv2d(joined, weights(5, 3, 3, 3))
    result, _ = rewritten(out, STAGES, {y: array(3, 3, 7, 8)})
    assert per_call(result).count("Affine") == 2
    assert x is not y


def test_back_through_a_join_into_each_convolution():
    x = images()
    parts = [nn.conv2d(x, weights(k, 3, 3, 3)) for k in (2, 5)]
    y = nn.relu(affine(F.concatenate(parts, axis=1)))
    result, _ = run(y, x)
    assert sorted(per_call(result)) == [
        "AddBias",
        "AddBias",
        "Concatenate",
        "Conv2D",
        "Conv2D",
        "Relu",
    ]


def test_branches_that_all_end_in_weights():
    x = images()
    a = affine(nn.relu(x))
    one = nn.conv2d(a, weights(5, 3, 1, 1))
    two = nn.conv2d(nn.max_pool2d(a, 2), weights(5, 3, 2, 2))
    result, _ = run([one, two], x)
    assert "Affine" not in per_call(result)


# Where a map must stay.

STAYS = {
    "a sign that is not positive": (
        lambda x: nn.conv2d(
            nn.relu(affine(nn.tanh(x), positive=False)), weights(5, 3, 2, 2)
        ),
        "the scale is not proven positive",
    ),
    "a sign that no one knows": (
        lambda x: nn.conv2d(
            nn.max_pool2d(affine(nn.tanh(x), make=shared), 2), weights(5, 3, 2, 2)
        ),
        "the scale is not proven positive",
    ),
    "activations in a window": (
        lambda x: nn.dense(
            nn.max_pool2d(affine(nn.tanh(x), ACTIVATIONS), 7).flatten(2), weights(3, 2)
        ),
        "the map differs within a window",
    ),
    "padding that counts": (
        lambda x: nn.conv2d(
            nn.average_pool2d(affine(nn.tanh(x)), 3, padding=1), weights(5, 3, 2, 2)
        ),
        "the padding counts as zeros",
    ),
    "another function": (
        lambda x: nn.conv2d(F.exp(affine(nn.tanh(x))), weights(5, 3, 2, 2)),
        None,
    ),
    "nowhere to go": (lambda x: nn.relu(affine(nn.tanh(x))), "output of the graph"),
    "a shift before a relu": (
        lambda x: nn.conv2d(
            nn.relu(AddBias(IMAGES)(nn.tanh(x), weights(3))), weights(5, 3, 2, 2)
        ),
        "a shift alone cannot pass a relu",
    ),
    "a sum over channels": (
        lambda x: nn.dense(affine(nn.tanh(x)).sum(axis=1).flatten(2), weights(56, 2)),
        "the map differs along the axes summed over",
    ),
}


@pytest.mark.parametrize("case", STAYS)
def test_it_stays_where_it_has_nowhere_to_go(case):
    build, reason = STAYS[case]
    x = images()
    y = build(x)
    result, history = run(y, x)
    assert not MOVES & set(history.counts())
    assert ops_of(result).count("Affine") == ops_of(graph_of(y)).count("Affine")
    if reason is not None:
        assert any(reason in refusal.reason for refusal in history.refusals)


def test_a_positive_scale_is_proven_from_its_form():
    x = images()
    variance, shift = shared(np.array([1, 2, 3])), weights(3)
    scale = 1.0 / F.sqrt(variance + 1e-5)
    a = Affine(IMAGES)(nn.tanh(x), scale, shift)
    result, _ = run(nn.conv2d(nn.relu(a), weights(5, 3, 2, 2)), x)
    assert per_call(result) == ["Tanh", "AddBias", "Relu", "Conv2D"]


@pytest.mark.parametrize(
    ("build", "positive"),
    [
        (lambda p: 1.0 / F.sqrt(p), True),
        (F.sqrt, False),
        (lambda p: F.exp(p) * F.abs(p), False),
        (lambda p: F.exp(p) + F.exp(-p), True),
        (lambda p: F.square(p) + 1.0, False),
        (lambda p: p, False),
        (lambda p: nn.sigmoid(p)[::-1] / nn.softplus(p), True),
        (lambda p: F.concatenate([F.exp(p), F.exp(p)]), True),
        (lambda p: F.broadcast_to(F.reciprocal(F.abs(p)), (2, 3)), True),
        (lambda p: constant([1.0, 2.0]), True),
        (lambda p: constant([1.0, 0.0]), False),
        (lambda p: constant([1.0, np.nan]), False),
    ],
)
def test_what_is_known_of_signs(build, positive):
    assert is_positive(build(shared(np.array([1, 2, 3])))) is positive


def test_explanations_of_moves():
    x = images()
    y = nn.max_pool2d(affine(nn.tanh(x)), 2)
    assert "it is an output of the graph" in why_not(move_affine_behind, y)
    z = affine(nn.max_pool2d(nn.tanh(x), 2))
    assert "cannot be taken before Tanh" in why_not(move_affine_before, z)
