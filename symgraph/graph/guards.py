"""Which values are needed only where a condition holds: the branches of an ``ifelse``.

An op may need an input only where its first input holds, or only where it does not
(``Op.needs``). What only such inputs are computed from is needed only there. The
*guard* of a node is the set of such conditions: where one of them fails, nobody reads
the node's outputs, and it need not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from symgraph.graph.op import Apply
from symgraph.graph.variable import Variable


class Literal(NamedTuple):
    """A bool scalar that must hold, or must not."""

    condition: Variable
    holds: bool


Guard: TypeAlias = frozenset[Literal]
ALWAYS: Guard = frozenset()


def guards_of(
    nodes: Sequence[Apply], outputs: Iterable[Variable]
) -> dict[Apply, Guard]:
    """The guards that are not empty, of nodes in the order of a graph.

    What two branches of one condition need, or a branch and something else, is needed
    under what both agree on.
    """
    if not any(map(_has_branches, nodes)):
        return {}
    wanted: dict[Variable, Guard] = dict.fromkeys(outputs, ALWAYS)
    guards: dict[Apply, Guard] = {}
    for node in reversed(nodes):
        found = [wanted[v] for v in node.outputs if v in wanted]
        guard = frozenset.intersection(*found) if found else ALWAYS
        if guard:
            guards[node] = guard
        for place, variable in enumerate(node.inputs):
            mine = guard | _literals(node, place)
            wanted[variable] = wanted.get(variable, mine) & mine
    return guards


def _has_branches(node: Apply) -> bool:
    return any(node.op.needs(place) is not None for place in range(len(node.inputs)))


def _literals(node: Apply, place: int) -> Guard:
    need = node.op.needs(place)
    return ALWAYS if need is None else frozenset([Literal(node.inputs[0], need)])
