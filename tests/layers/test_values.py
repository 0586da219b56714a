"""What each layer computes, against NumPy written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers
from symgraph.graph import GraphError, TensorType, Variable, evaluate
from symgraph.ops import nn

RANDOM = np.random.default_rng(0)


def apply(net, x, training=False):
    symbol = Variable(TensorType(x.dtype.name, (None, *x.shape[1:])), name="x")
    return evaluate([net(symbol, training)], {symbol: x})[0]


def images(*shape, dtype="float64"):
    return RANDOM.normal(size=shape).astype(dtype)


def correlate(x, filters, stride=1):
    rows, columns = filters.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwrs,kcrs->nkhw", windows, filters)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [2, 0])
def test_conv2d(dtype, batch):
    x = images(batch, 3, 7, 8, dtype=dtype)
    layer = layers.Conv2D(5, (2, 3), stride=2, bias_initializer=np.arange(5.0))
    layer.build((None, 3, 7, 8), dtype=dtype)
    filters, bias = layer["filters"].get_value(), layer["bias"].get_value()
    expected = correlate(x, filters, stride=2) + bias[:, None, None]
    found = apply(layer, x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_conv2d_padding_and_activation():
    x = images(2, 3, 5, 7)
    layer = layers.Conv2D(4, 3, padding="same", activation=nn.relu, bias=False)
    layer.build((None, 3, 5, 7), dtype="float64")
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = np.maximum(correlate(padded, layer["filters"].get_value()), 0)
    np.testing.assert_allclose(apply(layer, x), expected, atol=1e-12)


def test_conv2d_groups_have_their_own_filters():
    layer = layers.Conv2D(6, 3, groups=2, dilation=2).build((None, 4, 9, 9))
    assert layer["filters"].type.shape == (6, 2, 3, 3)
    assert layer.output_type.shape == (None, 6, 5, 5)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.Conv2D(5, 3), (None, 3), r"expects \[batch, channels, height, width\]"),
        (
            layers.Conv2D(5, 3),
            (None, None, 5, 5),
            "the number of channels must be known",
        ),
        (layers.Conv2D(5, 3, groups=2), (None, 3, 5, 5), "2 groups must divide 3"),
        (layers.Conv2D(5, 9), (None, 3, 5, 5), "conv2d"),
        (layers.Dense(3), (None, 2, 3, 3), r"put a Flatten\(\) before it"),
        (layers.Dense(3), (None, None), "the number of features must be known"),
        (layers.Dense(3), (None,), r"expects \[batch, features\]"),
        (layers.GlobalAveragePool2D(), (None, 3), "expects"),
        (layers.Flatten(), (None,), "expects"),
        (layers.BatchNorm(axes=1), (None, 3), "axis 0 .* has none"),
        (layers.BatchNorm(axes=5), (None, 3), "axes|axis"),
        (layers.BatchNorm(), (3,), r"expects \[batch, ...\]"),
        (layers.Reshape((4, -1)), (None, 3), "reshape"),
    ],
)
def test_inputs_a_layer_cannot_take(layer, shape, message):
    with pytest.raises(GraphError, match=message):
        layer.build(shape)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Conv2D(0, 3),
        lambda: layers.Conv2D(2.5, 3),
        lambda: layers.Conv2D(2, (3, 0)),
        lambda: layers.Conv2D(2, (3, 3, 3)),
        lambda: layers.Conv2D(2, 3, groups=0),
        lambda: layers.Dense(-1),
        lambda: layers.Dense(True),
        lambda: layers.Dropout(1.0),
        lambda: layers.Dropout(-0.1),
        lambda: layers.BatchNorm(momentum=1.0),
        lambda: layers.BatchNorm(epsilon=-1e-5),
        lambda: layers.Add([]),
    ],
)
def test_arguments_a_layer_cannot_take(make):
    with pytest.raises(GraphError):
        make()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [4, 0])
def test_dense(dtype, batch):
    x = images(batch, 3, dtype=dtype)
    layer = layers.Dense(5, activation=nn.tanh).build((None, 3), dtype=dtype)
    expected = np.tanh(x @ layer["weights"].get_value() + layer["bias"].get_value())
    np.testing.assert_allclose(apply(layer, x), expected, rtol=1e-5, atol=1e-6)


def test_pooling():
    x = images(2, 3, 4, 6)
    windows = x.reshape(2, 3, 2, 2, 3, 2)
    pools = {
        layers.MaxPool2D(2): windows.max(axis=(3, 5)),
        layers.AveragePool2D(2): windows.mean(axis=(3, 5)),
        layers.GlobalAveragePool2D(): x.mean(axis=(2, 3)),
        layers.MaxPool2D((2, 1), stride=(1, 2)): np.maximum(
            x[:, :, :-1, ::2], x[:, :, 1:, ::2]
        ),
    }
    for layer, expected in pools.items():
        layer.build((None, 3, 4, 6), dtype="float64")
        np.testing.assert_allclose(apply(layer, x), expected, atol=1e-12)


def test_average_pooling_counts_only_what_is_there():
    layer = layers.AveragePool2D(3, stride=1, padding=1).build((None, 1, 3, 3))
    x = np.ones((1, 1, 3, 3), np.float32)
    np.testing.assert_allclose(apply(layer, x), 1.0)


def test_reshaping():
    x = images(2, 3, 4, 5)
    flat = layers.Flatten().build((None, 3, 4, 5), dtype="float64")
    np.testing.assert_array_equal(apply(flat, x), x.reshape(2, 60))
    assert flat.output_type.shape == (None, 60)
    shaped = layers.Reshape((6, -1)).build((None, 3, 4, 5), dtype="float64")
    np.testing.assert_array_equal(apply(shaped, x), x.reshape(2, 6, 10))
    assert shaped.output_type.shape == (None, 6, 10)


def test_activation():
    layer = layers.Activation(nn.relu).build((None, 3), dtype="float64")
    x = images(2, 3)
    np.testing.assert_array_equal(apply(layer, x), np.maximum(x, 0))


def test_branches():
    x = images(2, 3)
    one, two = layers.Dense(3), layers.Dense(3)
    net = layers.Sequential(
        [
            layers.Residual([one, layers.Activation(nn.relu)]),
            layers.Concatenate([two, []]),
        ],
        input_shape=(None, 3),
        dtype="float64",
    )
    w, b = (one[name].get_value() for name in ("weights", "bias"))
    middle = np.maximum(x @ w + b, 0) + x
    w, b = (two[name].get_value() for name in ("weights", "bias"))
    expected = np.concatenate([middle @ w + b, middle], axis=1)
    np.testing.assert_allclose(apply(net, x), expected, atol=1e-12)
    assert "residual_1.sequential_1.dense_1.weights" in net.named_parameters


def test_branches_that_do_not_fit():
    with pytest.raises(GraphError, match="add: expects branches of one type"):
        layers.Add([layers.Dense(3), layers.Dense(4)]).build((None, 5))


def test_branches_train_as_a_whole():
    norm = layers.BatchNorm()
    net = layers.Residual([norm]).build((None, 3), dtype="float64")
    x = images(5, 3)
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + x
    np.testing.assert_allclose(apply(net, x, training=True), expected, atol=1e-9)


def test_dropout_is_the_identity_at_inference():
    layer = layers.Dropout(0.4).build((None, 3))
    x = Variable(TensorType("float32", (None, 3)))
    assert layer(x) is x


def test_dropout_in_training():
    layer = layers.Dropout(0.25).build((None, 300), dtype="float64")
    x = np.ones((200, 300))
    y = apply(layer, x, training=True)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_dropout_of_whole_channels():
    layer = layers.Dropout(0.5, shared_axes=(2, 3)).build((None, 50, 2, 3))
    y = apply(layer, np.ones((4, 50, 2, 3), np.float32), training=True)
    assert (y == y[:, :, :1, :1]).all()
    assert 0 < (y == 0).mean() < 1


def test_dropout_draws_anew_in_each_application_until_restarted():
    layer = layers.Dropout(0.5).build((None, 300))
    x = np.ones((2, 300), np.float32)
    first, second = apply(layer, x, True), apply(layer, x, True)
    assert not np.array_equal(first, second)
    layer.restart()
    np.testing.assert_array_equal(apply(layer, x, True), first)


def test_dropout_layers_of_one_network_differ():
    net = layers.Sequential(
        [layers.Dropout(0.5), layers.Dropout(0.5)], input_shape=(None, 5), seed=3
    )
    one, two = (layer["random_state"].get_value() for layer in net)
    assert one[0] != two[0]
