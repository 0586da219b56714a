"""Why a rule fired at a node, did not match, or declined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symgraph.graph import Apply, Graph, Variable
from symgraph.rewriting.history import History
from symgraph.rewriting.matching import Declined
from symgraph.rewriting.rule import Replacement, Rule
from symgraph.rewriting.stage import GraphPass
from symgraph.rewriting.workspace import Workspace


@dataclass(frozen=True)
class Explanation:
    """What a rule did, or would do, at a node, and why."""

    rule: str
    verdict: Literal[
        "fired", "fires", "declined", "no match", "node is gone", "not in the graph"
    ]
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.verdict}: {self.reason}"


def explain(
    rule: Rule | GraphPass,
    target: Apply | Variable,
    graph: Graph,
    history: History | None = None,
    source: Graph | None = None,
) -> Explanation:
    """Why ``rule`` fired at ``target``, did not match there, or declined.

    ``target`` is a node of ``graph``, or of the graph ``source`` it was rewritten from
    when ``history`` is given; then what happened to the node's descendants counts.
    """
    node = target.owner if isinstance(target, Variable) else target
    if node is None:
        return Explanation(rule.name, "no match", f"{target!r} is not computed")
    if history is None:
        return _try(rule, node, Workspace(graph))
    if source is not None and _is_stranger(node, (source, graph), history):
        reason = f"{node}, made at {node.site}, is not what the outputs depend on"
        return Explanation(rule.name, "not in the graph", reason)
    past = _from_history(rule, node, history)
    return past or _from_family(rule, node, graph, history)


def _is_stranger(node: Apply, graphs: tuple[Graph, ...], history: History) -> bool:
    """Whether ``node`` is of neither graph, nor made on the way between them."""
    known = node in history.provenance.origins
    return not known and not any(node in graph.nodes for graph in graphs)


def _from_history(
    rule: Rule | GraphPass, node: Apply, history: History
) -> Explanation | None:
    """What the rule did where the node, or what became of it, took part."""
    family = set(history.provenance.descendants(node))
    for step in history.of(rule.name):
        if not family.isdisjoint(step.covered):
            return Explanation(rule.name, "fired", str(step))
    for refusal in reversed(history.refusals):
        if refusal.rule == rule.name and refusal.node in family:
            return Explanation(rule.name, "declined", refusal.reason)
    return None


def _from_family(
    rule: Rule | GraphPass, node: Apply, graph: Graph, history: History
) -> Explanation:
    """Why the rule did not match at the node, nor at anything that became of it."""
    context = Workspace(graph)
    family = history.provenance.descendants(node)
    if isinstance(rule, GraphPass):
        live = [n for n in reversed(family) if context.is_live(n)]
        if live:
            return _try(rule, live[0], context)
        return Explanation(rule.name, "node is gone", "other rules replaced it")
    tried = [n for n in family if isinstance(n.op, rule.root_ops)]
    answers = [_try(rule, n, context) for n in reversed(tried)]
    misses = [answer for answer in answers if answer.verdict == "no match"]
    if misses:
        return misses[0]
    if any(context.is_live(n) for n in family):
        return answers[0] if answers else _try(rule, node, context)
    return Explanation(rule.name, "node is gone", "other rules replaced it")


def _try(rule: Rule | GraphPass, node: Apply, context: Workspace) -> Explanation:
    if isinstance(rule, GraphPass):
        found = rule.find(context.graph)
        if any(output in found for output in node.outputs):
            return Explanation(rule.name, "fires", rule.theorem)
        reason = f"the pass looks at the whole graph and has nothing for {node.op}"
        return Explanation(rule.name, "no match", reason)
    if not isinstance(node.op, rule.root_ops):
        roots = " or ".join(dict.fromkeys(op.__name__ for op in rule.root_ops))
        reason = f"the rule looks for {roots}, the node is {node.op}"
        return Explanation(rule.name, "no match", reason)
    result = rule.attempt(node, context)
    if isinstance(result, Replacement):
        return Explanation(rule.name, "fires", rule.theorem)
    if isinstance(result, Declined):
        return Explanation(rule.name, "declined", result.reason)
    return Explanation(rule.name, "no match", str(result))
