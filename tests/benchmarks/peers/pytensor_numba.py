"""PyTensor, Theano's heir: compiled by Numba, and by its C back end."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytensor
import pytensor.tensor as pt

from tests.benchmarks.peers import networks
from tests.benchmarks.peers.networks import EPSILON, MOMENTUM, RATE
from tests.benchmarks.peers.protocol import Arrays, Task, serve

pytensor.config.floatX = "float32"


class Operations:
    """The operations of the perceptron, in training."""

    sigmoid = staticmethod(pt.sigmoid)

    def dense(self, x, weights, bias):
        """x @ weights + bias."""
        y = pt.dot(x, weights)
        return y if bias is None else y + bias

    def norm(self, x, p, name):
        """Batch normalization by the batch."""
        mean, variance = x.mean(axis=0), x.var(axis=0)
        count = x.shape[0].astype("float32")
        unbiased = variance * (count / (count - 1))
        running = {
            f"{name}.running_{part}": np.float32(MOMENTUM) * p[f"{name}.running_{part}"]
            + np.float32(1 - MOMENTUM) * new
            for part, new in (("mean", mean), ("variance", unbiased))
        }
        scale = p[f"{name}.gamma"] / pt.sqrt(variance + np.float32(EPSILON))
        return (x - mean) * scale + p[f"{name}.beta"], running


def mlp(arrays: Arrays, mode: str) -> Task:
    """A step of SGD with momentum of the multi-layer perceptron."""
    weights = {k: pytensor.shared(v, k) for k, v in networks.trained(arrays).items()}
    running = {k: pytensor.shared(v, k) for k, v in networks.averages(arrays).items()}
    x, labels = pt.fmatrix("x"), pt.ivector("labels")
    logits, after = networks.perceptron(Operations(), weights | running, x)
    chosen = pt.special.log_softmax(logits, axis=1)[pt.arange(labels.shape[0]), labels]
    loss = -chosen.mean()
    updates = {running[name]: value.astype("float32") for name, value in after.items()}
    slopes = pytensor.grad(loss, list(weights.values()))
    for weight, slope in zip(weights.values(), slopes, strict=True):
        velocity = pytensor.shared(np.zeros_like(weight.get_value()))
        updates[velocity] = np.float32(MOMENTUM) * velocity - np.float32(RATE) * slope
        updates[weight] = weight + updates[velocity]
    train = pytensor.function([x, labels], loss, updates=updates, mode=mode)
    train.trust_input = True
    given = arrays["x"], arrays["labels"]

    def results(value: np.ndarray) -> Arrays:
        shared = weights | running
        return {"loss": value, **{k: v.get_value() for k, v in shared.items()}}

    return Task(lambda: train(*given), results)


def pointwise(arrays: Arrays, mode: str, long: bool) -> Task:
    """tanh(x y + x), and where it is ``long`` times exp(-x)."""
    x, y = pt.fvector("x"), pt.fvector("y")
    short = pt.tanh(x * y + x)
    function = pytensor.function(
        [x, y], short * pt.exp(-x) if long else short, mode=mode
    )
    function.trust_input = True
    given = arrays["x"], arrays["y"]
    return Task(lambda: function(*given), lambda z: {"z": z})


MODES = {"Numba": "NUMBA", "C": "CVM"}
WAYS = {
    "mlp": {name: partial(mlp, mode=mode) for name, mode in MODES.items()},
    "elementwise": {
        name: partial(pointwise, mode=mode, long=True) for name, mode in MODES.items()
    },
    "call": {
        name: partial(pointwise, mode=mode, long=False) for name, mode in MODES.items()
    },
}

if __name__ == "__main__":
    serve(f"pytensor {pytensor.__version__}", WAYS)
