"""The driver: sweeps a graph from inputs to outputs until every stage is at rest.

In a sweep each node meets the rules once its inputs are done; what a rule makes is
swept at once, inputs first. A rule that looks only at what a node is computed from is
therefore finished after one sweep; a second one serves the rules that count users.
The driver, not the author of a rule, keeps names, sites, provenance and history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from symgraph.graph import Apply, Graph, SymgraphError, Variable
from symgraph.rewriting.history import History, Refusal, StageSummary, Step
from symgraph.rewriting.matching import Declined
from symgraph.rewriting.rule import Replacement, Rule
from symgraph.rewriting.stage import GraphPass, Stage
from symgraph.rewriting.workspace import Workspace

Check: TypeAlias = Callable[[Step], None]

_MAX_SWEEPS = 100


class RewriteError(SymgraphError):
    """Rules that never come to rest, or one that makes a graph that cannot be."""


def rewrite_graph(
    graph: Graph, stages: Sequence[Stage], check: Check | None = None
) -> tuple[Graph, History]:
    """The graph after each stage in turn, and the history of what was done.

    ``check`` is called with every step before it is made (see ``Validator``).
    """
    driver = _Driver(graph, check)
    for stage in stages:
        driver.run(stage)
    return driver.graph, driver.history


class _Driver:
    """A workspace, and who is tried where in it."""

    def __init__(self, graph: Graph, check: Check | None) -> None:
        self.graph = graph
        self.check = check
        self.work = Workspace(graph)
        self.history = History()
        self.stage = Stage("none", ())
        self.rules_for: dict[type, tuple[Rule, ...]] = {}
        self.budget = 0

    def run(self, stage: Stage) -> None:
        """Sweep until neither a rule nor a pass of the stage fires."""
        start, first, size = time.perf_counter(), len(self.history), len(self.graph)
        self.stage, self.rules_for = stage, {}
        for _ in range(_MAX_SWEEPS):
            before = len(self.history)
            self.budget = before + 1000 + 20 * len(self.graph)
            if stage.local_rules:
                self._sweep({})
            for one in stage.passes:
                self._sweep(one.find(self.graph), one)
            if len(self.history) == before:
                break
        else:
            raise RewriteError(
                f"stage {stage.name}: still not at rest after {_MAX_SWEEPS} sweeps; "
                f"the rules of the last one: {_names(self.history.steps[before:])}"
            )
        seconds, steps = time.perf_counter() - start, range(first, len(self.history))
        summary = StageSummary(stage.name, size, len(self.graph), steps, seconds)
        self.history.stages.append(summary)

    def _sweep(
        self, planned: Mapping[Variable, Variable], by: GraphPass | None = None
    ) -> None:
        """Visit every node: offer it to the rules, or put in what ``by`` planned."""
        if by is not None and not planned:
            return
        before = len(self.history)
        for leaf in [v for v in planned if v.owner is None]:
            self._substitute(leaf, planned[leaf], by)
        for node in self.graph.nodes:
            self._settle([node], offer=by is None)
            for output in node.outputs:
                if output in planned:
                    self._substitute(output, planned[output], by)
        if len(self.history) > before:
            self.graph = self.work.result()

    def _settle(self, tasks: list[Apply], offer: bool) -> None:
        """Offer the tasks, the last first, to the rules, and all that rules make."""
        while tasks:
            task = tasks.pop()
            if not self.work.is_live(task):
                continue
            node = self._refreshed(task)
            fired = self._first_that_fires(node) if offer else None
            if fired is not None:
                made = self._adopt(fired[0], node.outputs, fired[1])
                tasks.extend(reversed(made))

    def _refreshed(self, node: Apply) -> Apply:
        fresh = self.work.refresh(node)
        if fresh is not node:
            self.history.provenance.record([fresh], [node], None)
        return fresh

    def _first_that_fires(self, node: Apply) -> tuple[Rule, Replacement] | None:
        for rule in self._candidates(node):
            result = rule.attempt(node, self.work)
            if isinstance(result, Replacement):
                return rule, result
            if isinstance(result, Declined):
                refusal = Refusal(self.stage.name, rule.name, node, result.reason)
                self.history.refuse(refusal)
        return None

    def _candidates(self, node: Apply) -> tuple[Rule, ...]:
        kind = type(node.op)
        if kind not in self.rules_for:
            rules = self.stage.local_rules
            self.rules_for[kind] = tuple(
                rule for rule in rules if issubclass(kind, rule.root_ops)
            )
        return self.rules_for[kind]

    def _adopt(
        self, rule: Rule, old: tuple[Variable, ...], found: Replacement
    ) -> list[Apply]:
        """Take up a rule's result: the nodes it made, named, recorded, checked."""
        made = self.work.adopt(found.outputs)
        _refuse_cycle(rule, old, found.outputs, made)
        covered = found.match.nodes
        self._record(rule, old, found.outputs, covered, made)
        self.work.link(old, found.outputs)
        return made

    def _substitute(
        self, variable: Variable, replacement: Variable, by: GraphPass | None
    ) -> None:
        assert by is not None
        old, new = self.work.image(variable), self.work.image(replacement)
        if old is new:
            return
        made = self.work.adopt([new])
        covered = [old.owner] if old.owner is not None else []
        self._record(by, (old,), (new,), covered, made)
        self.work.link([old], [new])
        self._settle(made[::-1], offer=False)

    def _record(
        self,
        rule: Rule | GraphPass,
        old: tuple[Variable, ...],
        new: tuple[Variable, ...],
        covered: Sequence[Apply],
        made: Sequence[Apply],
    ) -> None:
        _keep_names(old, new, made)
        where = old[0].site
        facts = (self.stage.name, rule.name, rule.label, rule.theorem)
        step = Step(*facts, old, new, where, tuple(covered), tuple(made))
        if self.check is not None:
            self.check(step)
        self.history.provenance.record(made, covered, rule.name)
        self.history.steps.append(step)
        if len(self.history) > self.budget:
            raise RewriteError(
                f"stage {self.stage.name}: too many rewrites for a graph of "
                f"{len(self.graph)} nodes; the last ones: "
                f"{_names(self.history.steps[-20:])}, at {where}"
            )


def _keep_names(
    old: Sequence[Variable], new: Sequence[Variable], made: Sequence[Apply]
) -> None:
    for before, after in zip(old, new, strict=True):
        if before.name is not None and after.name is None and after.owner in made:
            after.name = before.name


def _refuse_cycle(
    rule: Rule,
    old: Sequence[Variable],
    new: Sequence[Variable],
    made: Sequence[Apply],
) -> None:
    used = {v for node in made for v in node.inputs} | set(new)
    if not used.isdisjoint(old):
        raise RewriteError(f"rule {rule.name}: its result uses what it replaces")


def _names(steps: Sequence[Step]) -> str:
    return ", ".join(dict.fromkeys(step.rule for step in steps))
