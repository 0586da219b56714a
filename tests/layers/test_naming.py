"""Names of layers: given, made up, and the paths that nested networks make of them."""

from __future__ import annotations

import pytest

from symgraph import layers
from symgraph.graph import GraphError, TensorType, Variable, ancestors


def test_nested_networks_have_paths():
    block = layers.Sequential([layers.Dense(3), layers.BatchNorm()])
    net = layers.Sequential([block, layers.Dense(2)], input_shape=(None, 5))
    assert "sequential_1.dense_1.weights" in net.named_parameters
    assert net.named_parameters["dense_1.bias"] is net["dense_1"]["bias"]


def test_nodes_know_their_layer():
    block = layers.Sequential([layers.Dense(3)], name="head")
    net = layers.Sequential([block], input_shape=(None, 5))
    y = net(Variable(TensorType("float32", (None, 5))))
    assert y.site.scope == ("head", "dense_1")
    assert {v.site.filename for v in ancestors([y])} == {__file__}


def test_names_given_by_the_user():
    net = layers.Sequential(
        [layers.Dense(3, name='x; system("ls")'), layers.Dense(2)],
        input_shape=(None, 5),
    )
    assert 'x; system("ls").weights' in net.named_parameters
    assert net[1].name == "dense_1"


def test_automatic_names_make_way_for_given_ones():
    net = layers.Sequential(
        [layers.Dense(3), layers.Dense(2, name="dense_1")], input_shape=(None, 5)
    )
    assert [layer.name for layer in net] == ["dense_2", "dense_1"]


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "a\\b", "a\nb", 3])
def test_bad_names(name):
    with pytest.raises(GraphError, match="a layer's name is a text without dots"):
        layers.Sequential([layers.Dense(3, name=name)])


def test_two_layers_of_one_name():
    with pytest.raises(GraphError, match="2 layers are named 'a'"):
        layers.Sequential([layers.Dense(3, name="a"), layers.Dense(3, name="a")])
