"""In which order units run: that of the graph, but what frees memory runs at once.

A unit that needs no more memory than it lets go of runs as soon as it can: the gradient
of a weight as soon as the cotangent it is made from is there, so that neither that nor
the values of the forward pass wait for the end of the backward pass. What nothing waits
for and what holds little, such as the update of a small parameter, runs last: side by
side, codegen makes one job of such loops.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence

from symgraph.graph import Apply, Variable
from symgraph.lowering.units import Unit

Bytes = Callable[[Variable], int]

LITTLE = 1 << 15  # bytes that a unit may hold until the end


def arranged(
    units: Sequence[Unit],
    outputs: Collection[Variable],
    bytes_of: Bytes,
    is_view: Callable[[Apply], bool],
    waits_for: Callable[[Apply], Collection[Variable]],
) -> list[Unit]:
    """The units, users after what they use, and after what they wait for.

    ``bytes_of`` is the memory of a variable while a unit that is yet to run reads it;
    outputs have memory of their own.
    """
    queue = _Queue(units, set(outputs), bytes_of, is_view, waits_for)
    order = []
    while (unit := queue.next()) is not None:
        order.append(unit)
        queue.done(unit)
    return order


class _Queue:
    def __init__(
        self,
        units: Sequence[Unit],
        outputs: set[Variable],
        bytes_of: Bytes,
        is_view: Callable[[Apply], bool],
        waits_for: Callable[[Apply], Collection[Variable]],
    ) -> None:
        self._outputs, self._bytes, self._is_view = outputs, bytes_of, is_view
        self._waits_for = waits_for
        self._maker = {v: u for u in units for node in u.nodes for v in node.outputs}
        self._sources = {unit: self._read_by(unit) for unit in units}
        self._memory = {u: {self._root(v) for v in self._sources[u]} for u in units}
        self._makes = dict.fromkeys(units, 0)
        self._waiting = dict.fromkeys(units, 0)
        self._users: dict[Unit, list[Unit]] = {unit: [] for unit in units}
        self._readers: dict[Variable, set[Unit]] = {}
        self._ready: list[tuple[int, Unit]] = []
        self._at_once: list[tuple[int, Unit]] = []
        self._last: list[tuple[int, Unit]] = []
        self._run: set[Unit] = set()
        self._counted: set[Variable] = set()
        for unit in units:
            self._connect(unit)
        for unit in units:
            self._offer(unit)

    def next(self) -> Unit | None:
        """The unit to run now, or None when all have run."""
        for heap in (self._at_once, self._ready, self._last):
            while heap:
                unit = heapq.heappop(heap)[1]
                if unit not in self._run:
                    return unit
        return None

    def done(self, unit: Unit) -> None:
        """The unit has run."""
        self._run.add(unit)
        for user in self._users[unit]:
            self._waiting[user] -= 1
            self._offer(user)
        for variable in self._memory[unit]:
            readers = self._readers[variable]
            readers.discard(unit)
            if len(readers) == 1:  # that one now lets go of it
                self._offer(next(iter(readers)))

    def _offer(self, unit: Unit) -> None:
        """Put a unit that can run where it belongs."""
        if self._waiting[unit] or unit in self._run:
            return
        held = [v for v in self._memory[unit] if self._is_temporary(v)]
        freed = sum(self._bytes(v) for v in held if len(self._readers[v]) == 1)
        heap = self._at_once if self._makes[unit] <= freed else self._ready
        waits = unit.head is None and not self._users[unit]
        if waits and sum(map(self._bytes, held)) <= LITTLE:
            heap = self._last
        heapq.heappush(heap, (unit.first, unit))

    def _connect(self, unit: Unit) -> None:
        makers = {self._maker[v] for v in self._sources[unit] if v in self._maker}
        self._waiting[unit] = len(makers)
        for maker in makers:
            self._users[maker].append(unit)
        for variable in self._memory[unit]:
            self._readers.setdefault(variable, set()).add(unit)
        for variable in self._sources[unit]:
            self._count(variable)

    def _count(self, variable: Variable) -> None:
        """``variable`` is read by another unit, so its own has to store it."""
        stored = self._is_temporary(variable) and self._root(variable) is variable
        if stored and variable not in self._counted:
            self._makes[self._maker[variable]] += self._bytes(variable)
            self._counted.add(variable)

    def _read_by(self, unit: Unit) -> list[Variable]:
        inside = {v for node in unit.nodes for v in node.outputs}
        read = dict.fromkeys(
            v for node in unit.nodes for v in (*node.inputs, *self._waits_for(node))
        )
        return [v for v in read if v not in inside]

    def _is_temporary(self, variable: Variable) -> bool:
        return variable in self._maker and variable not in self._outputs

    def _root(self, variable: Variable) -> Variable:
        """The variable whose memory ``variable`` looks at."""
        while variable in self._maker and variable.owner is not None:
            if not self._is_view(variable.owner):
                break
            variable = variable.owner.inputs[0]
        return variable
