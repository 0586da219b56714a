"""Stages: named tuples of rules and passes, in the order in which they run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from symgraph.graph import Graph, GraphError, Variable
from symgraph.rewriting.rule import Label, Rule


@dataclass(frozen=True, eq=False)
class GraphPass:
    """A rewrite that must see the whole graph: which variables others may replace."""

    name: str
    theorem: str
    label: Label
    find: Callable[[Graph], Mapping[Variable, Variable]]

    def __repr__(self) -> str:
        return f"<pass {self.name} ({self.label}): {self.theorem}>"


def graph_pass(
    label: Label,
) -> Callable[[Callable[[Graph], Mapping[Variable, Variable]]], GraphPass]:
    """Make a pass of a function from a graph to {variable: what may replace it}.

    A replacement stands earlier in the graph than what it replaces, or is new and
    made of such.
    """

    def make(find: Callable[[Graph], Mapping[Variable, Variable]]) -> GraphPass:
        theorem = (inspect.getdoc(find) or "").split("\n")[0]
        if not theorem:
            raise GraphError(f"graph_pass: {find.__name__} needs a docstring")
        return GraphPass(find.__name__, theorem, label, find)

    return make


@dataclass(frozen=True)
class Stage:
    """Rules tried at every node, in order, until none fires; then passes, in order."""

    name: str
    rules: tuple[Rule | GraphPass, ...]

    @property
    def local_rules(self) -> tuple[Rule, ...]:
        """The rules that look at one node and what it is computed from."""
        return tuple(rule for rule in self.rules if isinstance(rule, Rule))

    @property
    def passes(self) -> tuple[GraphPass, ...]:
        """The rewrites that look at the whole graph."""
        return tuple(rule for rule in self.rules if isinstance(rule, GraphPass))


Pipeline: TypeAlias = "tuple[Stage, ...]"
