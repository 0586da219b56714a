"""Walking, rebuilding and printing graphs, deep ones too."""

from __future__ import annotations

import pytest

import symgraph as sg
from symgraph.graph import (
    Graph,
    GraphError,
    ancestors,
    applies_between,
    clients_of,
    clone_with,
    constant,
    debugprint,
    evaluate,
    leaves_of,
    toposort,
)

DEPTH = 100_000


@pytest.fixture(scope="module")
def chain():
    """A chain of 100,000 nodes: (input, end)."""
    x = sg.scalar("x")
    y = x
    for _ in range(DEPTH):
        y = -y
    return x, y


def diamond():
    """x -> exp -> (sin, cos) -> add, and the variables by name."""
    x = sg.scalar("x")
    a = sg.exp(x)
    b, c = sg.sin(a), sg.cos(a)
    return x, a, b, c, b + c


def test_toposort_puts_inputs_before_users():
    x, a, b, c, y = diamond()
    assert toposort([y]) == [v.owner for v in (a, b, c, y)]
    assert toposort([y, y, a]) == toposort([y])
    assert toposort([y], stop=[a]) == [v.owner for v in (b, c, y)]
    assert toposort([x]) == []
    assert toposort([y], stop=[y]) == []


def test_ancestors_leaves_and_paths():
    x, a, b, c, y = diamond()
    assert set(ancestors([y])) == {x, a, b, c, y}
    assert ancestors([y], stop=[b, c])[-1] is y
    assert leaves_of([y]) == [x]
    assert applies_between([b], [y]) == [b.owner, y.owner][1:]
    assert applies_between([x], [y]) == toposort([y])


def test_clients_are_pairs_of_user_and_position():
    _, a, b, c, y = diamond()
    clients = clients_of(toposort([y]))
    assert clients[a] == [(b.owner, 0), (c.owner, 0)]
    assert clients[c] == [(y.owner, 1)]


def test_cloning_replaces_and_shares_the_rest():
    x, a, b, c, y = diamond()
    (new,) = clone_with([y], {b: x})
    assert new.owner.inputs == (x, c)
    assert new.site == y.site
    same, _ = clone_with([c, y], {b: x})
    assert same is c
    assert clone_with([y], {y: a}) == [a]


def test_a_clone_keeps_names():
    x = sg.scalar("x")
    y = sg.exp(x)
    y.name = "y"
    z = sg.sin(y)
    (new,) = clone_with([z], {x: sg.scalar("other")})
    assert new.owner.inputs[0].name == "y"


def test_a_graph_is_its_nodes_clients_and_leaves():
    x, a, _, _, y = diamond()
    graph = Graph([x], [y])
    assert len(graph) == 4
    assert graph.find(type(a.owner.op)) == [a.owner]
    assert [v for v, _ in zip(graph.leaves, "a", strict=True)] == [x]
    assert graph.replace({a: x}).find(type(a.owner.op)) == []
    assert len(graph) == 4
    assert "Add" in str(graph)


def test_a_graph_names_an_input_that_is_missing():
    x, y = sg.scalar("x"), sg.scalar("forgotten")
    with pytest.raises(GraphError, match="forgotten: float32") as caught:
        Graph([x], [x + y])
    assert "neither an input nor a shared variable" in str(caught.value)
    assert "sg.scalar" in str(caught.value)


def test_printing_is_stable_and_shows_shared_nodes_once():
    *_, y = diamond()
    assert debugprint(y, file=None).splitlines() == [
        "[0] Add float32[]",
        "  [1] Sin float32[]",
        "    [2] Exp float32[]",
        "      [3] input 'x' float32[]",
        "  [4] Cos float32[]",
        "    [2] Exp float32[] (above)",
    ]


def test_printing_shows_sites_constants_and_goes_to_a_stream(capsys):
    text = debugprint(sg.scalar("x") + 2.5, sites=True)
    assert capsys.readouterr().out == text + "\n"
    assert "constant 2.5 float32[]" in text
    assert 'debugprint(sg.scalar("x") + 2.5' in text
    assert "constant float32[3]" in debugprint(constant([1.0, 2, 3]), file=None)


def test_a_deep_chain_is_walked_and_cloned(chain):
    x, y = chain
    assert len(toposort([y])) == DEPTH
    other = sg.scalar()
    (new,) = clone_with([y], {x: other})
    assert leaves_of([new]) == [other]


def test_a_deep_chain_prints_in_linear_space(chain):
    text = debugprint(chain[1], file=None)
    assert len(text.splitlines()) == DEPTH + 1
    assert len(text) < 200 * DEPTH


def test_a_deep_chain_is_differentiated_and_its_gradient_evaluated(chain):
    x, y = chain
    gradient = sg.grad(y, x)
    assert evaluate([gradient], {x: 2.0})[0] == 1.0
