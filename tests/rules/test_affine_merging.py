"""Affine maps among themselves, written by hand, and in any chain of ops."""

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
from symgraph.rules.fold_affine import (
    drop_unit_scale,
    drop_zero_shift,
    merge_maps,
    write_as_affine,
)
from tests.rules.affine_graphs import (
    ACTIVATIONS,
    IMAGES,
    MOVES,
    RNG,
    STAGES,
    affine,
    array,
    images,
    per_call,
    run,
    weights,
)
from tests.rules.checking import graph_of, rewritten, shared, tensor, why_not

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


# Any of these, in any order.


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
