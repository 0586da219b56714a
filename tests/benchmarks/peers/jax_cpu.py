"""JAX: compiled by XLA, parameters donated, images in both orders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.peers import networks
from tests.benchmarks.peers.layouts import plain_order, to_order
from tests.benchmarks.peers.networks import EPSILON, MOMENTUM, RATE
from tests.benchmarks.peers.protocol import Arrays, Task, serve


class Operations:
    """The operations of networks; ``order`` is "NCHW" or "NHWC"."""

    def __init__(self, order: str, training: bool) -> None:
        self.order = order
        self.training = training
        self.axis = order.index("C")

    relu = staticmethod(jax.nn.relu)
    sigmoid = staticmethod(jax.nn.sigmoid)

    def conv(self, x, filters, bias):
        """Correlation without padding."""
        kernel = "OIHW" if self.order == "NCHW" else "HWIO"
        orders = (self.order, kernel, self.order)
        y = jax.lax.conv_general_dilated(
            x, filters, (1, 1), "VALID", dimension_numbers=orders
        )
        return y + self._along(bias, y)

    def pool(self, x):
        """2x2 max-pooling."""
        window = tuple(2 if axis in "HW" else 1 for axis in self.order)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")

    def flatten(self, x):
        """Rows of all that belongs to an image."""
        return x.reshape(x.shape[0], -1)

    def dense(self, x, weights, bias):
        """x @ weights + bias."""
        y = x @ weights
        return y if bias is None else y + bias

    def norm(self, x, p, name):
        """Batch normalization by the batch, or by what was learned."""
        axes = tuple(i for i in range(x.ndim) if i != (self.axis if x.ndim > 2 else 1))
        running = {}
        if self.training:
            mean, variance = x.mean(axes), x.var(axes)
            count = x.size // mean.size
            for part, new in (
                ("mean", mean),
                ("variance", variance * count / (count - 1)),
            ):
                key = f"{name}.running_{part}"
                running[key] = MOMENTUM * p[key] + (1 - MOMENTUM) * new
        else:
            mean, variance = p[f"{name}.mean"], p[f"{name}.variance"]
        scale = p[f"{name}.gamma"] * jax.lax.rsqrt(variance + EPSILON)
        shift = p[f"{name}.beta"] - mean * scale
        return x * self._along(scale, x) + self._along(shift, x), running

    def _along(self, values, x):
        return values.reshape(-1, 1, 1) if x.ndim > 2 and self.axis == 1 else values


def inference(arrays: Arrays, order: str) -> Task:
    """Probabilities of images; the parameters are constants of the program."""
    ordered = {name: jnp.asarray(a) for name, a in to_order(arrays, order).items()}
    operations = Operations(order, training=False)

    @jax.jit
    def predict(x):
        logits, _ = networks.reference_network(operations, ordered, x)
        return jax.nn.softmax(logits)

    images = ordered["images"]
    run = lambda: predict(images).block_until_ready()  # noqa: E731
    return Task(run, lambda y: {"probabilities": np.asarray(y)})


def step(arrays: Arrays, network: Callable, x: str, order: str = "NHWC") -> Task:
    """A step of SGD with momentum; the old parameters' memory is donated."""
    ordered = {k: jnp.asarray(a) for k, a in to_order(arrays, order).items()}
    operations = Operations(order, training=True)
    images, labels = ordered[x], ordered["labels"]
    weights = networks.trained(ordered)
    state = [weights, jax.tree.map(jnp.zeros_like, weights), networks.averages(ordered)]

    def loss_of(weights, running, x, labels):
        logits, after = network(operations, weights | running, x)
        chosen = jax.nn.log_softmax(logits)[jnp.arange(labels.size), labels]
        return -chosen.mean(), after

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def train(weights, velocities, running, x, labels):
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, after), slopes = gradient(weights, running, x, labels)
        velocities = jax.tree.map(
            lambda v, d: MOMENTUM * v - RATE * d, velocities, slopes
        )
        weights = jax.tree.map(jnp.add, weights, velocities)
        return loss, [weights, velocities, after]

    def run() -> Any:
        loss, state[:] = train(*state, images, labels)
        jax.block_until_ready(state)
        return loss

    def results(loss: Any) -> Arrays:
        named = {k: np.asarray(v) for k, v in (state[0] | state[2]).items()}
        return {"loss": np.asarray(loss), **plain_order(named, order)}

    return Task(run, results)


def pointwise(arrays: Arrays, function: Callable) -> Task:
    """``function`` of x and y."""
    x, y = (jnp.asarray(arrays[name]) for name in "xy")
    ready = jax.jit(function)
    return Task(lambda: ready(x, y).block_until_ready(), lambda z: {"z": np.asarray(z)})


def _long(x, y):
    return jnp.tanh(x * y + x) * jnp.exp(-x)


def _short(x, y):
    return jnp.tanh(x * y + x)


ORDERS = ("NCHW", "NHWC")
WAYS = {
    "inference": {order: partial(inference, order=order) for order in ORDERS},
    "training": {
        order: partial(
            step, network=networks.reference_network, x="images", order=order
        )
        for order in ORDERS
    },
    "mlp": {"jit": partial(step, network=networks.perceptron, x="x")},
    "elementwise": {"jit": partial(pointwise, function=_long)},
    "call": {"jit": partial(pointwise, function=_short)},
    "product": {"jit": partial(pointwise, function=jnp.matmul)},
}

if __name__ == "__main__":
    serve(f"jax {jax.__version__}", WAYS)
