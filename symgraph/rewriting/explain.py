"""Why a rule fired at a node, did not match, or declined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symgraph.graph import Apply, Graph, Variable
from symgraph.rewriting.history import History
from symgraph.rewriting.matching import Declined
from symgraph.rewriting.rule import Replacement, Rule
from symgraph.rewriting.workspace import Workspace


@dataclass(frozen=True)
class Explanation:
    """What a rule did, or would do, at a node, and why."""

    rule: str
    verdict: Literal["fired", "fires", "declined", "no match", "node is gone"]
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.verdict}: {self.reason}"


def explain(
    rule: Rule,
    target: Apply | Variable,
    graph: Graph,
    history: History | None = None,
) -> Explanation:
    """Why ``rule`` fired at ``target``, did not match there, or declined.

    ``target`` is a node of ``graph``, or of the graph it was rewritten from when
    ``history`` is given; then what happened to the node's descendants counts.
    """
    node = target.owner if isinstance(target, Variable) else target
    if node is None:
        return Explanation(rule.name, "no match", f"{target!r} is not computed")
    if history is not None:
        past = _from_history(rule, node, history)
        if past is not None:
            return past
        node = _still_there(node, graph, history)
        if node is None:
            return Explanation(rule.name, "node is gone", "other rules replaced it")
    return _try(rule, node, graph)


def _from_history(rule: Rule, node: Apply, history: History) -> Explanation | None:
    family = set(history.provenance.descendants(node))
    for step in history.of(rule.name):
        if not family.isdisjoint(step.covered):
            return Explanation(rule.name, "fired", f"{step.theorem}\n{step}")
    for refusal in reversed(history.refusals):
        if refusal.rule == rule.name and refusal.node in family:
            return Explanation(rule.name, "declined", refusal.reason)
    return None


def _still_there(node: Apply, graph: Graph, history: History) -> Apply | None:
    present = set(graph.nodes)
    family = history.provenance.descendants(node)
    candidates = [n for n in family if n in present]
    alike = [n for n in candidates if type(n.op) is type(node.op)]
    return next(iter(alike or candidates), None)


def _try(rule: Rule, node: Apply, graph: Graph) -> Explanation:
    if not isinstance(node.op, rule.root_ops):
        roots = " or ".join(dict.fromkeys(op.__name__ for op in rule.root_ops))
        reason = f"the rule looks for {roots}, the node is {node.op}"
        return Explanation(rule.name, "no match", reason)
    result = rule.attempt(node, Workspace(graph))
    if isinstance(result, Replacement):
        return Explanation(rule.name, "fires", rule.theorem)
    if isinstance(result, Declined):
        return Explanation(rule.name, "declined", result.reason)
    return Explanation(rule.name, "no match", str(result))
