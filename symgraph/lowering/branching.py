"""``IfElse``: the branch that is taken goes to the result's memory, under a guard.

All that only one branch needs is lowered with that branch's guard, which the builder
gives to its kernels; where a branch ends in a kernel of its own, that stores to the
result at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph import Apply, Variable
from symgraph.graph.guards import ALWAYS, Literal
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import copy
from symgraph.lowering.values import Number
from symgraph.ops.branching import IfElse


def give_branches_places(builder: Builder, nodes: Sequence[Apply]) -> None:
    """Memory for the results, and for the ends of branches the same."""
    for node in reversed(nodes):
        if not isinstance(node.op, IfElse) or _known_branch(builder, node) is not None:
            continue
        with builder.at(node):
            target = builder.destination(node.outputs[0])
        for variable, literal in _branches(node):
            if _ends_in(builder, variable, node, literal):
                builder.places[variable] = target


def lower_ifelse(builder: Builder, node: Apply) -> None:
    """Each branch to the result, unless it was computed there; or one that is known."""
    output, known = node.outputs[0], _known_branch(builder, node)
    for mine, theirs in zip(*map(builder.shape, node.inputs[1:]), strict=True):
        builder.shapes.require(mine, theirs, node)
    if known is not None:
        value = builder.value(known)
        is_number = isinstance(value, Number)
        builder.values[output] = value if is_number else builder.stored(known)
        return
    target = builder.stored(output)
    for variable, literal in _branches(node):
        with builder.where(literal):
            value = builder.value(variable)
            if value != target:
                builder.emit(copy(value, target))


def _branches(node: Apply) -> list[tuple[Variable, Literal]]:
    condition, x, y = node.inputs
    return [(x, Literal(condition, True)), (y, Literal(condition, False))]


def _known_branch(builder: Builder, node: Apply) -> Variable | None:
    """The branch that is taken wherever the node runs, if it runs in one of its own."""
    guard = builder.guards.get(node, ALWAYS)
    return next((v for v, literal in _branches(node) if literal in guard), None)


def _ends_in(
    builder: Builder, variable: Variable, node: Apply, literal: Literal
) -> bool:
    """Whether a branch that computes ``variable`` does so for the node alone."""
    maker = variable.owner
    if maker is None or builder.is_delivered(variable):
        return False
    if (variable in builder.invariant) != (node.outputs[0] in builder.invariant):
        return False
    guard = builder.guards.get(node, ALWAYS) | {literal}
    return builder.guards.get(maker, ALWAYS) == guard
