"""Looking ahead: can an affine map be folded on this side, through what lies between?

A map moves only when the answer is yes, so that it never comes to rest half way.
"""

from __future__ import annotations

from symgraph.graph import Apply, Variable, describe
from symgraph.ops.conv import Conv2D
from symgraph.ops.linalg import MatMul
from symgraph.rewriting import Context, Declined
from symgraph.rules.absorb import absorb_after, absorb_before
from symgraph.rules.affine_map import Map, is_map, map_of
from symgraph.rules.carry import carry_back, carry_forward

# How many ops a map is followed through.
FAR = 64


def settles_before(variable: Variable, map: Map, context: Context) -> Declined | None:
    """Why the map cannot go into what computes ``variable``; None if it can."""
    waiting = [(variable, map)]
    for _ in range(FAR):
        if not waiting:
            return None
        current, moved = waiting.pop()
        node = context.owner(current)
        if node is None:
            return Declined(f"nothing computes {describe(current)}")
        if context.uses(current) > 1:
            return Declined(f"{node.op} is used {context.uses(current)} times")
        further = _taken_back(node, moved, context)
        if isinstance(further, Declined):
            return further
        waiting += further
    return Declined(f"there are more than {FAR} ops before it")


def _taken_back(
    node: Apply, map: Map, context: Context
) -> list[tuple[Variable, Map]] | Declined:
    """The inputs of ``node`` to which its map goes on; none where the node takes it."""
    if is_map(node) and map.scale is not None:
        x = node.inputs[0]
        both = map_of(node).then(map, x.type.shape)
        if both is None:
            return Declined(f"a size of {x.type} is not known")
        return [(x, both)]
    if is_map(node) or (_is_kernel(node) and map.scale is None):
        return []
    if _is_kernel(node):
        result = absorb_before(node, map, context)
        return result if isinstance(result, Declined) else []
    maps = carry_back(node, map)
    if isinstance(maps, Declined):
        return maps
    return [*zip(node.inputs, maps, strict=False)]


def settles_behind(
    variable: Variable, source: Variable, map: Map, context: Context
) -> Declined | None:
    """Why the map of ``variable`` cannot go into all its users; None if it can.

    ``variable`` is the map of ``source``, or will be.
    """
    waiting = [(variable, source, map)]
    for _ in range(FAR):
        if not waiting:
            return None
        current, source, moved = waiting.pop()
        for user, position in context.clients(current):
            if user is None:
                return Declined("it is an output of the graph")
            if _is_kernel(user):
                result = absorb_after(user, position, moved, source, context)
                if isinstance(result, Declined):
                    return result
                continue
            if is_map(user) and context.uses(current) > 1:
                return Declined(f"{user.op} and others use it")
            carried = carry_forward(user, position, moved, context)
            if isinstance(carried, Declined):
                return carried
            waiting.append((user.outputs[0], user.outputs[0], carried.after))
    return Declined(f"there are more than {FAR} ops behind it")


def _is_kernel(node: Apply) -> bool:
    return isinstance(node.op, (Conv2D, MatMul))
