"""Rewriting with every step checked on values, for the tests of rules."""

from __future__ import annotations

import numpy as np

from symgraph.graph import (
    Constant,
    Graph,
    SharedVariable,
    TensorType,
    Variable,
    evaluate,
    leaves_of,
)
from symgraph.rewriting import Stage, Validator, explain, rewrite_graph


def tensor(name: str, *shape: int | None, dtype: str = "float32") -> Variable:
    return Variable(TensorType(dtype, shape), name=name)


def shared(value, name: str = "p", dtype: str = "float32") -> SharedVariable:
    data = np.asarray(value, dtype)
    return SharedVariable(data, name, TensorType(dtype, data.shape))


def graph_of(*outputs: Variable) -> Graph:
    leaves = leaves_of(outputs)
    free = [v for v in leaves if not isinstance(v, (Constant, SharedVariable))]
    return Graph(free, outputs)


def rewritten(outputs, rules, values):
    """The graph after ``rules``, each step and the outputs checked on ``values``."""
    graph = graph_of(*outputs) if isinstance(outputs, (tuple, list)) else outputs
    graph = graph_of(graph) if isinstance(graph, Variable) else graph
    stages = rules if isinstance(rules[0], Stage) else (Stage("test", tuple(rules)),)
    result, history = rewrite_graph(graph, stages, check=Validator(values))
    before, after = evaluate(graph.outputs, values), evaluate(result.outputs, values)
    for old, new in zip(before, after, strict=True):
        assert old.dtype == new.dtype
        assert old.shape == new.shape
        np.testing.assert_allclose(new, old, 1e-4, 1e-4)
    for step in history:
        if step.rule != "normalize_sizes":  # one size serves many lines
            check_provenance(step, history)
    return result, history


def check_provenance(step, history):
    """What a step made comes from what it covered, at the same line."""
    for made in step.made:
        assert history.provenance.origins[made].rule == step.rule
        assert set(history.provenance.origins[made].sources) == set(step.covered)
        if step.rule != "hoist_invariants":  # what it moves keeps its own line
            assert made.site == step.where


def ops_of(graph) -> list[str]:
    return [type(node.op).__name__ for node in graph]


def why_not(rule, variable, *outputs) -> str:
    """The reason ``rule`` gives at ``variable`` in the graph of ``outputs``."""
    return str(explain(rule, variable, graph_of(*(outputs or (variable,)))).reason)
