"""Guards: which nodes only a branch needs."""

import symgraph as sg
from symgraph.graph import Graph
from symgraph.graph.guards import guards_of


def guards(inputs, outputs):
    """What guards each op but those of the conditions, by the op's name."""
    graph = Graph(inputs, outputs)
    found = guards_of(graph.nodes, graph.outputs)
    return {
        type(node.op).__name__: {(c.name, holds) for c, holds in found.get(node, ())}
        for node in graph.nodes
    }


def test_a_graph_without_branches_has_none():
    x = sg.vector("x")
    graph = Graph([x], [sg.where(x > 0, sg.exp(x), sg.sin(x))])
    assert guards_of(graph.nodes, graph.outputs) == {}


def test_what_a_branch_alone_needs():
    c, x = sg.tensor("c", "bool", ()), sg.vector("x")
    shared = sg.tanh(x)
    y = sg.ifelse(c, sg.exp(shared), sg.sin(sg.cos(shared)))
    assert guards([c, x], [y]) == {
        "Tanh": set(),
        "Exp": {("c", True)},
        "Cos": {("c", False)},
        "Sin": {("c", False)},
        "IfElse": set(),
    }


def test_an_output_is_always_needed():
    c, x = sg.tensor("c", "bool", ()), sg.vector("x")
    inside = sg.exp(x)
    found = guards([c, x], [sg.ifelse(c, sg.sin(inside), x), inside])
    assert found == {"Exp": set(), "Sin": {("c", True)}, "IfElse": set()}


def test_two_branches_of_one_condition_share_their_guard():
    c, x = sg.tensor("c", "bool", ()), sg.vector("x")
    inside = sg.exp(x)
    outputs = [sg.ifelse(c, sg.sin(inside), x), sg.ifelse(c, sg.cos(inside), x)]
    assert guards([c, x], outputs)["Exp"] == {("c", True)}
    outputs[1] = sg.ifelse(c, x, sg.cos(inside))
    assert guards([c, x], outputs)["Exp"] == set()


def test_branches_in_branches():
    c, d = sg.tensor("c", "bool", ()), sg.tensor("d", "bool", ())
    x = sg.vector("x")
    inner = sg.ifelse(d, sg.exp(x), x)
    found = guards([c, d, x], [sg.ifelse(c, sg.sin(inner), x)])
    assert found["Exp"] == {("c", True), ("d", True)}
    assert found["Sin"] == {("c", True)}


def test_the_condition_of_an_inner_branch_is_part_of_the_outer():
    c, x = sg.tensor("c", "bool", ()), sg.vector("x")
    inner = sg.ifelse(x.sum() > 0, sg.exp(x), x)
    assert guards([c, x], [sg.ifelse(c, inner, x)])["Sum"] == {("c", True)}
