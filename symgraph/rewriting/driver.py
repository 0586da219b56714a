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

from symgraph.graph import Apply, Graph, SymgraphError, Variable, inherit_site
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
    history = History()
    for stage in stages:
        start, first, size = time.perf_counter(), len(history), len(graph)
        graph = _run_stage(graph, stage, history, check)
        seconds = time.perf_counter() - start
        fired = range(first, len(history))
        summary = StageSummary(stage.name, size, len(graph), fired, seconds)
        history.stages.append(summary)
    return graph, history


def _run_stage(
    graph: Graph, stage: Stage, history: History, check: Check | None
) -> Graph:
    for _ in range(_MAX_SWEEPS):
        before = len(history)
        if stage.local_rules:
            graph = _Sweep(graph, stage, history, check).run()
        for graph_pass in stage.passes:
            graph = _Sweep(graph, stage, history, check, graph_pass).run()
        if len(history) == before:
            return graph
    raise RewriteError(
        f"stage {stage.name}: still not at rest after {_MAX_SWEEPS} sweeps; "
        f"the rules of the last one: {_names(history.steps[before:])}"
    )


class _Sweep:
    """One visit to every node of a graph, by the local rules or by one pass."""

    def __init__(
        self,
        graph: Graph,
        stage: Stage,
        history: History,
        check: Check | None,
        graph_pass: GraphPass | None = None,
    ) -> None:
        self.work = Workspace(graph)
        self.stage, self.history, self.check = stage, history, check
        self.graph_pass = graph_pass
        self.rules = () if graph_pass else stage.local_rules
        self.rules_for: dict[type, tuple[Rule, ...]] = {}
        self.budget = 1000 + 20 * len(graph)
        self.first_step = len(history)

    def run(self) -> Graph:
        """The graph afterwards."""
        planned = dict(self.graph_pass.find(self.work.graph)) if self.graph_pass else {}
        for leaf in [v for v in planned if v.owner is None]:
            self._substitute(leaf, planned)
        for node in self.work.graph.nodes:
            self._settle([node])
            for output in node.outputs:
                if output in planned:
                    self._substitute(output, planned)
        return self.work.result()

    def _settle(self, tasks: list[Apply]) -> None:
        """Offer the tasks, the last first, to the rules, and all that rules make."""
        while tasks:
            task = tasks.pop()
            if not self.work.is_live(task):
                continue
            node = self._refreshed(task)
            fired = self._first_that_fires(node)
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
            with inherit_site(node.site):
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
            chosen = (r for r in self.rules if issubclass(kind, r.root_ops))
            self.rules_for[kind] = tuple(chosen)
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
        self, variable: Variable, planned: Mapping[Variable, Variable]
    ) -> None:
        assert self.graph_pass is not None
        old, new = self.work.image(variable), self.work.image(planned[variable])
        if old is new:
            return
        made = self.work.adopt([new])
        covered = [old.owner] if old.owner is not None else []
        self._record(self.graph_pass, (old,), (new,), covered, made)
        self.work.link([old], [new])
        self._settle(made[::-1])

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
        if len(self.history) - self.first_step > self.budget:
            raise RewriteError(
                f"stage {self.stage.name}: {self.budget} rewrites without coming to "
                f"rest; the last ones: {_names(self.history.steps[-20:])}, at {where}"
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
