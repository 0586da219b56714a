"""The driver: to rest, at any depth, keeping names, sites and provenance."""

from __future__ import annotations

import time

import numpy as np

from symgraph.graph import Graph, SharedVariable, Site, constant, evaluate, inherit_site
from symgraph.rewriting import (
    Declined,
    Filled,
    Stage,
    graph_pass,
    node,
    rewrite,
    rewrite_graph,
)
from tests.rewriting.tiny import Halves, Minus, Plus, Power, Times, graph_of, vector
from tests.rewriting.tiny_rules import (
    SIMPLIFY,
    cancel_signs,
    distribute_sign,
    drop_zero,
    ops_of,
    square_is_product,
    x,
    y,
    zero,
)


def test_one_rewrite_and_its_step():
    a = vector("a")
    graph = graph_of(Minus()(Plus()(a, zero)))
    result, history = rewrite_graph(graph, (SIMPLIFY,))
    assert ops_of(result) == ["Minus"]
    assert ops_of(graph) == ["Plus", "Minus"]
    (step,) = history
    assert (step.rule, step.stage, step.label) == ("drop_zero", "simplify", "exact")
    assert step.theorem == "x + 0  ->  x"
    assert step.before[0].owner is graph.nodes[0]
    assert step.after == (a,)
    assert step.where == graph.nodes[0].site
    assert "drop_zero (exact)" in str(history)
    assert history.stages[0].nodes_before == 2
    assert history.counts() == {"drop_zero": 1}


def test_the_graph_itself_when_nothing_fires():
    graph = graph_of(Minus()(vector("a")))
    result, history = rewrite_graph(graph, (SIMPLIFY,))
    assert result.outputs == graph.outputs
    assert not history


def test_what_a_rule_makes_is_rewritten_too():
    a, b = vector("a"), vector("b")
    graph = graph_of(Minus()(Plus()(Minus()(a), Plus()(b, zero))))
    stage = Stage("all", (drop_zero, cancel_signs, distribute_sign))
    result, history = rewrite_graph(graph, (stage,))
    assert ops_of(result) == ["Minus", "Plus"]
    assert [s.rule for s in history] == ["drop_zero", "distribute_sign", "cancel_signs"]


def test_an_output_may_be_replaced_by_an_input():
    a = vector("a")
    result, _ = rewrite_graph(graph_of(Plus()(a, zero), a), (SIMPLIFY,))
    assert result.outputs == (a, a)
    assert len(result) == 0


def test_used_once_is_counted_on_the_graph_as_it_is_now():
    a, b = vector("a"), vector("b")
    total = Plus()(a, b)
    stage = Stage("s", (distribute_sign, drop_zero, cancel_signs))
    _, history = rewrite_graph(graph_of(Minus()(total), total), (stage,))
    assert not history
    assert history.refusals[0].rule == "distribute_sign"
    assert "is used 2 times" in history.refusals[0].reason
    # The second user is a double sign that another rule removes.
    graph = graph_of(Minus()(Plus()(a, b)), Plus()(Minus()(Minus()(a)), zero))
    result, history = rewrite_graph(graph, (stage,))
    assert result.outputs[1] is a
    assert history.counts()["distribute_sign"] == 1


def test_a_user_that_disappears_frees_its_input_in_the_next_sweep():
    @rewrite(node(Times)(x, Filled(0)), label="fast")
    def annihilate(x):
        """x 0  ->  0"""
        return zero

    total = Plus()(vector("a"), vector("b"))
    graph = graph_of(Minus()(total), Times()(total, zero))
    stage = Stage("s", (distribute_sign, annihilate))
    _, history = rewrite_graph(graph, (stage,))
    assert [s.rule for s in history] == ["annihilate", "distribute_sign"]


def test_names_sites_and_provenance_are_kept():
    a = vector("a")
    site = Site("model.py", 7, ("layer",))
    with inherit_site(site):
        power = Power(2)(Plus()(a, zero))
    power.name = "energy"
    graph = graph_of(Minus()(power))
    stage = Stage("s", (drop_zero, square_is_product))
    result, history = rewrite_graph(graph, (stage,))
    product, minus = result.nodes
    assert product.outputs[0].name == "energy"
    assert product.site == site
    assert minus.site == graph.nodes[-1].site
    assert history.provenance.sources(product) == (graph.nodes[1],)
    assert history.provenance.rules(product) == ("square_is_product",)
    assert history.provenance.sources(minus) == (graph.nodes[2],)
    assert product in history.provenance.descendants(graph.nodes[1])


def test_a_name_is_not_written_on_a_node_that_was_there():
    a = vector("a")
    inner = Minus()(a)
    outer = Plus()(inner, zero)
    outer.name = "outer"
    result, _ = rewrite_graph(graph_of(outer), (SIMPLIFY,))
    assert result.outputs == (inner,)
    assert inner.name is None


