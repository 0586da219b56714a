"""What is compared: the work, its arrays, how often it is measured, what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from tests.benchmarks.peers.networks import CONVS, DENSE, FLAT, LSTM, MLP
from tests.benchmarks.peers.protocol import Arrays

SIZE = 90


@dataclass(frozen=True)
class Work:
    """``kind`` of work on ``arrays()``; a turn is ``warm`` calls, then ``calls`` timed.

    A turn is some tens of milliseconds or more: processes and caches wake up slowly.
    ``wanted`` is the least ratio of the best peer's time to symgraph's. A lap of the
    clock has ``inner`` calls.
    """

    title: str
    kind: str
    arrays: Callable[[], Arrays]
    wanted: float
    pairs: int = 15
    warm: int = 2
    calls: int = 5
    inner: int = 1


def photographs(batch: int, training: bool = False, norm: bool = True) -> Arrays:
    """The reference network's parameters and a batch, as photographs and standardized.

    What precedes the first convolution is learned before descent and fixed, so peers
    are given images that have it done; symgraph does it in the call.
    """
    rng = np.random.default_rng(0)
    arrays = {
        "standardize_1.mean": _floats(rng.uniform(0.4, 0.6, 3)),
        "standardize_1.variance": _floats(rng.uniform(0.05, 0.1, 3)),
        "photographs": _floats(rng.uniform(0, 1, (batch, 3, SIZE, SIZE))),
        "labels": rng.integers(0, DENSE[-1], batch).astype(np.int32),
    }
    mean, variance = (
        arrays[f"standardize_1.{part}"][:, None, None] for part in ("mean", "variance")
    )
    arrays["images"] = (arrays["photographs"] - mean) / np.sqrt(variance)
    for place, layer in enumerate(CONVS, 1):
        shape = (layer.filters, layer.inputs, layer.kernel, layer.kernel)
        arrays[f"conv2d_{place}.filters"] = _weights(rng, shape, np.prod(shape[1:]))
        arrays[f"conv2d_{place}.bias"] = _weights(rng, shape[:1], np.prod(shape[1:]))
        if norm:
            arrays |= _norm(rng, f"batch_norm_{place}", layer.filters, training)
    assert np.prod(FLAT) == DENSE[0]
    return arrays | _dense(rng, 1, DENSE[0], DENSE[1]) | _dense(rng, 2, *DENSE[1:])


def digits(batch: int) -> Arrays:
    """The perceptron's parameters and a batch."""
    rng = np.random.default_rng(0)
    arrays = {
        "x": _floats(rng.uniform(0, 1, (batch, MLP[0]))),
        "labels": rng.integers(0, MLP[-1], batch).astype(np.int32),
    }
    for place, sizes in enumerate(pairwise(MLP), 1):
        last = place == len(MLP) - 1
        arrays |= _dense(rng, place, *sizes, bias=last)
        if not last:
            arrays |= _norm(rng, f"batch_norm_{place}", sizes[1], training=True)
    return arrays


def sequences(batch: int, time: int) -> Arrays:
    """The parameters of an LSTM, a batch of sequences, and what h should be."""
    rng = np.random.default_rng(0)
    features, units = LSTM
    return {
        "x": _floats(rng.normal(size=(batch, time, features))),
        "wanted": _floats(rng.normal(size=(batch, time, units))),
        "lstm.weights": _weights(rng, (features, 4 * units), units),
        "lstm.recurrent": _weights(rng, (units, 4 * units), units),
        "lstm.bias": _weights(rng, (4 * units,), units),
    }


def operands(x: tuple[int, ...], y: tuple[int, ...]) -> Arrays:
    """Two arrays of normal numbers."""
    rng = np.random.default_rng(0)
    return {"x": _floats(rng.normal(size=x)), "y": _floats(rng.normal(size=y))}


def _norm(rng: np.random.Generator, name: str, size: int, training: bool) -> Arrays:
    """Running averages as they begin, or statistics as they might be learned."""
    arrays = {
        f"{name}.gamma": _floats(rng.uniform(0.5, 1.5, size)),
        f"{name}.beta": _floats(rng.normal(0, 0.1, size)),
    }
    if training:
        averages = {"running_mean": np.zeros(size), "running_variance": np.ones(size)}
    else:
        variance = rng.uniform(0.5, 1.5, size)
        averages = {"mean": rng.normal(0.3, 0.1, size), "variance": variance}
    return arrays | {f"{name}.{k}": _floats(v) for k, v in averages.items()}


def _dense(
    rng: np.random.Generator, place: int, inputs: int, outputs: int, bias: bool = True
) -> Arrays:
    arrays = {f"dense_{place}.weights": _weights(rng, (inputs, outputs), inputs)}
    if bias:
        arrays[f"dense_{place}.bias"] = _weights(rng, (outputs,), inputs)
    return arrays


def _weights(rng: np.random.Generator, shape: tuple[int, ...], inputs) -> np.ndarray:
    return _floats(rng.uniform(-1, 1, shape) / np.sqrt(inputs))


def _floats(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


def _product(m: int, k: int, n: int, inner: int = 1) -> Work:
    arrays = partial(operands, (m, k), (k, n))
    return Work(f"product {m}x{k}x{n}", "product", arrays, 1.0, inner=inner)


WORKS = {
    "infer1": Work(
        "inference, batch 1", "inference", partial(photographs, 1), 1.8, 20, 200, 200
    ),
    "infer32": Work("inference, batch 32", "inference", partial(photographs, 32), 1.8),
    "infer100": Work(
        "inference, batch 100", "inference", partial(photographs, 100), 1.8, 11, 1, 3
    ),
    "train100": Work(
        "training, batch 100", "training", partial(photographs, 100, True), 2.2, 9, 1, 2
    ),
    "mlp60": Work("MLP step, batch 60", "mlp", partial(digits, 60), 2.5, 20, 200, 200),
    "mlp512": Work("MLP step, batch 512", "mlp", partial(digits, 512), 2.0, 25, 20, 40),
    "lstm": Work(
        "LSTM step, batch 32, time 100",
        "lstm",
        partial(sequences, 32, 100),
        1.2,
        25,
        3,
    ),
    "elementwise": Work(
        "tanh(x*y+x)*exp(-x), 4M",
        "elementwise",
        partial(operands, (4_000_000,), (4_000_000,)),
        1.0,
    ),
    "product512": _product(512, 512, 512),
    "product1024": _product(1024, 1024, 1024),
    "product2048": _product(2048, 2048, 2048),
    "product100": _product(100, 1024, 256, inner=10),
    "product60": _product(60, 784, 100, inner=20),
    "call": Work(
        "call of tanh(x*y+x), 8 floats",
        "call",
        partial(operands, (8,), (8,)),
        1.8,
        inner=2000,
    ),
}
