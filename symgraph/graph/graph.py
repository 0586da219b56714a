"""``Graph``: inputs and outputs frozen, and everything in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from symgraph.graph.errors import GraphError
from symgraph.graph.op import Apply, Op
from symgraph.graph.printing import debugprint
from symgraph.graph.traversal import clients_of, clone_with, toposort
from symgraph.graph.variable import Constant, SharedVariable, Variable

OpType = TypeVar("OpType", bound=Op)


class Graph:
    """An immutable function of ``inputs``: its ``outputs`` and all between them.

    Leaves that are not inputs must be constants or shared variables; anything else
    is a missing input and an error that names it.
    """

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._check_leaves()

    @cached_property
    def nodes(self) -> tuple[Apply, ...]:
        """The applications, inputs before users."""
        return tuple(toposort(self.outputs, stop=self.inputs))

    @cached_property
    def clients(self) -> Mapping[Variable, list[tuple[Apply, int]]]:
        """For each variable the (application, position) pairs that use it."""
        return clients_of(self.nodes)

    @cached_property
    def shared(self) -> tuple[SharedVariable, ...]:
        """The shared variables read, in order of first use."""
        return tuple(v for v in self.leaves if isinstance(v, SharedVariable))

    @cached_property
    def leaves(self) -> tuple[Variable, ...]:
        """The variables nothing in the graph computes, in order of first use."""
        computed = {v for node in self.nodes for v in node.outputs}
        used = [v for node in self.nodes for v in node.inputs]
        every = dict.fromkeys([*self.inputs, *used, *self.outputs])
        return tuple(v for v in every if v not in computed)

    def find(self, op_type: type[OpType]) -> list[Apply]:
        """The applications whose op is an ``op_type``."""
        return [node for node in self.nodes if isinstance(node.op, op_type)]

    def replace(self, replacements: Mapping[Variable, Variable]) -> Graph:
        """A graph in which some variables are replaced; this one stays as it is."""
        return Graph(self.inputs, clone_with(self.outputs, replacements))

    def __iter__(self) -> Iterator[Apply]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return debugprint(self.outputs, file=None)

    def _check_leaves(self) -> None:
        known = set(self.inputs)
        for leaf in self.leaves:
            if leaf in known or isinstance(leaf, (Constant, SharedVariable)):
                continue
            raise GraphError(
                f"Graph: {leaf!r}, made at {leaf.site}, is needed by the outputs "
                "but is neither an input nor a shared variable"
            )
