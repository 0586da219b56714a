"""Arrangements done twice are done once; those that change nothing are not done."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.ops import functions as F
from symgraph.ops.join import Concatenate, Pad, split
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import BroadcastTo, Reshape, Transpose
from symgraph.rewriting import Stage
from symgraph.rules.arrangements import ARRANGEMENTS, sum_once
from symgraph.rules.sizes import normalize_sizes
from tests.rules.checking import graph_of, ops_of, rewritten, tensor, why_not

X = np.arange(30, dtype="float32").reshape(2, 3, 5)


@pytest.mark.parametrize(
    ("build", "rule", "expected"),
    [
        (Reshape((2, 3, 5)), "drop_arrangement", []),
        (Transpose((0, 1, 2)), "drop_arrangement", []),
        (BroadcastTo((2, 3, 5)), "drop_arrangement", []),
        (Concatenate(1), "drop_arrangement", []),
        (Pad(((0, 0),) * 3), "drop_arrangement", []),
        (Sum(()), "drop_arrangement", []),
        (lambda x: x[0:, :3], "drop_arrangement", []),
        (lambda x: Reshape((5, 6))(Reshape((30,))(x)), "arrange_once", ["Reshape"]),
        (
            lambda x: BroadcastTo((7, 2, 3, 5))(BroadcastTo((1, 2, 3, 5))(x)),
            "arrange_once",
            ["BroadcastTo"],
        ),
        (
            lambda x: Transpose((1, 2, 0))(Transpose((2, 0, 1))(x)),
            "transpose_once",
            [],
        ),
        (
            lambda x: Transpose((2, 1, 0))(Transpose((2, 0, 1))(x)),
            "transpose_once",
            ["Transpose"],
        ),
        (
            lambda x: Transpose((0, 1, 3, 2))(Reshape((6, 1, 5, 1))(x)),
            "write_as_reshape",
            ["Reshape"],
        ),
        (
            lambda x: Concatenate(1)(x, Concatenate(1)(x, x)),
            "concatenate_once",
            ["Concatenate"],
        ),
        (
            lambda x: Reshape((5, 2))(BroadcastTo((10,))(x[0, 0, 0])),
            "broadcast_one_element",
            ["Subtensor", "BroadcastTo"],
        ),
        (
            lambda x: Transpose((1, 0))(BroadcastTo((7, 2))(x[0, 0, :1])),
            "broadcast_one_element",
            ["Subtensor", "Reshape", "BroadcastTo"],
        ),
        (
            lambda x: BroadcastTo((7, 2))(Reshape((1,))(x[0, 0, 0])),
            "broadcast_one_element",
            ["Subtensor", "BroadcastTo"],
        ),
        (
            lambda x: Sum((0,))(Sum((1,))(x)),
            "sum_once",
            ["Sum"],
        ),
    ],
)
def test_each_form(build, rule, expected):
    x = tensor("x", 2, 3, 5)
    result, history = rewritten(build(x), ARRANGEMENTS, {x: X})
    assert rule in history.counts()
    assert ops_of(result) == expected


def test_a_reshape_with_one_unknown_size_is_known_by_counting():
    x = tensor("x", None, 3, 5)
    same = F.reshape(F.reshape(x, (-1, 15)), (-1, 3, 5))
    result, _ = rewritten(same, ARRANGEMENTS, {x: X})
    assert result.outputs == (x,)


def test_sums_over_axes_of_axes():
    x = tensor("x", 2, 3, 5)
    result, _ = rewritten(Sum((1,))(Sum((1,))(x)), ARRANGEMENTS, {x: X})
    assert result.outputs[0].owner.op == Sum((1, 2))
    inner = Sum((1,))(x)
    outer = Sum((1,))(inner)
    assert "is used 2 times" in why_not(sum_once, outer, outer, inner)


def test_what_was_joined_is_not_cut():
    x, y = tensor("x", 2, 3), tensor("y", 2, 2)
    values = {x: np.ones((2, 3), "f4"), y: np.zeros((2, 2), "f4")}
    result, history = rewritten(
        split(F.concatenate([x, y], 1), [3], 1), ARRANGEMENTS, values
    )
    assert result.outputs == (x, y)
    assert history.counts() == {"split_what_was_joined": 1}
    other = split(F.concatenate([x, y], 1), [2], 1)
    result, history = rewritten(other, ARRANGEMENTS, values)
    assert not history
    assert "the parts are not of sizes (2, 3)" in history.refusals[0].reason


def summed(y):
    """The sum of the rows, twice: still an even number of elements for ``pairs``."""
    total = Sum(())(y.sum(axis=0, keepdims=True))
    return F.concatenate([total, total], axis=0)


STEPS = {
    "flat": lambda y: y.reshape((-1,)),
    "row": lambda y: y.reshape((1, -1)),
    "column": lambda y: y.reshape((-1, 1)),
    "pairs": lambda y: y.reshape((2, -1)),
    "turned": lambda y: y.T,
    "wide": lambda y: F.broadcast_to(y, (3, *y.shape)),
    "joined": lambda y: F.concatenate([y, y], axis=0),
    "nested": lambda y: F.concatenate([y, F.concatenate([y, y], axis=0)], axis=0),
    "cut": lambda y: split(F.concatenate([y, y], axis=0), 2, axis=0)[1],
    "padded": lambda y: F.pad(y, 0),
    "summed": summed,
}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_chain_of_arrangements(data):
    dtype = data.draw(st.sampled_from(["float32", "float64", "int32"]))
    rows = data.draw(st.sampled_from([None, 2, 4]))
    x = y = tensor("x", rows, 3, dtype=dtype)
    for step in data.draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=6)):
        y = STEPS[step](y) if y.ndim < 5 else y.reshape((-1,))
    value = np.arange(3 * (rows or 2)).reshape(-1, 3).astype(dtype)
    stages = (Stage("s", (*ARRANGEMENTS, normalize_sizes)),)
    result, _ = rewritten(y, stages, {x: value})
    assert len(result.find(Reshape)) <= len(graph_of(y).find(Reshape)) + 1


def test_near_misses():
    x = tensor("x", 2, 3, 5)
    outputs = [
        Transpose((1, 0, 2))(x),
        Reshape((3, 2, 5))(x),
        BroadcastTo((7, 2, 3, 5))(x),
        Pad(((0, 0), (0, 1), (0, 0)))(x),
        Concatenate(0)(x, Concatenate(1)(x, x)[:, :3]),
    ]
    _, history = rewritten(outputs, ARRANGEMENTS, {x: X})
    assert not history
