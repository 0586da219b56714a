"""Common subexpressions: nodes that are equal by op and inputs are one node."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symgraph.graph import Apply, Constant, Graph, Op, Variable
from symgraph.ops.arithmetic import Add, Mul
from symgraph.ops.extrema import Maximum, Minimum
from symgraph.rewriting import graph_pass

# Ops whose two inputs may be exchanged without changing a bit.
COMMUTING: tuple[type[Op], ...] = (Add, Mul, Maximum, Minimum)

# Constants up to this size are compared whole; of larger ones a sample comes first.
_SAMPLE_BYTES = 1024


@graph_pass("exact")
def merge_equal_nodes(graph: Graph) -> Mapping[Variable, Variable]:
    """Nodes with equal ops and equal inputs are one; so are equal constants.

    Two draws of random numbers differ by their static ``stream``, so they stay two.
    """
    same = _equal_constants(graph)
    first: dict[object, Apply] = {}
    for node in graph.nodes:
        kept = first.setdefault(_key(node, same), node)
        if kept is not node:
            same.update(zip(node.outputs, kept.outputs, strict=True))
    return same


def _key(node: Apply, same: Mapping[Variable, Variable]) -> object:
    inputs = tuple(same.get(v, v) for v in node.inputs)
    if isinstance(node.op, COMMUTING):
        return node.op, frozenset(inputs)
    return node.op, inputs


def _equal_constants(graph: Graph) -> dict[Variable, Variable]:
    same: dict[Variable, Variable] = {}
    alike: dict[object, list[Constant]] = {}
    for leaf in graph.leaves:
        if not isinstance(leaf, Constant):
            continue
        candidates = alike.setdefault(_sample(leaf), [])
        equal = next((c for c in candidates if _are_equal(c, leaf)), None)
        if equal is None:
            candidates.append(leaf)
        else:
            same[leaf] = equal
    return same


def _sample(constant: Constant) -> object:
    """Equal for equal constants, and cheap for large ones."""
    data = constant.data
    if data.nbytes <= _SAMPLE_BYTES:
        return constant.type, data.tobytes()
    step = data.nbytes // _SAMPLE_BYTES
    return constant.type, data.reshape(-1).view(np.uint8)[::step].tobytes()


def _are_equal(left: Constant, right: Constant) -> bool:
    """Whether every bit is the same."""
    mine, theirs = (c.data.reshape(-1).view(np.uint8) for c in (left, right))
    return bool(np.array_equal(mine, theirs))
