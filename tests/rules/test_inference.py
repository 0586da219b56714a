"""From training to inference: learned statistics, no dropout, frozen parameters."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import Graph, GraphError, evaluate
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.dropout import Dropout
from symgraph.ops.random import RandomStream
from symgraph.rewriting import Stage
from symgraph.rules import to_inference
from symgraph.rules.inference import drop_dropout
from tests.rules.checking import ops_of, rewritten, shared, tensor

X = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype("float32")


def normalized(x, mean_only=False, seed=0):
    """A training BN with its learned statistics, and what it should be at inference."""
    rng = np.random.default_rng(seed)
    gamma, beta, mean, variance = (shared(rng.uniform(0.5, 2, 3)) for _ in range(4))
    op = BatchNormTraining((0, 2, 3), 1e-3, mean_only)
    y, _, _ = op(x, gamma, beta)
    learned = (mean,) if mean_only else (mean, variance)
    inference = BatchNormInference((0, 2, 3), 1e-3, mean_only)
    return y, learned, inference(x, gamma, beta, mean, variance)


@pytest.mark.parametrize("mean_only", [False, True])
def test_batch_norm_reads_what_was_learned(mean_only):
    x = tensor("x", None, 3, 5, 7)
    y, learned, expected = normalized(x, mean_only)
    result = to_inference(y, {y: learned})
    assert isinstance(result.owner.op, BatchNormInference)
    assert result.owner.op.mean_only is mean_only
    values = evaluate([result, expected], {x: X})
    np.testing.assert_array_equal(*values)


def test_a_chain_of_them_and_dropout_between():
    x = tensor("x", None, 3, 5, 7)
    first, learned, _ = normalized(x)
    second, also, _ = normalized(nn.dropout(F.exp(first), 0.5, RandomStream(1)), seed=1)
    outputs = to_inference([second, first], {first: learned, second: also})
    graph = Graph([x], outputs)
    assert ops_of(graph) == ["BatchNormInference", "Exp", "BatchNormInference"]
    assert graph.shared == tuple(
        dict.fromkeys(
            [
                *graph.nodes[0].inputs[1:],
                *graph.nodes[2].inputs[1:],
            ]
        )
    )


def test_a_graph_gives_a_graph_and_the_first_stays_as_it_was():
    x = tensor("x", None, 3, 5, 7)
    y, learned, _ = normalized(x)
    graph = Graph([x], [y])
    result = to_inference(graph, {y: learned})
    assert result.inputs == (x,)
    assert ops_of(graph) == ["BatchNormTraining"]
    assert ops_of(result) == ["BatchNormInference"]


def test_statistics_may_be_asked_for_by_any_output_of_the_node():
    x = tensor("x", None, 3, 5, 7)
    y, learned, _ = normalized(x)
    mean, variance = y.owner.outputs[1:]
    y, *rest = to_inference([y, mean, variance], {mean: learned})
    assert rest == list(learned)


def test_missing_statistics_are_an_error_that_says_where():
    x = tensor("x", None, 3, 5, 7)
    y, learned, _ = normalized(x)
    with pytest.raises(GraphError, match=r"BatchNormTraining.*test_inference\.py.*2 "):
        to_inference(y)
    with pytest.raises(GraphError, match="got 1"):
        to_inference(y, {y: learned[:1]})


def test_freezing_makes_constants_of_what_is_shared_now():
    x = tensor("x", None, 3, 5, 7)
    y, learned, expected = normalized(x)
    frozen = to_inference(Graph([x], [y]), {y: learned}, freeze=True)
    before = evaluate([expected], {x: X})
    learned[0].set_value(np.zeros(3, "float32"))
    assert frozen.shared == ()
    np.testing.assert_array_equal(evaluate(frozen.outputs, {x: X}), before)


def test_random_states_are_not_frozen():
    x = tensor("x", None, 5)
    stream = RandomStream(1)
    noisy = x + stream.uniform((5,))
    frozen = to_inference(Graph([x], [noisy]), freeze=True)
    assert frozen.shared == (stream.state,)


@pytest.mark.parametrize("rate", [0.25, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_is_its_expectation(rate, dtype):
    x = tensor("x", None, 5, dtype=dtype)
    stream = RandomStream(7)
    y = nn.dropout(x, rate, stream)
    result = to_inference(y)
    assert result is x
    values = np.ones((4000, 5), dtype)
    (dropped,) = evaluate([y], {x: values})
    np.testing.assert_allclose(dropped.mean(), values.mean(), atol=0.03)
    graph, _ = rewritten(
        Graph([x], [x * 2.0]), (Stage("s", (drop_dropout,)),), {x: values}
    )
    assert not graph.find(Dropout)
