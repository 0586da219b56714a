"""symgraph as a side of the benchmark: the same requests as the peers answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import reference_network

import symgraph as sg
from symgraph import layers, training
from tests.benchmarks.peers import networks
from tests.benchmarks.peers.protocol import Arrays, Task, serve


def inference(arrays: Arrays) -> Task:
    """Probabilities of photographs; BN only where the arrays have its parameters."""
    net, photographs = _reference(arrays), arrays["photographs"]
    x = sg.tensor("x", shape=photographs.shape)
    predict = sg.function([x], sg.nn.softmax(net(x)))
    return Task(lambda: predict(photographs), lambda y: {"probabilities": y})


def step(arrays: Arrays) -> Task:
    """A step of SGD with momentum on photographs."""
    net = _reference(arrays)
    return _step(net, arrays["photographs"], arrays["labels"])


def mlp(arrays: Arrays) -> Task:
    """A step of SGD with momentum of the multi-layer perceptron."""
    parts: list[layers.Layer] = []
    for width in networks.MLP[1:-1]:
        norm = layers.BatchNorm(epsilon=networks.EPSILON, momentum=networks.MOMENTUM)
        parts += [layers.Dense(width, bias=False), norm]
        parts += [layers.Activation(sg.nn.sigmoid)]
    parts.append(layers.Dense(networks.MLP[-1]))
    net = layers.Sequential(parts, input_shape=(None, networks.MLP[0]))
    _assign(net, arrays)
    return _step(net, arrays["x"], arrays["labels"])


def lstm(arrays: Arrays) -> Task:
    """A step of gradient descent of an LSTM towards wanted outputs."""
    _, units = networks.LSTM
    sizes = arrays["x"].shape
    net = layers.LSTM(units, return_sequences=True, name="lstm")
    net.build((None, *sizes[1:]))
    for name, parameter in net.own.items():
        parameter.set_value(arrays[f"lstm.{name}"])
    x, wanted = (sg.tensor(n, shape=arrays[n].shape) for n in ("x", "wanted"))
    loss = ((net(x, training=True) - wanted) ** 2).mean()
    updates = training.sgd(loss, net.trainable, networks.RATE)
    train = sg.function([x, wanted], loss, updates=updates)

    def results(value: np.ndarray) -> Arrays:
        named = {f"lstm.{k}": v.get_value() for k, v in net.own.items()}
        return {"loss": value, **named}

    return Task(lambda: train(arrays["x"], arrays["wanted"]), results)


def elementwise(arrays: Arrays) -> Task:
    """tanh(x y + x) exp(-x)."""
    x, y = sg.vector("x"), sg.vector("y")
    function = sg.function([x, y], sg.tanh(x * y + x) * sg.exp(-x))
    return _call(function, arrays["x"], arrays["y"])


def product(arrays: Arrays) -> Task:
    """x y, for matrices of known sizes."""
    x, y = (sg.tensor(name, shape=arrays[name].shape) for name in "xy")
    return _call(sg.function([x, y], x @ y), arrays["x"], arrays["y"])


def call(arrays: Arrays) -> Task:
    """tanh(x y + x)."""
    x, y = sg.vector("x"), sg.vector("y")
    return _call(sg.function([x, y], sg.tanh(x * y + x)), arrays["x"], arrays["y"])


WAYS = {
    "inference": {"default": inference},
    "training": {"default": step},
    "mlp": {"default": mlp},
    "lstm": {"default": lstm},
    "elementwise": {"default": elementwise},
    "product": {"default": product},
    "call": {"default": call},
}


def _reference(arrays: Arrays) -> layers.Sequential:
    variant = "batch_norm" if "batch_norm_1.gamma" in arrays else "without"
    net = reference_network.build(variant)
    _assign(net, arrays)
    return net


def _assign(net: layers.Sequential, arrays: Arrays) -> None:
    for parameter in net.parameters:
        if parameter.name in arrays:
            parameter.set_value(arrays[parameter.name])


def _step(net: layers.Sequential, images: np.ndarray, labels: np.ndarray) -> Task:
    x = sg.tensor("x", shape=(None, *images.shape[1:]))
    y = sg.ivector("y")
    loss = sg.nn.cross_entropy(net(x, training=True), y).mean()
    named = {p.name: p for p in net.parameters}
    kept = networks.trained(named) | networks.averages(named)
    updates = training.momentum(loss, net.trainable, networks.RATE, networks.MOMENTUM)
    train = sg.function([x, y], loss, updates=updates)

    def results(value: np.ndarray) -> Arrays:
        return {"loss": value, **{k: v.get_value() for k, v in kept.items()}}

    def planned() -> int:
        memory = train.memory(x=images.shape, y=labels.shape)
        return memory.peak - memory.inputs - memory.shared

    return Task(lambda: train(images, labels), results, planned)


def _call(function: Callable, *arrays: np.ndarray) -> Task:
    return Task(lambda: function(*arrays), lambda z: {"z": z})


if __name__ == "__main__":
    serve("symgraph", WAYS)
