"""Gradients of branches: computed where the branch is taken, zeros where it is not.

A node that only one branch of an ``ifelse`` needs gets its cotangent from what that
branch computes. Where a cotangent leaves the branch, for a variable that others need
too, it goes through an ``ifelse`` again, so that nobody else needs it: where the branch
is not taken its gradient is zero, whatever nan its derivatives would have given, and
costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from symgraph.graph import Apply, Variable, toposort
from symgraph.graph.guards import ALWAYS, Guard, Literal, guards_of
from symgraph.graph.pull_back import AsTheyAre
from symgraph.ops.branching import only_where


class Branches(AsTheyAre):
    """The branches between some variables and the ``ends`` that are differentiated."""

    def __init__(self, ends: Iterable[Variable], wrt: Iterable[Variable]) -> None:
        ends = list(ends)
        self._guards = guards_of(toposort(ends), ends)
        self._targets = frozenset(wrt)

    def sent(self, node: Apply, variable: Variable, cotangent: Variable) -> Variable:
        """``cotangent``, or zeros where it leaves a branch that is not taken."""
        left = self._guards.get(node, ALWAYS) - self._guard(variable)
        for literal in sorted(left, key=self._depth, reverse=True):
            (condition,) = self.of(node, [literal.condition])
            cotangent = only_where(condition, literal.holds, cotangent, like=variable)
        return cotangent

    def _guard(self, variable: Variable) -> Guard:
        """Where the variable's cotangent is needed: that of a target, everywhere."""
        if variable.owner is None or variable in self._targets:
            return ALWAYS
        return self._guards.get(variable.owner, ALWAYS)

    def _depth(self, literal: Literal) -> int:
        """In how many branches a condition itself is computed."""
        return len(self._guard(literal.condition))
