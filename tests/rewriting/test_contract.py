"""What a rule may not do, and that the driver says which rule did it."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import GraphError
from symgraph.rewriting import (
    RewriteChangedValue,
    RewriteError,
    Stage,
    Validator,
    node,
    rewrite,
    rewrite_graph,
)
from tests.rewriting.tiny import Forget, Minus, Plus, graph_of, vector
from tests.rewriting.tiny_rules import SIMPLIFY, x, y, zero


def test_a_loop_is_an_error_that_names_its_rules():
    @rewrite(node(Plus)(x, y))
    def swap(x, y):
        """x + y  ->  y + x"""
        return Plus()(y, x)

    graph = graph_of(Plus()(vector("a"), vector("b")))
    with pytest.raises(RewriteError, match=r"stage s: .* the last ones: swap"):
        rewrite_graph(graph, (Stage("s", (swap,)),))


def test_a_rule_that_keeps_what_it_replaces_is_an_error():
    @rewrite(node(Minus)(x))
    def nothing(root):
        """-x  ->  -x"""
        return root.outputs[0]

    with pytest.raises(RewriteError, match="nothing: its result uses what it replaces"):
        rewrite_graph(graph_of(Minus()(vector("a"))), (Stage("s", (nothing,)),))


def test_a_rule_may_not_change_the_type_nor_forget_a_dimension():
    @rewrite(node(Minus)(x))
    def change(x):
        """-x  ->  another vector"""
        return vector("other", 4)

    @rewrite(node(Minus)(x))
    def forget(x):
        """-x  ->  x, less well known"""
        return Forget()(x)

    graph = graph_of(Minus()(vector("a")))
    with pytest.raises(
        GraphError, match=r"rule change: .*float64\[3\].*got float64\[4\]"
    ):
        rewrite_graph(graph, (Stage("s", (change,)),))
    result, history = rewrite_graph(graph, (Stage("s", (forget,)),))
    assert result.outputs == graph.outputs
    reason = history.refusals[0].reason
    assert reason == "the shape float64[3] would be known as float64[?] only"


def test_a_rule_must_give_variables_and_have_a_theorem():
    @rewrite(node(Minus)(x))
    def wrong(x):
        """-x  ->  ?"""
        return

    with pytest.raises(GraphError, match="rule wrong: expected 1 outputs or Declined"):
        rewrite_graph(graph_of(Minus()(vector("a"))), (Stage("s", (wrong,)),))
    with pytest.raises(GraphError, match="needs its theorem"):
        rewrite(node(Minus)(x))(lambda x: x)
    with pytest.raises(GraphError, match="expected a label in"):
        rewrite(node(Minus)(x), label="sure")


def test_an_error_in_a_rule_names_it():
    @rewrite(node(Plus)(x, y))
    def clumsy(x):
        """x + y  ->  an error"""
        return Plus()(x, vector("other", 5))

    graph = graph_of(Plus()(vector("a"), vector("b")))
    with pytest.raises(GraphError, match="differ") as caught:
        rewrite_graph(graph, (Stage("s", (clumsy,)),))
    assert "in rule clumsy, at Plus" in caught.value.__notes__[-1]


def test_validation_names_the_guilty_rule():
    @rewrite(node(Minus)(x))
    def forget_sign(x):
        """-x  ->  x"""
        return x

    a = vector("a")
    graph = graph_of(Minus()(Plus()(a, zero)))
    value = np.array([0.0, -2.0, 3.0])
    rewrite_graph(graph, (SIMPLIFY,), check=Validator({a: value}))
    with pytest.raises(RewriteChangedValue, match=r"forget_sign .* at \[1\]"):
        rewrite_graph(graph, (Stage("s", (forget_sign,)),), Validator({a: value}))
    with pytest.raises(GraphError, match="no value was given for the input a"):
        rewrite_graph(graph, (SIMPLIFY,), check=Validator({}))
