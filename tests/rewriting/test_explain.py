"""Why a rule fires at a node, why it did, and why not."""

from __future__ import annotations

from symgraph.rewriting import Stage, explain, rewrite_graph
from tests.rewriting.tiny import Minus, Plus, Power, graph_of, vector
from tests.rewriting.tiny_rules import (
    SIMPLIFY,
    cancel_signs,
    drop_zero,
    square_is_product,
    zero,
)


def test_explain_before_and_after():
    a = vector("a")
    sacred = vector("sacred")
    kept = Power(2)(sacred)
    squared, cube = Power(2)(a), Power(3)(a)
    graph = graph_of(Plus()(Plus()(squared, cube), kept))
    verdict = explain(square_is_product, squared, graph)
    assert (verdict.verdict, verdict.reason) == ("fires", "x^2  ->  x x")
    assert (
        "whose exponent is 3, not 2" in explain(square_is_product, cube, graph).reason
    )
    assert explain(square_is_product, kept, graph).reason == "x is sacred"
    verdict = explain(square_is_product, graph.outputs[0], graph)
    assert verdict.reason == "the rule looks for Power, the node is Plus"
    result, history = rewrite_graph(graph, (Stage("s", (square_is_product,)),))
    assert explain(square_is_product, squared, result, history).verdict == "fired"
    assert explain(square_is_product, kept, result, history).verdict == "declined"
    assert explain(square_is_product, cube, result, history).verdict == "no match"
    assert explain(drop_zero, squared, result, history).verdict == "no match"
    assert (
        explain(drop_zero, a, result, history).reason == "a: float64[3] is not computed"
    )
    text = str(explain(square_is_product, squared, result, history))
    assert text.startswith("square_is_product: fired: square_is_product (reassoc")


def test_explain_what_is_gone():
    total = Plus()(vector("a"), zero)
    graph = graph_of(Minus()(Minus()(total)))
    result, history = rewrite_graph(graph, (SIMPLIFY,))
    gone = explain(square_is_product, total, result, history)
    assert (gone.verdict, gone.reason) == ("node is gone", "other rules replaced it")
    inner = explain(cancel_signs, graph.nodes[1], result, history)
    assert inner.verdict == "fired"  # as a part of what its user was replaced with
