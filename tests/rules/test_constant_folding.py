"""Constants are computed when the function is made, unless they would grow."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import Constant, constant
from symgraph.ops import functions as F
from symgraph.ops.join import split
from symgraph.ops.random import RandomStream
from symgraph.ops.shape import broadcast_to
from symgraph.rewriting import Stage, rewrite_graph
from symgraph.rules.constant_folding import CONSTANT_FOLDING
from tests.rules.checking import graph_of, ops_of, rewritten, shared, tensor


def test_an_expression_of_constants_is_one_constant():
    two, three = constant(np.full((2, 3), 2.0)), constant(np.arange(3.0))
    total = F.exp(two + three).sum(axis=0) * 3.0
    result, history = rewritten(total, CONSTANT_FOLDING, {})
    assert isinstance(result.outputs[0], Constant)
    assert set(history.counts()) == {"fold_constants"}
    np.testing.assert_allclose(
        result.outputs[0].data, np.exp(2 + np.arange(3.0)) * 2 * 3
    )


def test_an_op_with_several_outputs():
    pieces = split(constant(np.arange(5)), [2])
    result, _ = rewritten(pieces, CONSTANT_FOLDING, {})
    assert [list(v.data) for v in result.outputs] == [[0, 1], [2, 3, 4]]


def test_shared_variables_and_inputs_are_not_constant():
    x, p = tensor("x", 3), shared(np.ones(3))
    _, history = rewritten([x + p, F.exp(p)], CONSTANT_FOLDING, {x: np.ones(3, "f4")})
    assert not history


def test_a_random_draw_is_not_constant():
    draw = RandomStream(3).uniform((5,))
    _, history = rewritten(draw, CONSTANT_FOLDING, {})
    assert not history


def test_a_broadcast_is_kept_and_what_follows_is_done_before_it():
    x = tensor("x", None, 3)
    row = constant(np.arange(3, dtype="float32"))
    rows = broadcast_to(row, x.shape)
    spread = F.exp(rows * rows)
    result, history = rewritten(
        x + spread, CONSTANT_FOLDING, {x: np.ones((2, 3), "f4")}
    )
    assert "BroadcastTo" in ops_of(result)
    assert history.counts()["compute_before_broadcast"] == 2
    assert "Exp" not in ops_of(result)


def test_broadcasts_of_different_kinds_stay():
    row, column = constant(np.arange(3.0)), constant(np.arange(2.0).reshape(2, 1))
    x, y = tensor("x", None, 3), tensor("y", None, 3)
    different = broadcast_to(row, (2, 3)) + broadcast_to(column, (2, 3))
    sizes = broadcast_to(row, x.shape) + broadcast_to(row, y.shape)
    graph = graph_of(sizes, different)
    _, history = rewrite_graph(graph, (Stage("s", CONSTANT_FOLDING),))
    assert "compute_before_broadcast" not in history.counts()


def test_what_grows_is_left_to_run_time():
    long = constant(np.zeros((2000, 1)))
    wide = F.add(long, constant(np.zeros((1, 2000))))
    graph = graph_of(wide.sum(axis=0) + F.zeros((2000,), "float64"))
    result, history = rewrite_graph(graph, (Stage("s", CONSTANT_FOLDING),))
    assert "Add" in ops_of(result)
    reasons = [r.reason for r in history.refusals]
    assert any("the value has 32000000 bytes, more than" in r for r in reasons)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float64"])
def test_dtypes_and_empty_arrays(dtype):
    for shape in ((), (0, 3), (2, 1)):
        value = constant(np.ones(shape, dtype))
        result, _ = rewritten(F.where(value > 0, value, value), CONSTANT_FOLDING, {})
        assert result.outputs[0].dtype == dtype


def test_what_cannot_be_computed_declines_and_fails_at_the_call_only():
    x = constant(np.arange(3.0))
    outside = F.take(x, constant(np.array([1, 7])))
    _, history = rewrite_graph(graph_of(outside), (Stage("s", CONSTANT_FOLDING),))
    assert not history
    assert "its value cannot be computed" in history.refusals[0].reason
