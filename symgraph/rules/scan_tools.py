"""What the rewrites of loops share: scans that are used, and scans made from them.

They are passes over the whole graph, because a scan has many outputs and only those
that something reads may be replaced.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symgraph.graph import Apply, Graph, Variable, inherit_site
from symgraph.graph.guards import guards_of
from symgraph.ops.scan import Scan
from symgraph.ops.scan_body import Body
from symgraph.rewriting import GraphPass
from symgraph.rewriting.rule import Label


@dataclass
class Draft:
    """A scan in parts that can be changed: what the body has, and what it is given.

    ``sequences``, ``states`` and ``constants`` map the body's inputs to the scan's;
    ``new`` has for each state what it becomes, ``stacked`` the y, in order.
    """

    op: Scan
    sequences: dict[Variable, Variable]
    states: dict[Variable, Variable]
    constants: dict[Variable, Variable]
    new: dict[Variable, Variable]
    stacked: list[Variable]
    size: tuple[Variable, ...]
    nodes: tuple[Apply, ...] = field(default=())

    @classmethod
    def of(cls, node: Apply) -> Draft:
        """The parts of a scan."""
        op, graph = node.op, node.op.body.graph
        inner, outer = op.split(graph.inputs), op.split(node.inputs)
        sequences, states, constants = (
            dict(zip(a, b, strict=True)) for a, b in zip(inner, outer, strict=True)
        )
        new = dict(zip(inner.states, op.new_states, strict=True))
        size = node.inputs[len(graph.inputs) :]
        parts = (sequences, states, constants, new)
        return cls(op, *parts, list(op.stacked), size, graph.nodes)

    @property
    def length(self) -> Any:
        """The number of steps."""
        return self.size[0] if self.size else self.op.length

    @property
    def outputs(self) -> list[Variable]:
        """What the body computes."""
        return [*self.new.values(), *self.stacked]

    @property
    def in_branches(self) -> Collection[Apply]:
        """The nodes that a step need not run: they stay where that is decided."""
        return guards_of(self.nodes, self.outputs)

    def applied(self) -> Made:
        """The scan of these parts."""
        inputs = [*self.sequences, *self.states, *self.constants]
        op = replace(
            self.op,
            body=Body(Graph(inputs, self.outputs)),
            sequences=len(self.sequences),
            states=len(self.states),
        )
        given = (self.sequences, self.states, self.constants)
        outer = [v for part in given for v in part.values()]
        found = Apply(op, [*outer, *self.size]).outputs
        return Made(
            dict(zip(self.states, found, strict=False)),
            list(found[len(self.states) :]),
        )


@dataclass(frozen=True)
class Made:
    """The outputs of a new scan: by state, and by the place of each y."""

    finals: dict[Variable, Variable]
    stacks: list[Variable]

    @property
    def outputs(self) -> list[Variable]:
        """All, in the scan's order."""
        return [*self.finals.values(), *self.stacks]


# For a scan, and which of its outputs are used: what may stand for each, or None.
Change = Callable[[Apply, "set[Variable]"], "Sequence[Variable | None] | None"]


def scan_pass(label: Label) -> Callable[[Change], GraphPass]:
    """Make a pass of a function from a scan and its used outputs to new outputs."""

    def make(change: Change) -> GraphPass:
        def find(graph: Graph) -> Mapping[Variable, Variable]:
            found: dict[Variable, Variable] = {}
            for node in graph.find(Scan):
                used = {v for v in node.outputs if is_used(graph, v)}
                with inherit_site(node.site):
                    new = change(node, used)
                for old, replacement in zip(node.outputs, new or (), strict=False):
                    if old in used and replacement is not None:
                        found[old] = replacement
            return found

        theorem = (inspect.getdoc(change) or "").split("\n")[0]
        return GraphPass(change.__name__, theorem, label, find)

    return make


def is_used(graph: Graph, variable: Variable) -> bool:
    """Whether a node or an output of the graph reads the variable."""
    return variable in graph.clients or variable in graph.outputs
