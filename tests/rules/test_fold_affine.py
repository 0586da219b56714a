"""Affine maps go into the weights before or behind them, exact at every border."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import constant
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import AddBias, Affine
from symgraph.rules.fold_affine import (
    FOLD_AFFINE,
    fold_affine_into_conv_before,
    fold_affine_into_conv_behind,
    fold_affine_into_matmul_before,
    fold_affine_into_matmul_behind,
)
from tests.rules.affine_graphs import (
    ACTIVATIONS,
    IMAGES,
    MOVES,
    ROWS,
    affine,
    images,
    per_call,
    run,
    weights,
)
from tests.rules.checking import graph_of, ops_of, shared, tensor, why_not

# Into the convolution or product before.


@pytest.mark.parametrize("make", [constant, shared])
@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"padding": "same"},
        {"stride": (2, 1), "padding": ((0, 1), (2, 0))},
        {"dilation": (2, 1)},
        {"groups": 3},
    ],
)
def test_into_the_convolution_before(make, geometry):
    x = images()
    groups = geometry.get("groups", 1)
    w = weights(6, 3 // groups, 3, 2, make=make)
    result, history = run(affine(nn.conv2d(x, w, **geometry), make=make), x)
    assert per_call(result) == ["Conv2D", "AddBias"]
    assert "fold_affine_into_conv_before" in history.counts()


def test_a_bias_between_is_scaled_and_shifted():
    x = images()
    y = affine(nn.conv2d(x, weights(5, 3, 3, 3), weights(5)), positive=False)
    result, history = run(y, x)
    assert per_call(result) == ["Conv2D", "AddBias"]
    assert history.counts()["merge_maps"] == 1


def test_into_the_product_before():
    x = tensor("x", None, 5)
    y = affine(nn.dense(x, weights(5, 7), weights(7)), ROWS)
    result, _ = run(y, x)
    assert per_call(result) == ["MatMul", "AddBias"]


def test_a_result_used_elsewhere_is_not_computed_twice():
    x = images()
    conv = nn.conv2d(x, weights(5, 3, 3, 3))
    y = affine(conv)
    result, _ = run([y, conv], x)
    assert "Affine" in per_call(result)
    assert "is used 2 times" in why_not(fold_affine_into_conv_before, y, y, conv)


def test_filters_that_depend_on_the_call_decline():
    x, w = images(), tensor("w", 5, 3, 3, 3)
    y = affine(nn.conv2d(x, w))
    assert "weights depend on" in why_not(fold_affine_into_conv_before, y)
    rows, matrix = tensor("rows", None, 3), tensor("m", 3, 5)
    y = affine(nn.dense(rows, matrix), ROWS)
    assert "weights depend on" in why_not(fold_affine_into_matmul_before, y)


def test_a_map_of_each_activation_stays_behind_a_convolution():
    x = images()
    y = affine(nn.conv2d(x, weights(5, 3, 3, 3)), ACTIVATIONS)
    result, _ = run(y, x)
    assert per_call(result) == ["Conv2D", "Affine"]
    reason = why_not(fold_affine_into_conv_before, y)
    assert reason == "the map differs along axes [2, 3], the weights do not"


# Into the convolution or product behind.


@pytest.mark.parametrize("make", [constant, shared])
@pytest.mark.parametrize(
    "geometry", [{}, {"stride": (2, 1)}, {"dilation": (1, 2)}, {"groups": 3}]
)
def test_into_the_convolution_behind(make, geometry):
    x = images()
    groups = geometry.get("groups", 1)
    w = weights(6, 3 // groups, 3, 2, make=make)
    y = nn.conv2d(affine(x, make=make, positive=False), w, weights(6), **geometry)
    result, history = run(y, x)
    assert per_call(result) == ["Conv2D", "AddBias"]
    assert "fold_affine_into_conv_behind" in history.counts()


def test_into_the_product_behind():
    x = tensor("x", None, 5)
    y = nn.dense(affine(x, ROWS, positive=False), weights(5, 7), weights(7))
    result, history = run(y, x)
    assert per_call(result) == ["MatMul", "AddBias"]
    assert "fold_affine_into_matmul_behind" in history.counts()


def test_a_shift_alone_and_a_scale_alone():
    x = images()
    w = weights(5, 3, 3, 3)
    shifted = nn.conv2d(AddBias(IMAGES)(x, weights(3)), w)
    result, _ = run(shifted, x)
    assert per_call(result) == ["Conv2D", "AddBias"]
    zeros = constant(np.zeros(3, "float32"))
    scaled = nn.conv2d(Affine(IMAGES)(x, weights(3), zeros), w, padding="same")
    result, _ = run(scaled, x)
    assert per_call(result) == ["Conv2D"]


def test_all_users_must_be_able_to_take_it():
    x = images()
    a = affine(x)
    one, two = (nn.conv2d(a, weights(5, 3, 3, 3)) for _ in range(2))
    result, _ = run([one, two], x)
    assert per_call(result) == ["Conv2D", "AddBias"] * 2
    result, history = run([one, two, F.exp(a)], x)
    assert not MOVES & set(history.counts())
    reason = why_not(fold_affine_into_conv_behind, one, one, two, F.exp(a))
    assert "an affine map cannot pass Exp" in reason
    reason = why_not(fold_affine_into_conv_behind, one, one, a)
    assert reason == "it is an output of the graph"


def test_the_bias_of_a_kernel_stays_with_it():
    x = images()
    first = nn.conv2d(x, weights(5, 3, 3, 3), weights(5))
    second = nn.conv2d(first, weights(2, 5, 3, 3))
    _, history = run(second, x)
    assert not MOVES & set(history.counts())
    reason = why_not(fold_affine_into_conv_behind, second)
    assert reason == "the map is the bias of the kernel before it"
    rows = tensor("rows", None, 3)
    product = nn.dense(nn.dense(rows, weights(3, 5), weights(5)), weights(5, 2))
    assert why_not(fold_affine_into_matmul_behind, product) == reason


# Zero padding: exact at the border, or not at all.


def test_padding_with_a_shift_corrects_the_border_of_an_input():
    x = images()
    w = weights(5, 3, 3, 3, make=shared)
    y = nn.conv2d(affine(x, make=shared), w, weights(5), padding=((1, 0), (2, 1)))
    result, _ = run(y, x)
    assert per_call(result) == ["Conv2D", "AddBias"]


@pytest.mark.parametrize("geometry", [{"groups": 3}, {"stride": 2}, {"dilation": 2}])
def test_the_border_in_every_geometry(geometry):
    x = images()
    w = weights(6, 3 // geometry.get("groups", 1), 3, 2)
    result, _ = run(nn.conv2d(affine(x), w, padding=2, **geometry), x)
    assert per_call(result) == ["Conv2D", "AddBias"]


def test_a_normalization_behind_a_corrected_border():
    x = images()
    y = affine(nn.conv2d(affine(x), weights(5, 3, 3, 3), weights(5), padding="same"))
    result, _ = run(y, x)
    assert per_call(result) == ["Conv2D", "AddBias"]


def test_padding_behind_a_kernel_leaves_the_map_to_it():
    x = images()
    y = nn.conv2d(affine(nn.relu(x)), weights(5, 3, 3, 3), padding=1)
    result, history = run(y, x)
    assert per_call(result) == ["Relu", "Affine", "Conv2D"]
    assert any("pads by zeros" in refusal.reason for refusal in history.refusals)


def test_padding_of_an_image_of_unknown_size_declines():
    x = tensor("x", None, 3, None, 7)
    y = nn.conv2d(affine(x), weights(5, 3, 3, 3), padding=1)
    assert "a size that is not known" in why_not(fold_affine_into_conv_behind, y)


def test_every_rule_of_the_stage_is_named_once():
    names = [rule.name for rule in FOLD_AFFINE]
    assert len(set(names)) == len(names)
    assert ops_of(graph_of(affine(images()))) == ["Affine"]
