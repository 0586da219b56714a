"""Where a lowering is: for which application kernels are made, and when they run.

What depends on shared variables and constants alone is *invariant*: its kernels are
*hoisted* to a program of their own. What only the branch of an ``ifelse`` needs has a
guard (``graph/guards.py``): its kernels run only where that holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symgraph.graph import Apply, Variable
from symgraph.graph.guards import ALWAYS, Guard, Literal
from symgraph.lowering.failures import LoweringError


class Scope:
    """The application being lowered, whether it is hoisted, and its guard."""

    def __init__(self, invariant: set[Variable]) -> None:
        self.invariant = invariant
        self.guards: dict[Apply, Guard] = {}
        self.hoisting = False
        self.guard = ALWAYS
        self._node: Apply | None = None

    @property
    def node(self) -> Apply:
        """The application being lowered."""
        if self._node is None:
            raise LoweringError("lower: no application is being lowered")
        return self._node

    def guard_of(self, variable: Variable) -> Guard:
        """Where a variable is computed at all."""
        node = variable.owner
        return ALWAYS if node is None else self.guards.get(node, ALWAYS)

    @contextmanager
    def at(self, node: Apply) -> Iterator[None]:
        """Kernels made inside belong to ``node`` and run when it does."""
        previous, self._node = self._node, node
        hoisting = all(v in self.invariant for v in node.outputs)
        try:
            with self._when(hoisting, self.guards.get(node, ALWAYS)):
                yield
        finally:
            self._node = previous

    @contextmanager
    def where(self, literal: Literal) -> Iterator[None]:
        """Kernels made inside run only where a condition is so, too."""
        with self._when(self.hoisting, self.guard | {literal}):
            yield

    @contextmanager
    def made_from(self, *variables: Variable) -> Iterator[None]:
        """Kernels made inside depend on ``variables`` alone: hoisted if they are."""
        hoisting = all(v in self.invariant for v in variables)
        own = ALWAYS.union(*map(self.guard_of, variables))
        with self._when(hoisting, own if hoisting else self.guard):
            yield

    @contextmanager
    def always(self) -> Iterator[None]:
        """Kernels made inside have no guard: it is of what they are a part of."""
        with self._when(self.hoisting, ALWAYS):
            yield

    @contextmanager
    def made_for(self, condition: Variable) -> Iterator[None]:
        """Kernels made inside run wherever the condition is computed."""
        with self._when(self.hoisting, self.guard_of(condition)):
            yield

    @contextmanager
    def _when(self, hoisting: bool, guard: Guard) -> Iterator[None]:
        previous = self.hoisting, self.guard
        self.hoisting, self.guard = hoisting, guard
        try:
            yield
        finally:
            self.hoisting, self.guard = previous
