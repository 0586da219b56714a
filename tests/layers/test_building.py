"""Names, parameters, structure: what a network is before it computes anything."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers
from symgraph.graph import GraphError, TensorType, TypeMismatch, Variable, ancestors
from symgraph.graph.config import config
from symgraph.ops import nn


def variable(*shape, dtype="float32", name="x"):
    return Variable(TensorType(dtype, shape), name=name)


def convnet(seed=0, **options):
    return layers.Sequential(
        [
            layers.Conv2D(5, 3, activation=nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(),
            layers.Flatten(),
            layers.Dense(7, activation=nn.relu),
            layers.Dense(2),
        ],
        input_shape=(None, 3, 10, 12),
        seed=seed,
        **options,
    )


def test_names_and_shapes_of_parameters():
    shapes = {k: v.type.shape for k, v in convnet().named_parameters.items()}
    assert shapes == {
        "conv2d_1.filters": (5, 3, 3, 3),
        "conv2d_1.bias": (5,),
        "batch_norm_1.gamma": (5,),
        "batch_norm_1.beta": (5,),
        "batch_norm_1.mean": (5,),
        "batch_norm_1.variance": (5,),
        "batch_norm_1.running_mean": (5,),
        "batch_norm_1.running_variance": (5,),
        "batch_norm_1.running_steps": (),
        "dense_1.weights": (100, 7),
        "dense_1.bias": (7,),
        "dense_2.weights": (7, 2),
        "dense_2.bias": (2,),
    }
    assert all(v.name == k for k, v in convnet().named_parameters.items())


def test_trainable_and_statistics_part_the_parameters():
    net = convnet()
    names = {v: k for k, v in net.named_parameters.items()}
    trainable = [names[v] for v in net.trainable]
    assert trainable == [
        "conv2d_1.filters",
        "conv2d_1.bias",
        "batch_norm_1.gamma",
        "batch_norm_1.beta",
        "dense_1.weights",
        "dense_1.bias",
        "dense_2.weights",
        "dense_2.bias",
    ]
    assert set(net.trainable) | set(net.statistics) == set(net.parameters)
    assert len(net.trainable) + len(net.statistics) == len(net.parameters)


def test_the_seed_of_a_layer_does_not_depend_on_its_neighbours():
    with_norm, other = convnet(), convnet(seed=1)
    without = layers.Sequential(
        [layers.Conv2D(5, 3), layers.Flatten(), layers.Dense(7)],
        input_shape=(None, 3, 10, 12),
    )
    filters = with_norm["conv2d_1"]["filters"].get_value()
    np.testing.assert_array_equal(filters, without["conv2d_1"]["filters"].get_value())
    assert not np.array_equal(filters, other["conv2d_1"]["filters"].get_value())
    weights = with_norm["dense_1"]["weights"].get_value()
    assert not np.array_equal(weights[:7, :2], with_norm[-1]["weights"].get_value())


def test_output_type_keeps_the_batch_open():
    net = convnet()
    assert net.output_type == TensorType("float32", (None, 2))
    assert net(variable(None, 3, 10, 12)).type == net.output_type
    assert net(variable(4, 3, 10, 12)).type.shape == (4, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype(dtype):
    net = convnet(dtype=dtype)
    assert {v.dtype for v in net.trainable} == {dtype}
    assert net.output_type.dtype == dtype


def test_floatx_is_the_default_dtype():
    with config.context(floatX="float64"):
        assert convnet().output_type.dtype == "float64"


def test_indexing_and_iteration():
    net = convnet()
    assert len(net) == 6
    assert isinstance(net[2], layers.BatchNorm)
    assert net["dense_2"] is net[-1]
    assert list(net) == list(net.children)
    assert net[:2] == (net[0], net[1])
    with pytest.raises(KeyError, match="no layer 'dense_3'; there are: conv2d_1"):
        net["dense_3"]
    with pytest.raises(KeyError, match="no parameter 'weights'; there are: filters"):
        net[0]["weights"]


def test_a_shared_layer_has_its_parameters_once():
    shared = layers.Dense(5)
    net = layers.Sequential([shared, layers.Dense(5), shared], input_shape=(None, 5))
    assert list(net.named_parameters) == [
        "dense_1.weights",
        "dense_1.bias",
        "dense_2.weights",
        "dense_2.bias",
    ]
    y = net(variable(None, 5))
    weights = shared["weights"]
    assert sum(weights in v.owner.inputs for v in ancestors([y]) if v.owner) == 2


def test_a_layer_shared_between_networks():
    trunk = layers.Sequential([layers.Dense(5)], input_shape=(None, 3), seed=3)
    head = layers.Sequential([trunk, layers.Dense(2)], input_shape=(None, 3))
    assert trunk[0]["weights"] in head.trainable
    assert next(iter(head.named_parameters)) == "sequential_1.dense_1.weights"


def test_a_shared_layer_must_fit_everywhere():
    shared = layers.Dense(4)
    with pytest.raises(GraphError, match="weights expect 5 inputs, input has 4"):
        layers.Sequential([shared, shared], input_shape=(None, 5))


def test_used_before_it_was_built():
    with pytest.raises(GraphError, match="dense: used before it was built"):
        layers.Dense(3)(variable(None, 5))
    with pytest.raises(GraphError, match="sequential: used before it was built"):
        layers.Sequential([layers.Dense(3)]).trainable  # noqa: B018


def test_a_single_layer_can_be_built():
    layer = layers.Dense(3).build((None, 5), seed=2)
    assert list(layer.named_parameters) == ["dense.weights", "dense.bias"]
    assert layer(variable(None, 5)).type.shape == (None, 3)
    with pytest.raises(GraphError, match="dense: is built already"):
        layer.build((None, 5))


def test_a_failed_build_leaves_the_layers_as_they_were():
    first, second = layers.Dense(3), layers.Conv2D(2, 3)
    with pytest.raises(GraphError):
        layers.Sequential([first, second], input_shape=(None, 5))
    assert not first.is_built
    net = layers.Sequential([first], input_shape=(None, 7))
    assert net[0]["weights"].type.shape == (7, 3)


def test_inputs_that_do_not_fit():
    net = convnet()
    with pytest.raises(GraphError, match=r"expects float32\[\?, 3, 10, 12\]"):
        net(variable(None, 4, 10, 12))
    with pytest.raises(GraphError, match=r"expects float32\[\?, 3, 10, 12\]"):
        net(variable(None, 3, 10))
    with pytest.raises(TypeMismatch, match=r"\.astype\('float32'\)"):
        net(variable(None, 3, 10, 12, dtype="uint8"))
    with pytest.raises(GraphError, match="expected a Variable"):
        net(np.zeros((1, 3, 10, 12), np.float32))


def test_not_a_layer():
    with pytest.raises(GraphError, match="expected a Layer, got"):
        layers.Sequential([nn.relu])


def test_summary_lists_every_layer(capsys):
    text = convnet().summary()
    assert capsys.readouterr().out == text
    for word in ("conv2d_1", "float32[?, 5, 4, 5]", "dense_2", "total"):
        assert word in text
    trainable = 5 * 27 + 5 + 5 + 5 + 700 + 7 + 14 + 2
    assert f"{trainable}" in text.splitlines()[-2]


def test_calls_in_finds_the_layers_that_learn():
    net = convnet()
    y = net(variable(None, 3, 10, 12), training=True)
    (call,) = layers.calls_in([y.sum()])
    assert call.layer is net[2]
    assert call.in_training
    assert call.input.type.shape == (None, 5, 4, 5)
    assert layers.calls_in([variable(2)]) == []


def test_a_layer_written_by_a_user():
    class Scale(layers.Layer):
        """y = factor x."""

        def declare(self, x):
            return {
                "factor": layers.Parameter((x.shape[1],), 2.0 * np.ones(x.shape[1]))
            }

        def inference(self, x, p):
            return x * p.factor

    net = layers.Sequential([Scale(), layers.Dense(2)], input_shape=(None, 3))
    assert next(iter(net.named_parameters)) == "scale_1.factor"
    x = variable(None, 3)
    values = net[0](x).eval({x: np.ones((2, 3), np.float32)})
    np.testing.assert_array_equal(values, np.full((2, 3), 2.0))
