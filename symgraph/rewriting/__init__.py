"""The rewriting engine: patterns, rules, stages, the driver, its history.

Imports only ``symgraph.graph``; it knows no op. Read ``pattern.py`` (what a rule looks
for), ``rule.py`` (what it does), then ``workspace.py`` (the graph while it changes)
and ``driver.py`` (who is tried when).
"""

from symgraph.rewriting.driver import RewriteError, rewrite_graph
from symgraph.rewriting.explain import explain
from symgraph.rewriting.history import History, Step
from symgraph.rewriting.matching import Declined, Match, Mismatch, match, match_node
from symgraph.rewriting.pattern import (
    Filled,
    NodePattern,
    Pattern,
    Wildcard,
    commutative,
    node,
    wildcards,
)
from symgraph.rewriting.provenance import Provenance
from symgraph.rewriting.rule import Label, Rule, rewrite
from symgraph.rewriting.stage import GraphPass, Pipeline, Stage, graph_pass
from symgraph.rewriting.validation import RewriteChangedValue, Validator
from symgraph.rewriting.workspace import Context

__all__ = [
    "Context",
    "Declined",
    "Filled",
    "GraphPass",
    "History",
    "Label",
    "Match",
    "Mismatch",
    "NodePattern",
    "Pattern",
    "Pipeline",
    "Provenance",
    "RewriteChangedValue",
    "RewriteError",
    "Rule",
    "Stage",
    "Step",
    "Validator",
    "Wildcard",
    "commutative",
    "explain",
    "graph_pass",
    "match",
    "match_node",
    "node",
    "rewrite",
    "rewrite_graph",
    "wildcards",
]
