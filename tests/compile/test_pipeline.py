"""A reader can stop at every station between a graph and its C."""

import pytest

import symgraph as sg
from symgraph.compile import Mode
from symgraph.graph import Graph


@pytest.fixture
def graph():
    x = sg.matrix("x")
    return Graph([x], [sg.tanh(x * 1) + 0])


def test_each_station_shows_what_it_made(graph):
    rewritten = sg.compile_pipeline(graph, stop_after="rewrite")
    assert rewritten.source is graph
    assert len(rewritten.graph) < len(graph)
    assert rewritten.history and rewritten.lowered is None
    lowered = sg.compile_pipeline(graph, stop_after="lower")
    assert lowered.lowered.program.kernels and lowered.c_source is None
    printed = sg.compile_pipeline(graph)
    assert "sg_entry_function" in printed.c_source


def test_variables_stand_for_their_graph():
    x = sg.matrix("x")
    stations = sg.compile_pipeline(sg.exp(x), stop_after="lower")
    assert stations.source.inputs == (x,)
    assert len(sg.compile_pipeline([x + 1, x * 2], "rewrite").graph.outputs) == 2


def test_no_stages_rewrite_nothing(graph):
    assert sg.compile_pipeline(graph, "rewrite", Mode(stages=())).graph is graph


def test_an_unknown_station(graph):
    with pytest.raises(sg.GraphError, match="expected one of 'rewrite', 'lower', 'c'"):
        sg.compile_pipeline(graph, stop_after="assembly")


def test_the_same_graph_makes_the_same_c():
    def source():
        x, w = sg.matrix("x"), sg.shared([1.0, 2.0])
        return sg.compile_pipeline(Graph([x], [sg.exp(x * w).sum(axis=0)])).c_source

    assert source() == source()


def test_explain_says_why_not():
    x = sg.vector("x")
    y = sg.exp(x)
    fn = sg.function([x], y * 1, mode="numpy")
    rule = fn.history[0].rule
    assert fn.explain(rule, fn.source_graph.outputs[0]).verdict == "fired"
    assert fn.explain(rule, y).verdict == "no match"
    with pytest.raises(sg.GraphError, match="no stage has a rule 'drop_everything'"):
        fn.explain("drop_everything", y)


def test_explain_of_a_node_that_was_never_there():
    x = sg.vector("x")
    stranger = sg.tanh(x)
    fn = sg.function([x], sg.exp(x) * 1, mode="numpy")
    verdict = fn.explain(fn.history[0].rule, stranger)
    assert verdict.verdict == "not in the graph"
    assert "Tanh" in verdict.reason and __file__ in verdict.reason


def test_explain_knows_passes():
    x = sg.tensor("x", shape=(None, 3))
    stack, _ = sg.scan(lambda x_t, s: x_t + s, x, sg.zeros_like(x[0]))
    fn = sg.function([x], [stack[-1], sg.exp(x)], mode="numpy")
    fired = fn.explain("keep_last_only", fn.source_graph.outputs[0])
    assert fired.verdict == "fired"
    missed = fn.explain("keep_last_only", fn.source_graph.outputs[1])
    assert missed.verdict == "no match" and "whole graph" in missed.reason
