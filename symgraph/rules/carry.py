"""How an affine map passes an op: f(m(x)) = m'(f(x)).

``carry_forward`` takes a map from an input of a node to its output, ``carry_back``
from the output to the inputs. Both say ``Declined`` where there is no such map.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgraph.graph import Apply
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.average_pool import AveragePool2D
from symgraph.ops.join import Concatenate
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.reduce import Sum
from symgraph.ops.shape import Reshape, Transpose
from symgraph.ops.special import Relu
from symgraph.ops.subtensor import Subtensor
from symgraph.rewriting import Context, Declined
from symgraph.rules.affine_map import Map, elementwise_map, map_of
from symgraph.rules.passages import (
    split_by_parts,
    through_concatenate,
    through_pool,
    through_relu,
    through_reshape,
    through_subtensor,
    through_sum,
    through_transpose,
)

# Ops that a map may pass, beside those that are maps themselves.
PASSABLE = (
    Relu,
    MaxPool2D,
    AveragePool2D,
    Reshape,
    Transpose,
    Concatenate,
    Subtensor,
    Sum,
)
PASSABLE_BACK = (Relu, MaxPool2D, AveragePool2D, Reshape, Transpose, Concatenate)


@dataclass(frozen=True)
class Carried:
    """f(m(x)) = after(f(before(x)))."""

    before: Map | None
    after: Map


def carry_forward(
    node: Apply, position: int, map: Map, context: Context
) -> Carried | Declined:
    """From input number ``position`` of ``node`` to its output."""
    x = node.inputs[position]
    if position != 0 and isinstance(node.op, (Affine, AddBias)):
        return Declined("it is a parameter of another map")
    match node.op:
        case Affine() | AddBias():
            after: Map | Declined | None = map.then(map_of(node), x.type.shape)
        case Relu():
            both = through_relu(map)
            return both if isinstance(both, Declined) else Carried(*both)
        case MaxPool2D() | AveragePool2D():
            after = through_pool(node, map)
        case Reshape():
            after = through_reshape(map, x, node.outputs[0])
        case Transpose(axes=axes):
            after = through_transpose(map, axes)
        case Concatenate():
            after = through_concatenate(node, position, map, context)
        case Subtensor():
            after = through_subtensor(node, map)
        case Sum():
            after = through_sum(node, map)
        case _:
            own = elementwise_map(node, position, context)
            if own is None:
                return Declined(f"an affine map cannot pass {node.op}")
            after = map.then(own, x.type.shape)
    if after is None:
        return Declined(f"a size of {x.type} is not known")
    return after if isinstance(after, Declined) else Carried(None, after)


def carry_back(node: Apply, map: Map) -> list[Map] | Declined:
    """From the output of ``node`` to its inputs, one map for each."""
    x, y = node.inputs[0], node.outputs[0]
    match node.op:
        case Relu():
            if map.shift is not None or not map.is_increasing:
                return Declined("only a positive scale without a shift passes a relu")
            before: Map | Declined = map
        case MaxPool2D() | AveragePool2D():
            before = through_pool(node, map)
        case Reshape():
            before = through_reshape(map, y, x)
        case Transpose(axes=axes):
            inverse = sorted(range(len(axes)), key=axes.__getitem__)
            before = through_transpose(map, inverse)
        case Concatenate():
            return split_by_parts(node, map)
        case _:
            before = Declined(f"an affine map cannot be taken before {node.op}")
    return before if isinstance(before, Declined) else [before]
