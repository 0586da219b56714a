"""What is fused with what: a graph cut into units, each lowered as one.

A unit is a kernel with the chain of pointwise ops that becomes its epilogue, a group
of pointwise ops over one index space that becomes one loop nest, twins that one sweep
over their operands computes, or a single op. A merge is legal when no path leaves the
unit and comes back (convexity), judged on the graph of units, not of nodes, so that the
units always have an order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from symgraph.graph import Apply, Variable
from symgraph.lowering.quotient import Quotient, producers
from symgraph.lowering.units import Rules, Unit
from symgraph.lowering.waiting import Waiting

_DRAWN_IN = 4  # members of a group that an epilogue computes for itself
_LARGEST = 64  # members of a group: keeps one loop body, and its compile time, small


def plan(
    nodes: Sequence[Apply], outputs: Collection[Variable], rules: Rules
) -> list[Unit]:
    """The units of ``nodes``, in an order in which they can be lowered."""
    planner = _Planner(nodes, outputs, rules)
    for node in nodes:
        planner.place(node)
    return planner.units.ordered()


class _Planner:
    def __init__(
        self, nodes: Sequence[Apply], outputs: Collection[Variable], rules: Rules
    ) -> None:
        self.rules = rules
        self.number = {node: i for i, node in enumerate(nodes)}
        self.unit_of: dict[Apply, Unit] = {}
        self.units = Quotient(self.unit_of, rules.waits_for)
        self.outputs = set(outputs)
        self.waiting = Waiting(rules, self.outputs, _DRAWN_IN)

    def place(self, node: Apply) -> None:
        """Give ``node`` a unit of its own, then merge it where that is legal."""
        number = self.number[node]
        head = node if self.rules.takes_epilogue(node) else None
        unit = Unit([node], number, number, head)
        self.unit_of[node] = unit
        if self.rules.is_pooling(node):
            self._pools_a_kernel(node)
        if self.rules.is_channel_sums(node):
            self._sums_a_kernel(node)
        self._joins_a_twin(node)
        if not self.rules.is_pointwise(node) or self._continues_a_kernel(node):
            return
        waits = self.waiting.take(node)
        for producer in producers(node):
            if (producer in self.waiting.nodes) == waits:
                self._merge_groups(self.unit_of.get(producer), node)

    def _pools_a_kernel(self, node: Apply) -> None:
        """Make ``node`` a part of the kernel before it, where that can pool."""
        for producer in producers(node):
            unit = self.unit_of.get(producer)
            if unit is not None and self._can_pool(unit, node):
                unit.pooling, unit.before = node, unit.nodes[1:]
                unit.absorb(self.unit_of[node])
                self.unit_of[node] = unit

    def _sums_a_kernel(self, node: Apply) -> None:
        """Make ``node`` a part of the kernel whose results it sums, if it can be."""
        result, *others = node.inputs
        makers = [v.owner for v in others if v.owner is not None]
        unit = None if result.owner is None else self.unit_of.get(result.owner)
        if unit is None or not self._can_sum(unit, node, makers):
            return
        unit.summed_with = self._draw_in(unit, node, result)
        unit.sums = node
        unit.nodes.append(node)
        unit.last = max(unit.last, self.number[node])
        self.unit_of[node] = unit

    def _can_sum(self, unit: Unit, node: Apply, others: Iterable[Apply]) -> bool:
        """Whether a kernel can sum what it stores, ``others`` being there before it."""
        if unit.head is None or not self.rules.makes_channel_sums(unit.head):
            return False
        if unit.sums is not None or unit.tail.outputs[0] is not node.inputs[0]:
            return False
        if not self._at_the_same_time(unit.head, node):
            return False
        makers = {self.unit_of[other] for other in others if other in self.unit_of}
        return not any(
            maker is unit or self.units.needs(maker, unit) for maker in makers
        )

    def _joins_a_twin(self, node: Apply) -> None:
        """Make ``node`` a part of its twin's unit, where neither needs the other."""
        unit = self.unit_of[node]
        for twin in sorted(self.rules.twins(node), key=self.number.__getitem__):
            other = self.unit_of.get(twin)
            if other is None or len(other.nodes) > 1:
                continue
            if not self._at_the_same_time(twin, node):
                continue
            if not self.units.needs(unit, other) and not self.units.needs(other, unit):
                other.absorb(unit)
                self.unit_of[node] = other
                return

    def _continues_a_kernel(self, node: Apply) -> bool:
        for producer in producers(node):
            unit = self.unit_of.get(producer)
            if unit is not None and self._can_follow(unit, node):
                self._draw_in(unit, node, node.outputs[0])
                unit.absorb(self.unit_of[node])
                self.unit_of[node] = unit
                return True
        return False

    def _draw_in(self, unit: Unit, node: Apply, space: Variable) -> list[Apply]:
        """Pointwise groups that only ``node`` reads, to be computed in the epilogue.

        They are over the indices of ``space``, at which ``node`` reads them.
        """
        drawn: list[Apply] = []
        for producer in producers(node):
            other = self.unit_of.get(producer)
            if other is None or other is unit:
                continue
            if not self._is_only_for(other, node, space):
                continue
            drawn += other.nodes
            unit.nodes += other.nodes
            unit.first = min(unit.first, other.first)
            self.unit_of.update(dict.fromkeys(other.nodes, unit))
        return drawn

    def _is_only_for(self, other: Unit, node: Apply, space: Variable) -> bool:
        """Whether all that leaves a group over ``space`` goes to ``node``."""
        if other.head is not None or len(other.nodes) > _DRAWN_IN:
            return False
        if not all(self.rules.is_pointwise(member) for member in other.nodes):
            return False
        if not self._alike(other.tail.outputs[0], node, space):
            return False
        inside = {*other.nodes, node}
        results = [v for member in other.nodes for v in member.outputs]
        used = all(set(self.rules.users(v)) <= inside for v in results)
        return used and not self.outputs.intersection(results)

    def _can_pool(self, unit: Unit, node: Apply) -> bool:
        """Whether ``node`` pools the results of a kernel that nobody else reads."""
        if unit.head is None or unit.pooling is not None:
            return False
        result = unit.tail.outputs[0]
        if result in self.outputs or set(self.rules.users(result)) != {node}:
            return False
        same_time = self._at_the_same_time(unit.head, node)
        return same_time and self.rules.takes_pooling(unit.head, node)

    def _can_follow(self, unit: Unit, node: Apply) -> bool:
        if unit.head is None or len(unit.nodes) > _LARGEST:
            return False
        result = unit.tail.outputs[0]
        if set(self.rules.users(result)) != {node}:
            return False
        if result in self.outputs and not self.rules.stores_more(unit.head):
            return False
        if not self._alike(result, node) or result.dtype != node.outputs[0].dtype:
            return False
        if not self.rules.is_local(node):
            return False
        others = [v for v in node.inputs if v is not result]
        return node.inputs[0] is result or self._symmetric(node, result, others)

    def _symmetric(
        self, node: Apply, result: Variable, others: Iterable[Variable]
    ) -> bool:
        """Whether the result is a whole operand: not, say, the bias of the op."""
        shape = self.rules.shape_of(node.outputs[0])
        return all(self.rules.shape_of(v) == shape for v in (result, *others))

    def _merge_groups(self, other: Unit | None, node: Apply) -> None:
        unit = self.unit_of[node]
        if other is None or other is unit or other.head is not None:
            return
        if len(other.nodes) + len(unit.nodes) > _LARGEST:
            return
        alike = self.rules.is_pointwise(other.tail) and self._alike(
            other.tail.outputs[0], node
        )
        if not alike or self._recomputes(other, unit):
            return
        if self.units.reaches(other, unit) or self.units.reaches(unit, other):
            return
        other.absorb(unit)
        for member in other.nodes:
            self.unit_of[member] = other
        other.nodes.sort(key=self.number.__getitem__)
        other.tail = other.nodes[-1]

    def _recomputes(self, other: Unit, unit: Unit) -> bool:
        """Whether an element of ``unit`` would compute several of ``other``."""
        wide = (node for node in unit.nodes if not self.rules.is_local(node))
        return any(self.unit_of.get(p) is other for n in wide for p in producers(n))

    def _alike(
        self, result: Variable, node: Apply, space: Variable | None = None
    ) -> bool:
        """Whether ``node`` walks the index space of ``result``, at the same time.

        Its own index space is that of its output, or of ``space``.
        """
        shape = self.rules.shape_of
        assert result.owner is not None
        same_time = self._at_the_same_time(result.owner, node)
        own = node.outputs[0] if space is None else space
        return same_time and shape(result) == shape(own)

    def _at_the_same_time(self, first: Apply, second: Apply) -> bool:
        """Whether both run in each call, or both once for many; in one branch, too."""
        return self.rules.when(first) == self.rules.when(second)
