"""From the graph that is trained to the graph that is used.

In training, batch normalization takes its statistics from the batch and dropout draws
masks. ``to_inference`` makes the same graph with the statistics that were learned, and
without dropout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from symgraph.graph import Apply, Constant, Graph, GraphError, Variable
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.creation import ones_like
from symgraph.ops.dropout import Dropout
from symgraph.rewriting import (
    GraphPass,
    Stage,
    graph_pass,
    node,
    rewrite,
    rewrite_graph,
    wildcards,
)
from symgraph.rules.pipeline import graph_of

x, mask = wildcards("x mask")

# The learned (mean, variance) of a batch normalization, or its (mean,) alone.
Statistics = Mapping[Variable, Sequence[Variable]]


@rewrite(node(Dropout)(x, mask), label="exact")
def drop_dropout(x):
    """dropout(x)  ->  x, its expectation"""
    return x


def read_statistics(statistics: Statistics) -> GraphPass:
    """The pass that gives each batch normalization the statistics learned for it.

    ``statistics`` maps any output of a ``BatchNormTraining`` node to what was learned.
    """
    learned = {v.owner: tuple(values) for v, values in statistics.items()}

    @graph_pass("exact")
    def use_learned_statistics(graph: Graph) -> Mapping[Variable, Variable]:
        """The mean and variance of the batch  ->  those learned"""
        found: dict[Variable, Variable] = {}
        for training in graph.find(BatchNormTraining):
            found.update(_inference(training, learned.get(training, ())))
        return found

    return use_learned_statistics


@graph_pass("exact")
def freeze_shared(graph: Graph) -> Mapping[Variable, Variable]:
    """shared variable  ->  the constant it holds now (random states excepted)"""
    frozen = [v for v in graph.shared if v.default_update is None]
    return {v: Constant(v.get_value(), v.name) for v in frozen}


@overload
def to_inference(
    outputs: Graph, statistics: Statistics | None = None, freeze: bool = False
) -> Graph: ...
@overload
def to_inference(
    outputs: Variable, statistics: Statistics | None = None, freeze: bool = False
) -> Variable: ...
@overload
def to_inference(
    outputs: Sequence[Variable],
    statistics: Statistics | None = None,
    freeze: bool = False,
) -> list[Variable]: ...
def to_inference(
    outputs: Graph | Variable | Sequence[Variable],
    statistics: Statistics | None = None,
    freeze: bool = False,
) -> Graph | Variable | list[Variable]:
    """The graph for inference of one for training, given as it is wanted back.

    ``statistics`` maps an output of each ``BatchNormTraining`` node to the learned
    ``(mean, variance)``, or ``(mean,)`` where only the mean is normalized. With
    ``freeze`` shared variables become constants of their present values.

    Raises ``GraphError`` where a batch normalization has no statistics.
    """
    passes = (drop_dropout, *((freeze_shared,) if freeze else ()))
    stages = (  # statistics first: they belong to nodes of the graph as it was given
        Stage("statistics", (read_statistics(statistics or {}),)),
        Stage("inference", passes),
    )
    if isinstance(outputs, Graph):
        return rewrite_graph(outputs, stages)[0]
    if isinstance(outputs, Variable):
        return rewrite_graph(graph_of([outputs]), stages)[0].outputs[0]
    return list(rewrite_graph(graph_of(outputs), stages)[0].outputs)


def _inference(
    training: Apply, learned: Sequence[Variable]
) -> dict[Variable, Variable]:
    """What replaces each output of a ``BatchNormTraining`` node."""
    op: Any = training.op
    (x, gamma, beta), (y, mean, variance) = training.inputs, training.outputs
    expected = 1 if op.mean_only else 2
    if len(learned) < expected:
        raise GraphError(
            f"to_inference: {op}, applied at {training.site}, expects {expected} "
            f"learned statistics, got {len(learned)}"
        )
    inference = BatchNormInference(op.axes, op.epsilon, op.mean_only)
    known = (*learned, ones_like(learned[0]))[:2]
    return {y: inference(x, gamma, beta, *known), mean: known[0], variance: known[1]}
