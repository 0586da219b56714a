"""What a plan is made of: the units, and what is asked of ops to make them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from symgraph.graph import Apply, Variable


@dataclass(eq=False)
class Unit:
    """Nodes lowered together. ``head`` is the kernel whose epilogue the rest is.

    ``pooling`` is done to its results first, once ``before`` is done to them. ``sums``
    takes statistics of what ``tail`` makes; ``summed_with`` computes its other operand.
    """

    nodes: list[Apply]
    first: int
    last: int
    head: Apply | None = None
    pooling: Apply | None = None
    before: list[Apply] = field(default_factory=list)
    sums: Apply | None = None
    summed_with: list[Apply] = field(default_factory=list)
    tail: Apply = field(init=False)

    def __post_init__(self) -> None:
        self.tail = self.nodes[-1]

    def absorb(self, other: Unit) -> None:
        """Take over the nodes of ``other``, in the graph's order."""
        self.nodes += other.nodes
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.tail = other.tail


@dataclass
class Rules:
    """What the plan has to know of ops and shapes, asked of the lowering.

    ``users`` are the applications that read a variable's data; what asks only for
    its sizes, which are known before any kernel runs, is not in the plan. What
    ``is_local`` reads of arrays of its output's shape is the element it computes.
    ``stores_more`` says of a kernel that its epilogue can store what it computes on
    the way too. ``when`` says in which calls a node runs: alike for two that may share
    a kernel. What it ``waits_for`` beside its inputs are the conditions of its branch.
    ``twins`` are what one sweep over its operands computes with an op.
    """

    users: Callable[[Variable], Collection[Apply]]
    is_pointwise: Callable[[Apply], bool]
    is_local: Callable[[Apply], bool]
    is_view: Callable[[Apply], bool]
    takes_epilogue: Callable[[Apply], bool]
    stores_more: Callable[[Apply], bool]
    is_pooling: Callable[[Apply], bool]
    takes_pooling: Callable[[Apply, Apply], bool]
    is_channel_sums: Callable[[Apply], bool]
    makes_channel_sums: Callable[[Apply], bool]
    shape_of: Callable[[Variable], tuple[object, ...]]
    when: Callable[[Apply], object]
    waits_for: Callable[[Apply], Collection[Variable]]
    twins: Callable[[Apply], Collection[Apply]]
