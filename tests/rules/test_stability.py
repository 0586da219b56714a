"""Stable forms: equal where both are finite, right where the written form is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.autodiff import grad
from symgraph.graph import Graph, evaluate
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.rewriting import rewrite_graph
from symgraph.rules import CANONICALIZE, STABILIZE
from symgraph.rules.softmax import (
    exponential_of_log_softmax,
    log_of_sum_of_exponentials,
    shift_softmax,
    write_as_softmax,
)
from symgraph.rules.stability import STABILITY
from tests.rules.checking import graph_of, ops_of, rewritten, tensor, why_not

ARRANGING = {"BroadcastTo", "Reshape", "Dim"}
STAGES = (CANONICALIZE, STABILIZE, CANONICALIZE)

FORMS = {
    "log softmax": (lambda x: F.log(nn.softmax(x)), ["LogSoftmax"]),
    "exp log_softmax": (lambda x: F.exp(nn.log_softmax(x)), ["Softmax"]),
    "softmax written out": (
        lambda x: F.exp(x) / F.sum(F.exp(x), axis=1, keepdims=True),
        ["Softmax"],
    ),
    "softmax written out, shifted": (
        lambda x: (
            F.exp(x - x.max(axis=0, keepdims=True))
            / F.exp(x - x.max(axis=0, keepdims=True)).sum(axis=0, keepdims=True)
        ),
        ["Softmax"],
    ),
    "log(1 + x)": (lambda x: F.log(1.0 + F.abs(x)), ["Abs", "Log1p"]),
    "log(1 - x)": (lambda x: F.log(1.0 - F.tanh(x)), ["Tanh", "Neg", "Log1p"]),
    "exp(x) - 1": (lambda x: F.exp(x) - 1.0, ["Expm1"]),
    "log(1 + exp(x))": (lambda x: F.log(1.0 + F.exp(x)), ["Softplus"]),
    "1 / (1 + exp(-x))": (lambda x: 1.0 / (1.0 + F.exp(-x)), ["Sigmoid"]),
    "reciprocal": (lambda x: F.reciprocal(F.exp(-x) + 1.0), ["Sigmoid"]),
    "exp(x) / (1 + exp(x))": (lambda x: F.exp(x) / (1.0 + F.exp(x)), ["Sigmoid"]),
    "1 / (1 + exp(x))": (lambda x: 1.0 / (1.0 + F.exp(x)), ["Neg", "Sigmoid"]),
    "1 - sigmoid": (lambda x: 1.0 - nn.sigmoid(x), ["Neg", "Sigmoid"]),
    "log sigmoid": (lambda x: F.log(nn.sigmoid(x)), ["Neg", "Softplus", "Neg"]),
    "log(1 - sigmoid)": (lambda x: F.log(1.0 - nn.sigmoid(x)), ["Softplus", "Neg"]),
    "log exp": (lambda x: F.log(F.exp(x)), []),
    "sqrt square": (lambda x: F.sqrt(F.square(x)), ["Abs"]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_form(form, dtype):
    build, expected = FORMS[form]
    x = tensor("x", None, 5, dtype=dtype)
    values = {x: np.linspace(-3, 3, 15).reshape(3, 5).astype(dtype)}
    result, _ = rewritten(build(x), STAGES, values)
    assert [op for op in ops_of(result) if op not in ARRANGING] == expected


@pytest.mark.parametrize(
    ("form", "value", "right"),
    [
        ("log softmax", [[0, 200]], [[-200, 0]]),
        ("log(1 + x)", [[1e-10, 0]], [[1e-10, 0]]),
        ("exp(x) - 1", [[1e-10, 0]], [[1e-10, 0]]),
        ("log(1 + exp(x))", [[200, -200]], [[200, 0]]),
        ("exp(x) / (1 + exp(x))", [[200, -200]], [[1, 0]]),
        ("log sigmoid", [[-200, 200]], [[-200, 0]]),
        ("log(1 - sigmoid)", [[200, -200]], [[-200, 0]]),
        ("log exp", [[200, -200]], [[200, -200]]),
        ("sqrt square", [[1e30, -1e30]], [[1e30, 1e30]]),
    ],
)
def test_it_is_right_where_the_written_form_is_not(form, value, right):
    x = tensor("x", None, 2)
    value, graph = np.array(value, "float32"), graph_of(FORMS[form][0](x))
    result, _ = rewrite_graph(graph, STAGES)
    (before,), (after,) = (evaluate(g.outputs, {x: value}) for g in (graph, result))
    np.testing.assert_allclose(after, np.array(right, "float32"), 1e-5, 1e-30)
    assert not np.allclose(before, right, 1e-5, 1e-30)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_log_of_a_sum_of_exponentials(axis, keepdims):
    x = tensor("x", 2, 3, 5)
    total = F.log(F.exp(x).sum(axis=axis, keepdims=keepdims))
    value = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    result, history = rewritten(total, STABILITY, {x: value})
    expected = 0 if keepdims and axis != () else 1
    assert history.counts().get("log_of_sum_of_exponentials", 0) == expected
    if expected:
        huge = evaluate(result.outputs, {x: value + 300})[0]
        small = evaluate(result.outputs, {x: value})[0]
        np.testing.assert_allclose(huge, small + 300, rtol=1e-5)


def test_near_misses():
    x = tensor("x", 3, 5)
    probabilities = nn.log_softmax(x)
    powers = F.exp(probabilities)
    reason = why_not(exponential_of_log_softmax, powers, powers, probabilities)
    assert "is used 2 times" in reason
    stable = F.logsumexp(x, axis=1)
    (logarithm,) = graph_of(stable).find(type(F.log(x).owner.op))
    reason = why_not(log_of_sum_of_exponentials, logarithm.outputs[0], stable)
    assert reason == "the maximum is subtracted already"
    wrong_axis = F.exp(x) / F.exp(x).sum(axis=1)[:3].dimshuffle("x", 0).sum()
    assert "divided by their sum" in why_not(write_as_softmax, wrong_axis)
    shifted = nn.softmax(x - x.max(axis=0, keepdims=True), axis=1)
    assert "subtracted along the axis" in why_not(shift_softmax, shifted)


GRADIENTS = {
    "log softmax": lambda x: F.log(nn.softmax(x)),
    "log sigmoid": lambda x: F.log(nn.sigmoid(x)),
    "log(1 - sigmoid)": lambda x: F.log(1.0 - nn.sigmoid(x)),
    "log(1 + exp(x))": lambda x: F.log(1.0 + F.exp(x)),
}


@pytest.mark.parametrize("form", GRADIENTS)
def test_gradients_are_stable_too(form):
    x, weight = tensor("x", None, 3), tensor("w", None, 3)
    (gradient,) = grad((weight * GRADIENTS[form](x)).sum(), [x])
    values = {
        x: np.array([[0.5, -1, 2], [3, 0, 1]], "float32"),
        weight: np.array([[1, 0, 0.5], [0, 2, 1]], "float32"),
    }
    result, _ = rewritten(Graph([x, weight], [gradient]), STAGES, values)
    extreme = {x: np.array([[-300, 300, 0]], "float32"), weight: np.ones((1, 3), "f4")}
    (after,) = evaluate(result.outputs, extreme)
    assert np.isfinite(after).all()


def test_a_quotient_by_what_may_be_zero_is_kept():
    x, y = tensor("x", 3), tensor("y", 3)
    _, history = rewritten(
        [(x / y) * y, y * (x / y - x)],
        STABILITY,
        dict.fromkeys((x, y), np.ones(3, "f4")),
    )
    assert not history


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FORMS)),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 10_000),
)
def test_any_form_at_any_shape(form, rows, columns, seed):
    x = tensor("x", None, columns)
    value = np.random.default_rng(seed).normal(size=(rows, columns)) * 3
    rewritten(FORMS[form][0](x), STAGES, {x: value.astype("float32")})
