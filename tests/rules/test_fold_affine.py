"""Affine maps go into weights: before, behind, through what lies between, or stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.graph import constant
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.conv import Conv2D
from symgraph.ops.shape import dim
from symgraph.rules import AFFINE, CANONICALIZE
from symgraph.rules.fold_affine import (
    FOLD_AFFINE,
    drop_unit_scale,
    drop_zero_shift,
    fold_affine_into_conv_before,
    fold_affine_into_conv_behind,
    fold_affine_into_matmul_before,
    fold_affine_into_matmul_behind,
    merge_maps,
    move_affine_before,
    move_affine_behind,
    write_as_affine,
)
from symgraph.rules.values import is_positive
from tests.rules.checking import graph_of, ops_of, rewritten, shared, tensor, why_not

IMAGES, ACTIVATIONS, ROWS = (0, 2, 3), (0,), (0,)
STAGES = (CANONICALIZE, AFFINE)
MOVES = {rule.name for rule in FOLD_AFFINE}
RNG = np.random.default_rng(0)


def array(*shape, dtype="float32"):
    return RNG.normal(size=shape).astype(dtype)


def weights(*shape, make=constant, dtype="float32"):
    return make(array(*shape, dtype=dtype))


def affine(x, axes=IMAGES, make=constant, positive=True):
    shape = [size for axis, size in enumerate(x.type.shape) if axis not in axes]
    scale = RNG.uniform(0.5, 2, shape).astype(x.dtype)
    if not positive:
        scale.flat[::2] *= -1
    return Affine(axes)(x, make(scale), make(array(*shape, dtype=x.dtype)))


def images(channels=3, height=7, width=8):
    return tensor("x", None, channels, height, width)


def run(outputs, x, rows=2):
    """The rewritten graph, checked on random images or rows."""
    shape = (rows, *x.type.shape[1:])
    return rewritten(outputs, STAGES, {x: array(*shape, dtype=x.dtype)})


def per_call(graph):
    """The ops that depend on the inputs."""
    reached = set(graph.inputs)
    found = []
    for node in graph:
        if any(v in reached for v in node.inputs):
            reached.update(node.outputs)
            found.append(type(node.op).__name__)
    return found


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


# Maps among themselves, and written by hand.


def test_neutral_parameters():
    x = images()
    ones, zeros = constant(np.ones(3, "float32")), constant(np.zeros(3, "float32"))
    result, history = run(Affine(IMAGES)(x, ones, weights(3)), x)
    assert per_call(result) == ["AddBias"]
    assert history[0].rule == drop_unit_scale.name
    result, history = run(Affine(IMAGES)(x, ones, zeros), x)
    assert result.outputs == (x,)
    assert history[-1].rule == drop_zero_shift.name


@pytest.mark.parametrize("first", [IMAGES, ACTIVATIONS, (0, 1, 2, 3)])
@pytest.mark.parametrize("second", [IMAGES, ACTIVATIONS, (0, 1, 2, 3)])
def test_maps_merge_to_one_of_the_finer_axes(first, second):
    x = images()
    for build in (
        lambda: affine(affine(x, first), second),
        lambda: AddBias(second)(affine(x, first), affine(x, second).owner.inputs[2]),
        lambda: affine(AddBias(first)(x, affine(x, first).owner.inputs[2]), second),
    ):
        result, _ = run(build(), x)
        assert len(per_call(result)) == 1
        (last,) = [n for n in result if n.outputs[0] in result.outputs]
        assert last.op.axes == tuple(sorted(set(first) & set(second)))


def test_a_merge_that_needs_an_unknown_size_declines():
    x = tensor("x", None, 3, None, 7)
    scalar = constant(np.float32(2))
    y = Affine(IMAGES)(Affine((0, 1, 2, 3))(x, scalar, scalar), weights(3), weights(3))
    result, _ = rewritten(y, STAGES, {x: array(2, 3, 5, 7)})
    assert per_call(result) == ["Affine"]
    z = Affine((0, 3))(
        Affine(IMAGES)(x, weights(3), weights(3)),
        F.broadcast_to(scalar, (3, dim(x, 2))),
        F.broadcast_to(scalar, (3, dim(x, 2))),
    )
    assert "is not known" in why_not(merge_maps, z)


@pytest.mark.parametrize("make", [constant, shared])
def test_a_normalization_written_by_hand_folds(make):
    x = images()
    gamma, beta, mean = (make(array(3).reshape(3, 1, 1)) for _ in range(3))
    std = make(RNG.uniform(1, 2, (3, 1, 1)).astype("float32"))
    y = nn.conv2d((x - mean) / std * gamma + beta, weights(5, 3, 3, 3), weights(5))
    result, history = run(y, x)
    assert per_call(result) == ["Conv2D", "AddBias"]
    assert history.counts()["write_as_affine"] == 4


def test_a_bias_written_by_hand_and_a_factor_go_into_the_product():
    x = tensor("x", None, 5)
    y = (x @ weights(5, 7) + weights(7)) * 0.5
    result, _ = run(y, x)
    assert per_call(result) == ["MatMul", "AddBias"]
    pixels = images()
    y = nn.conv2d(1.0 - pixels / 255.0, weights(5, 3, 3, 3))
    result, _ = run(y, pixels)
    assert per_call(result) == ["Conv2D", "AddBias"]


def test_arithmetic_that_has_no_weights_near_is_left():
    x = images()
    y = F.exp(x * 2.0 + weights(3, 1, 1))
    _, history = run(y, x)
    assert not MOVES & set(history.counts())
    assert "before it: nothing computes" in why_not(write_as_affine, x * 2.0)


def test_explanations_of_moves():
    x = images()
    y = nn.max_pool2d(affine(nn.tanh(x)), 2)
    assert "it is an output of the graph" in why_not(move_affine_behind, y)
    z = affine(nn.max_pool2d(nn.tanh(x), 2))
    assert "cannot be taken before Tanh" in why_not(move_affine_before, z)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_chain_of_ops_keeps_its_value(data):
    """Random chains of maps, poolings, rectifiers, convolutions and arrangements."""
    seed = data.draw(st.integers(0, 1000))
    RNG.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    batch = data.draw(st.sampled_from([None, 2]))
    x = y = tensor("x", batch, 3, 9, 11, dtype=dtype)
    steps = data.draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=7))
    for step in steps:
        y = STEPS[step](y)
    graph = graph_of(y)
    rows = data.draw(st.integers(0, 3)) if batch is None else batch
    value = array(rows, 3, 9, 11, dtype=dtype)
    result, _ = rewritten(graph, STAGES, {x: value})
    assert len(result.find(Affine)) <= len(graph.find(Affine))
    assert len(result.find(Conv2D)) <= len(graph.find(Conv2D)) + 1


def convolved(y, **geometry):
    channels = y.type.shape[1]
    return nn.conv2d(y, weights(4, channels, 2, 2, dtype=y.dtype), **geometry)


STEPS = {
    "affine": affine,
    "signed": lambda y: affine(y, positive=False),
    "fine": lambda y: affine(y, ACTIVATIONS),
    "live": lambda y: affine(y, make=lambda a: shared(a, dtype=a.dtype.name)),
    "relu": nn.relu,
    "max": lambda y: nn.max_pool2d(y, 2, stride=1),
    "mean": lambda y: nn.average_pool2d(y, 2, stride=1, padding=((0, 1), (0, 0))),
    "conv": convolved,
    "padded": lambda y: convolved(y, padding=1),
    "join": lambda y: F.concatenate([y, nn.relu(y)], axis=1),
    "turn": lambda y: y.dimshuffle(0, 1, 3, 2),
    "cut": lambda y: y[:, 1:, ::1, :],
    "double": lambda y: y * 2.0,
    "shift": lambda y: y - 1.0,
}


def test_every_rule_of_the_stage_is_named_once():
    names = [rule.name for rule in FOLD_AFFINE]
    assert len(set(names)) == len(names)
    assert ops_of(graph_of(affine(images()))) == ["Affine"]
