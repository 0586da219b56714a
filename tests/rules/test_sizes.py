"""Sizes come from inputs, and what keeps a shape is not done."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import Constant, constant
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.shape import BroadcastTo, Dim, Reshape
from symgraph.rules import ALGEBRA, CONSTANT_FOLDING
from symgraph.rules.merging import merge_equal_nodes
from symgraph.rules.sizes import normalize_sizes
from tests.rules.checking import graph_of, ops_of, rewritten, tensor

RULES = (normalize_sizes, merge_equal_nodes)


def test_the_size_of_a_result_computes_nothing():
    x, w = tensor("x", None, 3, 7, None), constant(np.ones((5, 3, 2, 3), "float32"))
    y = nn.max_pool2d(nn.relu(nn.conv2d(x, w)), 2)
    values = {x: np.ones((2, 3, 7, 9), "float32")}
    result, _ = rewritten([Dim(0)(y), Dim(3)(y)], (*RULES, *ALGEBRA), values)
    assert {"Conv2D", "MaxPool2D", "Relu"}.isdisjoint(ops_of(result))
    assert result.outputs[0].owner.inputs == (x,)


def test_a_known_size_is_a_constant():
    x = tensor("x", None, 3)
    size = Dim(1)(F.exp(x))
    result, _ = rewritten(size, RULES, {x: np.ones((2, 3), "float32")})
    assert isinstance(result.outputs[0], Constant)
    assert result.outputs[0].data == 3


def test_every_unknown_size_is_asked_once():
    x = tensor("x", None, 3)
    sizes = [Dim(0)(x), Dim(0)(F.exp(x)), Dim(0)(x.T.T), Dim(1)(x.T)]
    result, _ = rewritten(sizes, RULES, {x: np.ones((2, 3), "float32")})
    assert ops_of(result) == ["Dim"]
    assert len(set(result.outputs)) == 1


def test_a_broadcast_or_reshape_to_the_shape_that_is_there_goes():
    x = tensor("x", None, None)
    y = F.exp(x)
    same = BroadcastTo((None, None))(y, Dim(0)(x), Dim(1)(y))
    again = Reshape((None, None))(same, Dim(0)(same), Dim(1)(x))
    result, history = rewritten(again, RULES, {x: np.ones((2, 3), "float32")})
    assert ops_of(result) == ["Exp"]
    assert history.counts()["normalize_sizes"] >= 2


def test_other_shapes_stay():
    x, y = tensor("x", None, None), tensor("y", None, None)
    values = {x: np.ones((2, 3), "f4"), y: np.ones((2, 3), "f4")}
    outputs = [
        BroadcastTo((None, None))(x, Dim(0)(y), Dim(1)(x)),
        Reshape((None, None))(x, Dim(1)(x), Dim(0)(x)),
    ]
    result, _ = rewritten(outputs, RULES, values)
    assert {"BroadcastTo", "Reshape"} <= set(ops_of(result))


def test_sizes_computed_from_sizes():
    x = tensor("x", None, 4)
    flat = F.reshape(x, (-1,))
    back = F.reshape(flat * 2.0, (Dim(0)(x), 4))
    total = F.concatenate([back, x])
    result, _ = rewritten(
        [total, Dim(0)(total), Dim(0)(flat)],
        (*RULES, *ALGEBRA, *CONSTANT_FOLDING),
        {x: np.ones((3, 4), "float32")},
    )
    assert all(v.owner.op != Dim(0) or v.owner.inputs == (x,) for v in result.outputs)


@pytest.mark.parametrize("depth", [2_000])
def test_a_deep_chain_whose_sizes_are_asked_everywhere(depth):
    x = y = tensor("x", None)
    for _ in range(depth):
        y = BroadcastTo((None,))(F.exp(y), Dim(0)(y))
    result, _ = rewritten(graph_of(y), RULES, {x: np.zeros(2, "float32")})
    assert ops_of(result) == ["Exp"] * depth
