"""Ops that are names for expressions of others, written out before lowering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symgraph.graph import Apply, Graph, Variable, clone_with, inherit_site, toposort
from symgraph.graph.traversal import reapply
from symgraph.lowering.failures import LoweringError
from symgraph.lowering.table import EXPANSIONS, has_lowering
from symgraph.ops.scan import Scan
from symgraph.ops.scan_body import Body

Rebuild = Callable[[Apply, Sequence[Variable]], Sequence[Variable]]


def expand_all(graph: Graph) -> Graph:
    """The graph with only ops that have a lowering; values are the same."""
    while any(not has_lowering(node) for node in graph.nodes):
        starts = {
            output: fresh
            for node in graph.nodes
            if not has_lowering(node)
            for output, fresh in zip(node.outputs, _expanded(node), strict=True)
        }
        graph = Graph(graph.inputs, _replaced(graph, starts))
    return graph


def _replaced(graph: Graph, starts: dict[Variable, Variable]) -> list[Variable]:
    """Outputs rebuilt with each expanded node replaced, also below another one."""
    order = toposort(graph.outputs, stop=graph.inputs)
    new: dict[Variable, Variable] = {}
    for node in order:
        inputs = [new.get(v, v) for v in node.inputs]
        if node.outputs[0] in starts:
            bodies = [starts[v] for v in node.outputs]
            known = dict(zip(node.inputs, inputs, strict=True))
            fresh: Sequence[Variable] = clone_with(bodies, known)
        elif all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            continue
        else:
            fresh = reapply(node, inputs)
        new.update(zip(node.outputs, fresh, strict=True))
    return [new.get(v, v) for v in graph.outputs]


def _expanded(node: Apply) -> Sequence[Variable]:
    expansion = EXPANSIONS.get(type(node.op))
    with inherit_site(node.site):
        if isinstance(node.op, Scan):
            body = Body(expand_all(node.op.body.graph))
            result = replace(node.op, body=body)(*node.inputs)
        elif expansion is not None:
            result = expansion(node.op, *node.inputs)
        else:
            result = node.op.expand(*node.inputs)
    if result is None:
        raise LoweringError(
            f"{node.op}: no kernel computes it and it has no expand(), which would "
            "say it in other ops; give it one (see examples/own_op.py), or compile "
            f'with mode="numpy"\n  applied at {node.site}'
        )
    return result if isinstance(result, tuple) else (result,)
