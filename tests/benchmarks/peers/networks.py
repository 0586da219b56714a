"""The networks that all sides compute, written once for every kind of tensor.

Parameters are named as symgraph names them. ``operations`` are those of a library:
``conv(x, w, b)``, ``relu``, ``sigmoid``, ``pool``, ``flatten``, ``dense(x, w, b)``, and
``norm(x, p, name)``, which gives y and the running averages after it, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RATE, MOMENTUM = 0.01, 0.9  # of the descent; the averages keep MOMENTUM of the past
EPSILON = 1e-5


@dataclass(frozen=True)
class Conv:
    """A convolution without padding, relu, perhaps 2x2 max-pooling, then BN."""

    inputs: int
    filters: int
    kernel: int
    pool: bool


CONVS = (
    Conv(3, 16, 3, True),
    Conv(16, 32, 3, False),
    Conv(32, 32, 3, True),
    Conv(32, 64, 5, True),
    Conv(64, 64, 5, False),
)
FLAT = (64, 4, 4)  # what the first dense layer sees
DENSE = (1024, 256, 2)
MLP = (784, 100, 100, 100, 10)
LSTM = (64, 128)  # features, units


def reference_network(
    operations: Any, p: Mapping[str, Any], x: Any
) -> tuple[Any, dict]:
    """The logits of images that are standardized, and the running averages."""
    running: dict = {}
    for place, layer in enumerate(CONVS, 1):
        filters, bias = (p[f"conv2d_{place}.{part}"] for part in ("filters", "bias"))
        x = operations.relu(operations.conv(x, filters, bias))
        if layer.pool:
            x = operations.pool(x)
        x, after = operations.norm(x, p, f"batch_norm_{place}")
        running |= after
    x = operations.flatten(x)
    x = operations.relu(operations.dense(x, p["dense_1.weights"], p["dense_1.bias"]))
    return operations.dense(x, p["dense_2.weights"], p["dense_2.bias"]), running


def perceptron(operations: Any, p: Mapping[str, Any], x: Any) -> tuple[Any, dict]:
    """The logits of the multi-layer perceptron: dense, BN, sigmoid, three times."""
    running: dict = {}
    for place in range(1, len(MLP) - 1):
        x = operations.dense(x, p[f"dense_{place}.weights"], None)
        x, after = operations.norm(x, p, f"batch_norm_{place}")
        running |= after
        x = operations.sigmoid(x)
    last = f"dense_{len(MLP) - 1}"
    return operations.dense(x, p[f"{last}.weights"], p[f"{last}.bias"]), running


def trained(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that descent changes."""
    endings = (".filters", ".weights", ".bias", ".gamma", ".beta")
    return {name: array for name, array in arrays.items() if name.endswith(endings)}


def averages(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The running averages."""
    endings = (".running_mean", ".running_variance")
    return {name: array for name, array in arrays.items() if name.endswith(endings)}
