"""The graph of units: which unit is computed from which, and in what order they go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import networkx

from symgraph.graph import Apply, Variable
from symgraph.lowering.units import Unit


class Quotient:
    """The units of ``unit_of``, which may change, and the paths between them.

    A node comes after what it ``waits_for``, as after its inputs.
    """

    def __init__(
        self,
        unit_of: Mapping[Apply, Unit],
        waits_for: Callable[[Apply], Collection[Variable]],
    ) -> None:
        self._unit_of = unit_of
        self._waits_for = waits_for

    def ordered(self) -> list[Unit]:
        """All units, users after what they use, earliest nodes first."""
        quotient: networkx.DiGraph[Unit] = networkx.DiGraph()
        units = dict.fromkeys(self._unit_of.values())
        quotient.add_nodes_from(units)
        for unit in units:
            quotient.add_edges_from((source, unit) for source in self.sources(unit))
        return list(
            networkx.lexicographical_topological_sort(quotient, key=lambda u: u.first)
        )

    def needs(self, unit: Unit, other: Unit) -> bool:
        """Whether anything in ``unit`` is computed from what ``other`` makes."""
        return other in self.sources(unit) or self.reaches(other, unit)

    def reaches(self, start: Unit, end: Unit) -> bool:
        """Whether a path from ``start`` to ``end`` passes through a third unit."""
        waiting = [u for u in self.sources(end) if u is not start]
        seen: set[Unit] = set()
        while waiting:
            unit = waiting.pop()
            if unit is start:
                return True
            if unit in seen or unit.last < start.first:
                continue
            seen.add(unit)
            waiting.extend(self.sources(unit))
        return False

    def sources(self, unit: Unit) -> list[Unit]:
        """The units that ``unit`` reads from, or waits for."""
        found = (
            self._unit_of.get(p) for node in unit.nodes for p in self._before(node)
        )
        return list(dict.fromkeys(u for u in found if u is not None and u is not unit))

    def _before(self, node: Apply) -> list[Apply]:
        waited_for = (v.owner for v in self._waits_for(node))
        return [*producers(node), *(p for p in waited_for if p is not None)]


def producers(node: Apply) -> list[Apply]:
    """What computes the node's inputs."""
    return [v.owner for v in node.inputs if v.owner is not None]
