"""Rewrites of loops: what they leave, that values stay, and when they must not fire."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.ops import MatMul, Scan
from symgraph.ops.scan_body import Body
from symgraph.rules.pipeline import DEFAULT, LOOPS, rewrite_steps
from symgraph.rules.scan_products import (
    multiply_after_loop,
    multiply_before_loop,
    sum_after_loop,
)
from symgraph.rules.scan_reads import drop_unread
from symgraph.rules.scans import (
    hoist_invariants,
    keep_last_only,
    merge_scans,
    read_sequence_itself,
)
from tests.rules.checking import rewritten, tensor

RANDOM = np.random.default_rng(0)
X, W, U, H = (
    tensor("x", 4, 2, 3),
    tensor("w", 3, 5),
    tensor("u", 5, 5),
    tensor("h", 2, 5),
)
VALUES = {v: RANDOM.normal(size=v.type.shape).astype("float32") for v in (X, W, U, H)}


def loops(graph):
    return graph.find(Scan)


def ops_in_step(graph, which=0):
    return [type(n.op).__name__ for n in loops(graph)[which].op.body.graph]


def closed(inputs, outputs):
    return Body(sg.Graph(inputs, outputs))


def recurrence():
    h, _ = sg.scan(lambda x, s: sg.tanh(x @ W + s @ U), X, H)
    return h


# --- one rule at a time -----------------------------------------------------------


def test_products_of_a_sequence_are_one_product_before_the_loop():
    graph, history = rewritten(recurrence(), [multiply_before_loop], VALUES)
    assert len(history.of("multiply_before_loop")) == 1
    assert ops_in_step(graph) == ["MatMul", "Add", "Tanh"]
    (outside,) = graph.find(MatMul)
    assert outside.outputs[0].type.shape == (8, 5)


def test_a_product_with_a_matrix_that_changes_stays():
    h, _ = sg.scan(lambda x, s: s * 0.5 + (x @ s).sum(), X, tensor("s", 3, 5))
    values = {**VALUES, h.owner.inputs[1]: VALUES[W]}
    _, history = rewritten(h, [multiply_before_loop], values)
    assert not len(history)


def test_a_product_that_a_step_may_not_need_stays():
    h, _ = sg.scan(lambda x, s: sg.ifelse(s.sum() > 0, x @ W, -s), X, H)
    graph, history = rewritten(h, [multiply_before_loop], VALUES)
    assert not len(history)
    assert "MatMul" in ops_in_step(graph)


def test_a_product_that_is_only_stacked_is_made_after_the_loop():
    y, _ = sg.scan(lambda x, s: [s + x.sum(), sg.tanh(s) @ U], X, [H, None])
    graph, history = rewritten([y[0], y[1]], [multiply_after_loop], VALUES)
    assert len(history.of("multiply_after_loop")) == 2
    assert "MatMul" not in ops_in_step(graph)
    again, history = rewritten(recurrence(), [multiply_after_loop], VALUES)
    assert not len(history)  # the next step needs it
    assert ops_in_step(again).count("MatMul") == 2


def test_sums_of_products_and_of_rows_are_made_after_the_loop():
    start = tensor("start", 3, 5), tensor("rows", 5)
    steps = tensor("y", 4, 2, 5)
    totals, _ = sg.reduce(
        lambda x, y, s, r: [s + x.T @ y, r + sg.exp(y).sum(axis=0)],
        [X, steps],
        list(start),
    )
    values = {
        v: RANDOM.normal(size=v.type.shape).astype("float32") for v in (*start, steps)
    }
    rules = [sum_after_loop, read_sequence_itself, drop_unread]
    graph, history = rewritten(totals, rules, {**VALUES, **values})
    assert len(history.of("sum_after_loop")) == 2
    (loop,) = loops(graph)
    assert loop.op.states == 0
    assert ops_in_step(graph) == ["Exp"]


def test_a_sum_that_a_step_reads_stays():
    total, _ = sg.reduce(lambda x, s: s + x.T @ sg.tanh(x @ s), X, tensor("s", 3, 5))
    start = total.owner.inputs[1]
    _, history = rewritten(total, [sum_after_loop], {X: VALUES[X], start: VALUES[W]})
    assert not len(history)


def test_what_does_not_change_is_computed_before_the_loop():
    s, c = tensor("s", 5), tensor("c", 5)
    body = closed([s, c], [s * sg.exp(c)])
    power = Scan(body, 0, 1, 3)(s, c)
    values = {v: RANDOM.normal(size=5).astype("float32") for v in (s, c)}
    graph, history = rewritten(power, [hoist_invariants], values)
    assert len(history.of("hoist_invariants")) == 1
    assert ops_in_step(graph) == ["Mul"]
    assert len(graph.find(sg.ops.Exp)) == 1
    _, history = rewritten(recurrence(), [hoist_invariants], VALUES)
    assert not len(history)


def test_sizes_inside_are_sizes_outside():
    x = tensor("x", None, None)
    y, _ = sg.scan(lambda row, s: s + sg.zeros_like(row).sum(), x, np.float32(0))
    values = {x: np.ones((3, 5), "float32")}
    graph, _ = rewritten(y, [hoist_invariants, drop_unread], values)
    assert "Dim" not in ops_in_step(graph)


def test_nothing_unread_is_left():
    (a, _, c), _ = sg.scan(
        lambda x, s, t, u: [s + t.sum(), t + x.sum(), u * 2.0],
        X,
        [H, np.float32(0.0), np.float32(1.0)],
    )
    graph, history = rewritten(a, [drop_unread], VALUES)
    assert len(history) == 1
    (loop,) = loops(graph)
    assert (loop.op.states, len(loop.outputs)) == (2, 3)  # t is read by s
    graph, _ = rewritten(c, [drop_unread], VALUES)
    assert loops(graph)[0].op.sequences == 0


def test_inputs_and_outputs_given_twice_are_one():
    (a, b), _ = sg.scan(lambda x, y: [x * y, x * y + 1.0], [X, X])
    graph, _ = rewritten([a, b], [drop_unread], VALUES)
    assert loops(graph)[0].op.sequences == 1


@pytest.mark.parametrize("backwards", [False, True])
def test_the_last_of_a_stack_is_the_state(backwards):
    h, _ = sg.scan(lambda x, s: s + x.sum(), X, H, go_backwards=backwards)
    rules = [*DEFAULT] if backwards else [keep_last_only, drop_unread]
    graph, history = rewritten(h[-1], rules, VALUES)
    if not backwards:  # where it runs backwards a slice lies in between
        assert len(history.of("keep_last_only")) == 1
        assert len(loops(graph)[0].outputs) == 1
    _, history = rewritten(h[1], [keep_last_only], VALUES)
    assert not len(history)


def test_the_last_of_a_stack_of_unknown_sizes_is_the_state():
    x, start = tensor("x", None, None, 3), tensor("s", None, 3)
    h, _ = sg.scan(lambda row, s: sg.tanh(row + s), x, start)
    values = {x: VALUES[X], start: VALUES[X][0]}
    for rules in ([keep_last_only, drop_unread], [*DEFAULT]):
        graph, history = rewritten(h[-1], rules, values)
        assert len(history.of("keep_last_only")) == 1
        assert len(loops(graph)[0].outputs) == 1
    for part in (h[-1, :, 1:], h[-1, ::-1], h[-1, : x.shape[1]], h[-2]):
        _, history = rewritten(part, [keep_last_only], values)
        assert not len(history)


def test_scans_with_the_same_states_are_one():
    (a, _), _ = sg.scan(lambda x, s: [s + x.sum(), s * 2.0], X, [H, None])
    (_, b), _ = sg.scan(lambda x, s: [s + x.sum(), s * 3.0], X, [H, None])
    graph, history = rewritten(
        [a, b], [merge_scans, rewrite_steps, drop_unread], VALUES
    )
    assert len(history.of("merge_scans")) == 2
    assert len(loops(graph)) == 1
    other, _ = sg.scan(lambda x, s: s - x.sum(), X, H)
    _, history = rewritten([a, other], [merge_scans], VALUES)
    assert not len(history)


def test_a_stack_of_a_sequence_is_the_sequence():
    (same, _), _ = sg.scan(lambda x: [x, x + 1.0], X)
    graph, history = rewritten(same, [read_sequence_itself], VALUES)
    assert len(history) == 1
    assert not len(graph)


def test_steps_are_rewritten_too():
    y, _ = sg.scan(lambda x, s: s * 1.0 + (x - x * 0.0).sum() + 0.0, X, H)
    graph, history = rewritten(y, [rewrite_steps], VALUES)
    assert len(history) == 1
    assert len(loops(graph)[0].op.body.graph) < len(y.owner.op.body.graph)
    assert loops(graph)[0].op.body.settled


# --- together ---------------------------------------------------------------------


def test_a_recurrent_network_and_its_gradient():
    """Per step one product forwards and one backwards; three others, of all steps."""
    x = tensor("x", None, None, 3)
    h, _ = sg.scan(lambda a, s: sg.tanh(a @ W + s @ U), x, sg.zeros((x.shape[1], 5)))
    cost = (h * h).sum()
    values = {**VALUES, x: VALUES[X]}
    graph, _ = rewritten([cost, *sg.grad(cost, [W, U])], DEFAULT, values)
    assert len(loops(graph)) == 2
    for which in (0, 1):
        steps = ops_in_step(graph, which)
        assert steps.count("MatMul") == 1
        assert "Dim" not in steps
    assert len(graph.find(MatMul)) == 3
    backward = loops(graph)[1]
    assert backward.op.reverse
    assert backward.op.states == 1


def test_a_graph_without_loops_is_left_alone():
    graph, history = rewritten(sg.exp(X), [LOOPS], VALUES)
    assert not len(history)
    assert len(graph) == 1
