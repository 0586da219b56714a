"""PyTorch: eager in both memory formats, compiled, and frozen where it only infers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.benchmarks.peers.networks import (
    CONVS,
    DENSE,
    EPSILON,
    LSTM,
    MLP,
    MOMENTUM,
    RATE,
)
from tests.benchmarks.peers.protocol import THREADS, Arrays, Task, serve

NORM = {"eps": EPSILON, "momentum": 1 - MOMENTUM}


def convolutional() -> nn.Sequential:
    """The reference network without its softmax."""
    parts: list[nn.Module] = []
    for layer in CONVS:
        parts += [nn.Conv2d(layer.inputs, layer.filters, layer.kernel), nn.ReLU()]
        parts += [nn.MaxPool2d(2)] if layer.pool else []
        parts += [nn.BatchNorm2d(layer.filters, **NORM)]
    first, hidden, last = DENSE
    parts += [nn.Flatten(), nn.Linear(first, hidden), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(hidden, last))


def perceptron() -> nn.Sequential:
    """The multi-layer perceptron without its softmax."""
    parts: list[nn.Module] = []
    for inputs, outputs in pairwise(MLP[:-1]):
        parts += [nn.Linear(inputs, outputs, bias=False)]
        parts += [nn.BatchNorm1d(outputs, **NORM), nn.Sigmoid()]
    return nn.Sequential(*parts, nn.Linear(*MLP[-2:]))


def inference(arrays: Arrays, prepare: Callable, last: bool) -> Task:
    """Probabilities of images; ``prepare`` makes the network the fastest it can be."""
    net = _filled(convolutional(), arrays).eval()
    images = torch.from_numpy(arrays["images"])
    if last:
        net, images = (t.to(memory_format=torch.channels_last) for t in (net, images))
    whole = nn.Sequential(net, nn.Softmax(1)).eval()
    with torch.inference_mode():
        ready = prepare(whole, images)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return ready(images)

    return Task(run, lambda y: {"probabilities": y.numpy()})


def step(arrays: Arrays, compiled: bool, last: bool) -> Task:
    """A step of SGD with momentum on images."""
    net, images = _filled(convolutional(), arrays), torch.from_numpy(arrays["images"])
    if last:
        net, images = (t.to(memory_format=torch.channels_last) for t in (net, images))
    return _step(net, images, arrays, compiled)


def mlp(arrays: Arrays, compiled: bool) -> Task:
    """A step of SGD with momentum of the multi-layer perceptron."""
    net = _filled(perceptron(), arrays)
    return _step(net, torch.from_numpy(arrays["x"]), arrays, compiled)


def lstm(arrays: Arrays) -> Task:
    """A step of gradient descent of an LSTM; of its two biases one stays zero."""
    features, units = LSTM
    net = nn.LSTM(features, units, batch_first=True)
    named = {
        "lstm.weights": net.weight_ih_l0,
        "lstm.recurrent": net.weight_hh_l0,
        "lstm.bias": net.bias_ih_l0,
    }
    with torch.no_grad():
        net.bias_hh_l0.zero_().requires_grad_(False)
        for name, tensor in named.items():
            tensor.copy_(torch.from_numpy(arrays[name].T))
    x, wanted = (torch.from_numpy(arrays[name]) for name in ("x", "wanted"))
    descent = torch.optim.SGD(named.values(), lr=RATE, fused=True)

    def run() -> float:
        descent.zero_grad()
        loss = ((net(x)[0] - wanted) ** 2).mean()
        loss.backward()
        descent.step()
        return loss.item()

    def results(loss: float) -> Arrays:
        after = {k: v.detach().T.contiguous().numpy() for k, v in named.items()}
        return {"loss": np.float32(loss), **after}

    return Task(run, results)


def elementwise(arrays: Arrays, compiled: bool) -> Task:
    """tanh(x y + x) exp(-x)."""
    return _pointwise(
        lambda x, y: torch.tanh(x * y + x) * torch.exp(-x), arrays, compiled
    )


def call(arrays: Arrays, compiled: bool) -> Task:
    """tanh(x y + x)."""
    return _pointwise(lambda x, y: torch.tanh(x * y + x), arrays, compiled)


def product(arrays: Arrays) -> Task:
    """x y, by MKL, into a tensor that is there."""
    x, y = (torch.from_numpy(arrays[name]) for name in "xy")
    out = torch.empty(x.shape[0], y.shape[1])
    return Task(lambda: torch.mm(x, y, out=out), lambda z: {"z": z.numpy()})


def _frozen(net: nn.Module, images: torch.Tensor) -> Any:
    traced = torch.jit.freeze(torch.jit.trace(net, images))
    return torch.jit.optimize_for_inference(traced)


def _compiled(net: nn.Module, images: torch.Tensor) -> Any:
    return torch.compile(net, options={"freezing": True})


def _step(net: nn.Module, x: torch.Tensor, arrays: Arrays, compiled: bool) -> Task:
    labels = torch.from_numpy(arrays["labels"].astype(np.int64))
    options = {"lr": RATE, "momentum": MOMENTUM}
    descent = torch.optim.SGD(net.parameters(), fused=True, **options)
    net.train()
    forward = torch.compile(net) if compiled else net
    measure = nn.CrossEntropyLoss()

    def run() -> float:
        descent.zero_grad()
        loss = measure(forward(x), labels)
        loss.backward()
        descent.step()
        return loss.item()

    return Task(run, lambda loss: {"loss": np.float32(loss), **_read(net)})


def _pointwise(function: Callable, arrays: Arrays, compiled: bool) -> Task:
    x, y = (torch.from_numpy(arrays[name]) for name in "xy")
    ready = torch.compile(function) if compiled else function
    return Task(lambda: ready(x, y), lambda z: {"z": z.numpy()})


# --- parameters ---------------------------------------------------------------------


def _named(net: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors by symgraph's names; those of dense layers transposed."""
    kinds: dict[type, tuple[str, dict[str, str]]] = {
        nn.Conv2d: ("conv2d", {"filters": "weight", "bias": "bias"}),
        nn.Linear: ("dense", {"weights": "weight", "bias": "bias"}),
    }
    norm = {"gamma": "weight", "beta": "bias"}
    norm |= {"running_mean": "running_mean", "running_variance": "running_var"}
    kinds |= dict.fromkeys((nn.BatchNorm2d, nn.BatchNorm1d), ("batch_norm", norm))
    counts: dict[str, int] = {}
    named = {}
    for layer in net:
        if type(layer) not in kinds:
            continue
        kind, parts = kinds[type(layer)]
        counts[kind] = counts.get(kind, 0) + 1
        for part, attribute in parts.items():
            tensor = getattr(layer, attribute)
            if tensor is not None:
                turned = tensor.T if part == "weights" else tensor
                named[f"{kind}_{counts[kind]}.{part}"] = turned
    return named


