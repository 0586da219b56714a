"""What is computed from constants alone is computed now, by the ops' references."""

from __future__ import annotations

import numpy as np

from symgraph.graph import Apply, Constant, Op, SymgraphError, Variable, evaluate
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.shape import BroadcastTo
from symgraph.rewriting import Declined, Rule, node, rewrite

# A value larger than this, and than what it is computed from, is left to run time.
SMALL_BYTES = 4096


def _is_known(variable: Variable) -> bool:
    """Whether it is a constant, or one broadcast to a known shape."""
    node = variable.owner
    if node is not None and isinstance(node.op, BroadcastTo):
        return len(node.inputs) == 1 and isinstance(node.inputs[0], Constant)
    return isinstance(variable, Constant)


def _bytes(variable: Variable) -> int:
    source = variable if variable.owner is None else variable.owner.inputs[0]
    return source.data.nbytes if isinstance(source, Constant) else 0


def _is_foldable(node: Apply) -> bool:
    if isinstance(node.op, BroadcastTo) or not node.inputs:
        return False
    return all(_is_known(v) for v in node.inputs)


def _is_of_broadcasts(node: Apply) -> bool:
    """Whether all inputs are broadcast from one shape to one other."""
    spreads = [v.owner for v in node.inputs if v.owner is not None]
    if len(spreads) < len(node.inputs) or not spreads:
        return False
    first = spreads[0]
    return isinstance(first.op, BroadcastTo) and all(
        n.op == first.op
        and n.inputs[1:] == first.inputs[1:]
        and n.inputs[0].type.shape == first.inputs[0].type.shape
        for n in spreads
    )


@rewrite(
    node(Op)(...).where(_is_foldable, "constant inputs, and no mere broadcast"),
    label="exact",
)
def fold_constants(root):
    """f(constants)  ->  the constant it is, unless that would be much larger"""
    try:
        values = evaluate(root.outputs)
    except (SymgraphError, ValueError, IndexError, ArithmeticError) as error:
        return Declined(f"its value cannot be computed: {error}")
    size = sum(value.nbytes for value in values)
    allowed = max(SMALL_BYTES, sum(_bytes(v) for v in root.inputs))
    if size > allowed:
        return Declined(f"the value has {size} bytes, more than {allowed}")
    return tuple(Constant(np.asarray(value)) for value in values)


@rewrite(
    node(Elementwise)(...).where(_is_of_broadcasts, "inputs broadcast alike"),
    label="exact",
)
def compute_before_broadcast(root):
    """f(broadcast(x), broadcast(y))  ->  broadcast(f(x, y))"""
    spreads = [v.owner for v in root.inputs]
    inner = root.op(*(spread.inputs[0] for spread in spreads))
    return spreads[0].op(inner, *spreads[0].inputs[1:])


CONSTANT_FOLDING: tuple[Rule, ...] = (compute_before_broadcast, fold_constants)
