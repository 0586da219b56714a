"""Fingerprints: equal for equal functions, different for everything that matters."""

from dataclasses import dataclass

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile import fingerprint as room
from symgraph.compile.fingerprint import fingerprint
from symgraph.graph import Constant, Graph, Op, scope
from symgraph.rules import DEFAULT


@pytest.fixture(autouse=True)
def unchanged_source(monkeypatch):
    """The source counts as what runs, even where it was edited a moment ago."""
    monkeypatch.setattr(room, "_STARTED", float("inf"))
    room._source.cache_clear()
    yield
    room._source.cache_clear()


def named(graph, varying=(), stages=DEFAULT, conditions="cc"):
    return fingerprint(graph, varying, stages, conditions)


def layer(
    dtype="float32",
    rows=None,
    scale=2.0,
    axis=0,
    names=("x", "w"),
    values=0.0,
):
    x = sg.tensor(names[0], dtype=dtype, shape=(rows, 3))
    w = sg.shared(np.full(3, values, dtype), name=names[1])
    return Graph([x], [(x * w * Constant(np.array(scale, dtype))).sum(axis=axis)])


def test_equal_functions_have_one_name_whatever_things_are_called():
    assert named(layer()) is not None
    assert named(layer()) == named(layer(names=("a", "b"), values=5.0))


DIFFERENT = {
    "dtype": lambda: named(layer(dtype="float64")),
    "shape": lambda: named(layer(rows=5)),
    "static parameter": lambda: named(layer(axis=1)),
    "constant": lambda: named(layer(scale=3.0)),
    "sign of a zero": lambda: named(layer(scale=-0.0)),
    "another zero": lambda: named(layer(scale=0.0)),
    "stages": lambda: named(layer(), stages=()),
    "compiler": lambda: named(layer(), conditions="clang"),
}


def test_all_that_decides_the_code_is_in_the_name():
    names = [named(layer()), *(make() for make in DIFFERENT.values())]
    assert None not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("setting", [{"floatX": "float64"}, {"winograd": False}])
def test_settings_are_in_the_name(setting):
    graph = layer()
    with sg.config.context(**setting):
        changed = named(graph)
    assert changed not in (None, named(graph))


def test_how_nodes_are_joined_is_in_the_name():
    x, y = sg.vector("x"), sg.vector("y")
    a, b = sg.exp(x), sg.exp(y)
    difference = a - b
    graphs = [
        Graph([x, y], [difference]),
        Graph([y, x], [difference]),
        Graph([x, y], [a - a]),
        Graph([x, y], [sg.exp(x) - sg.exp(x)]),
        Graph([x, y], [difference, a]),
        Graph([x, y], [a, difference]),
    ]
    assert len({named(graph) for graph in graphs}) == len(graphs)


def test_what_an_update_changes_is_in_the_name():
    w = sg.shared(np.ones(3, "float32"))
    graph = Graph([], [w * 2])
    assert named(graph, varying=[w]) != named(graph)


def test_which_nodes_share_a_line_is_in_the_name():
    x = sg.vector("x")
    together = Graph([x], [sg.exp(x) + sg.tanh(x)])
    first = sg.exp(x)
    second = sg.tanh(x)
    apart = Graph([x], [first + second])
    assert named(together) != named(apart)
    with scope("layer"):
        first = sg.exp(x)
    assert named(Graph([x], [first + second])) == named(apart)


def test_an_op_from_elsewhere_has_no_name():
    @dataclass(frozen=True)
    class Own(Op):
        def infer_type(self, x):
            return x

    x = sg.vector("x")
    assert named(Graph([x], [Own()(x)])) is None


def test_stages_of_ones_own_have_no_name():
    assert named(layer(), stages=DEFAULT[:2]) is None


def test_changed_source_changes_the_name(monkeypatch, tmp_path):
    before = named(layer())
    (tmp_path / "rule.py").write_text("x * 1 -> x")
    monkeypatch.setattr(room, "_ROOMS", (*room._ROOMS, tmp_path))
    room._source.cache_clear()
    middle = named(layer())
    (tmp_path / "rule.py").write_text("x * 1 -> 1")
    room._source.cache_clear()
    assert len({before, middle, named(layer())}) == 3


def test_source_newer_than_the_process_has_no_name(monkeypatch):
    monkeypatch.setattr(room, "_STARTED", 0.0)
    room._source.cache_clear()
    assert named(layer()) is None