def test_ops_with_several_outputs():
    @rewrite(node(Halves)(node(Minus)(x)))
    def split_first(x):
        """halves(-x)  ->  -halves(x)"""
        first, second = Halves()(x)
        return Minus()(first), Minus()(second)

    a = vector("a", 4)
    first, second = Halves()(Minus()(a))
    graph = graph_of(second, first, second)
    result, _ = rewrite_graph(graph, (Stage("s", (split_first,)),))
    assert sorted(ops_of(result)) == ["Halves", "Minus", "Minus"]
    value = np.arange(4.0)
    before, after = (
        evaluate(graph.outputs, {a: value}),
        evaluate(result.outputs, {a: value}),
    )
    assert all(np.array_equal(p, q) for p, q in zip(before, after, strict=True))


def rewritten_chain(half):
    """The rewriting of a chain of twice ``half`` nodes, and the seconds it took."""
    variable = a = vector("a")
    for i in range(half):
        variable = Plus()(variable, zero) if i % 3 else Minus()(Minus()(variable))
    for _ in range(half):
        variable = Times()(variable, variable)
    graph = graph_of(variable)
    start = time.process_time()
    result, history = rewrite_graph(graph, (SIMPLIFY,))
    seconds = time.process_time() - start
    assert len(result) == len(history) == half
    assert result.inputs == (a,)
    return seconds


def test_a_chain_of_100_000_nodes_in_linear_time():
    """Ten times the nodes take about ten times as long, on a machine of any speed."""
    few, many = rewritten_chain(5_000), rewritten_chain(50_000)
    assert many < 25 * few


def test_a_chain_pushed_through_in_one_stage():
    variable, b = vector("a"), vector("b")
    for _ in range(3_000):
        variable = Plus()(variable, b)
    stage = Stage("s", (distribute_sign,))
    result, history = rewrite_graph(graph_of(Minus()(variable)), (stage,))
    assert history.counts() == {"distribute_sign": 3_000}
    assert isinstance(result.outputs[0].owner.op, Plus)


def test_passes_see_the_whole_graph_and_rules_see_their_result():
    @graph_pass("exact")
    def merge(graph):
        """Equal nodes are one."""
        first, same = {}, {}
        for n in graph:
            key = (n.op, tuple(same.get(v, v) for v in n.inputs))
            kept = first.setdefault(key, n)
            if kept is not n:
                same[n.outputs[0]] = kept.outputs[0]
        return same

    @rewrite(node(Plus)(x, x))
    def double(x):
        """x + x  ->  (x x) ..."""
        return Times()(x, x)

    a = vector("a")
    graph = graph_of(Plus()(Minus()(Minus()(a)), Minus()(Minus()(a))))
    result, history = rewrite_graph(graph, (Stage("s", (double, merge)),))
    assert ops_of(result) == ["Minus", "Minus", "Times"]
    assert history.counts() == {"merge": 2, "double": 1}
    assert history.of("merge")[0].covered == (graph.nodes[2],)


def test_a_pass_may_replace_leaves():
    a = vector("a")
    weight = SharedVariable(np.ones(3), "w", a.type)

    @graph_pass("exact")
    def freeze(graph):
        """Shared variables are constants."""
        return {v: constant(v.get_value()) for v in graph.shared}

    graph = graph_of(Times()(a, weight), weight)
    result, _ = rewrite_graph(graph, (Stage("s", (freeze,)),))
    assert result.shared == ()
    assert np.array_equal(result.outputs[1].data, np.ones(3))


def test_invariants_depend_on_constants_and_shared_variables_alone():
    seen = []

    @rewrite(node(Times)(x, y))
    def look(context, x, y):
        """(only looks)"""
        seen.append((context.is_invariant(x), context.is_invariant(y)))
        return Declined("only looks")

    a = vector("a")
    weight = SharedVariable(np.ones(3), "w", a.type)
    product = Times()(Plus()(weight, zero), Minus()(a))
    rewrite_graph(graph_of(product), (Stage("s", (look,)),))
    assert seen == [(True, False)]


def test_an_input_that_is_computed_is_a_boundary():
    a = vector("a")
    inner = Plus()(a, zero)
    graph = Graph([inner], [Minus()(Minus()(inner))])
    result, _ = rewrite_graph(graph, (SIMPLIFY,))
    assert result.outputs == (inner,)
    hidden = Minus()(a)
    result, _ = rewrite_graph(Graph([hidden], [Minus()(hidden)]), (SIMPLIFY,))
    assert ops_of(result) == ["Minus"]