def _filled(net: nn.Sequential, arrays: Arrays) -> nn.Sequential:
    """``net`` with the values of ``arrays``; learned statistics where it has them."""
    with torch.no_grad():
        for name, tensor in _named(net).items():
            learned = name.replace("running_", "")
            array = arrays[learned if learned in arrays else name]
            tensor.copy_(torch.from_numpy(array))
    return net


def _read(net: nn.Module) -> Arrays:
    named = _named(net).items()
    return {name: tensor.detach().contiguous().numpy() for name, tensor in named}


EAGER = {"eager": False, "compiled": True}
WAYS = {
    "inference": {
        f"{name}{', channels-last' * last}": partial(inference, prepare=how, last=last)
        for name, how in {
            "eager": lambda net, images: net,
            "frozen": _frozen,
            "compiled, frozen": _compiled,
        }.items()
        for last in (False, True)
    },
    "training": {
        f"{name}{', channels-last' * last}": partial(step, compiled=how, last=last)
        for name, how in EAGER.items()
        for last in (False, True)
    },
    "mlp": {name: partial(mlp, compiled=how) for name, how in EAGER.items()},
    "lstm": {"eager": lstm},
    "elementwise": {n: partial(elementwise, compiled=how) for n, how in EAGER.items()},
    "call": {name: partial(call, compiled=how) for name, how in EAGER.items()},
    "product": {"MKL": product},
}

if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    serve(f"torch {torch.__version__}", WAYS)
