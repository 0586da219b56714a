"""TensorFlow: graphs by ``tf.function``, with and without XLA, channels last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tests.benchmarks.peers import networks
from tests.benchmarks.peers.layouts import plain_order, to_order
from tests.benchmarks.peers.networks import EPSILON, MOMENTUM, RATE
from tests.benchmarks.peers.protocol import THREADS, Arrays, Task, serve

ORDER = "NHWC"


class Operations:
    """The operations of networks."""

    def __init__(self, training: bool) -> None:
        self.training = training

    relu = staticmethod(tf.nn.relu)
    sigmoid = staticmethod(tf.nn.sigmoid)

    def conv(self, x, filters, bias):
        """Correlation without padding."""
        return tf.nn.bias_add(tf.nn.conv2d(x, filters, 1, "VALID"), bias)

    def pool(self, x):
        """2x2 max-pooling."""
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    def flatten(self, x):
        """Rows of all that belongs to an image."""
        return tf.reshape(x, (x.shape[0], -1))

    def dense(self, x, weights, bias):
        """x @ weights + bias."""
        y = tf.matmul(x, weights)
        return y if bias is None else tf.nn.bias_add(y, bias)

    def norm(self, x, p, name):
        """Batch normalization by the batch, or by what was learned, fused."""
        given = (
            {} if self.training else {k: p[f"{name}.{k}"] for k in ("mean", "variance")}
        )
        image = x if x.shape.rank == 4 else x[:, None, None]
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            image,
            p[f"{name}.gamma"],
            p[f"{name}.beta"],
            epsilon=EPSILON,
            is_training=self.training,
            **given,
        )
        running = {}
        for part, new in (
            (("mean", mean), ("variance", variance)) if self.training else ()
        ):
            key = f"{name}.running_{part}"
            running[key] = MOMENTUM * p[key] + (1 - MOMENTUM) * new
        return (y if x.shape.rank == 4 else y[:, 0, 0]), running


def inference(arrays: Arrays, xla: bool) -> Task:
    """Probabilities of images; the parameters are constants: a frozen graph."""
    p = {name: tf.constant(a) for name, a in to_order(arrays, ORDER).items()}
    operations, images = Operations(training=False), p["images"]

    @tf.function(jit_compile=xla)
    def predict(x):
        return tf.nn.softmax(networks.reference_network(operations, p, x)[0])

    predict = predict.get_concrete_function(tf.TensorSpec(images.shape, tf.float32))
    return Task(lambda: _ready(predict(images)), lambda y: {"probabilities": y.numpy()})


def step(arrays: Arrays, network: Callable, x: str, xla: bool) -> Task:
    """A step of SGD with momentum; every update is inside the graph."""
    ordered = to_order(arrays, ORDER)
    weights = {k: tf.Variable(v) for k, v in networks.trained(ordered).items()}
    running = {k: tf.Variable(v) for k, v in networks.averages(ordered).items()}
    velocities = {k: tf.Variable(tf.zeros_like(v)) for k, v in weights.items()}
    images, labels = tf.constant(ordered[x]), tf.constant(ordered["labels"])
    operations = Operations(training=True)

    @tf.function(jit_compile=xla)
    def train(x, labels):
        with tf.GradientTape() as tape:
            logits, after = network(operations, weights | running, x)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        slopes = tape.gradient(loss, weights)
        for name, weight in weights.items():
            velocity = velocities[name]
            velocity.assign(MOMENTUM * velocity - RATE * slopes[name])
            weight.assign_add(velocity)
        for name, value in after.items():
            running[name].assign(value)
        return loss

    def results(loss: Any) -> Arrays:
        named = {k: v.numpy() for k, v in (weights | running).items()}
        return {"loss": np.asarray(loss), **plain_order(named, ORDER)}

    return Task(lambda: _ready(train(images, labels)), results)


def pointwise(arrays: Arrays, function: Callable, xla: bool) -> Task:
    """``function`` of x and y."""
    x, y = (tf.constant(arrays[name]) for name in "xy")
    ready = tf.function(function, jit_compile=xla).get_concrete_function(x, y)
    return Task(lambda: _ready(ready(x, y)), lambda z: {"z": z.numpy()})


def _ready(tensor: Any) -> Any:
    """The tensor, computed; its memory is shared with NumPy, nothing is copied."""
    np.asarray(memoryview(tensor))
    return tensor


def _long(x, y):
    return tf.tanh(x * y + x) * tf.exp(-x)


def _short(x, y):
    return tf.tanh(x * y + x)


XLA = {"graph": False, "XLA": True}
WAYS = {
    "inference": {name: partial(inference, xla=xla) for name, xla in XLA.items()},
    "training": {
        name: partial(step, network=networks.reference_network, x="images", xla=xla)
        for name, xla in XLA.items()
    },
    "mlp": {
        name: partial(step, network=networks.perceptron, x="x", xla=xla)
        for name, xla in XLA.items()
    },
    "elementwise": {
        n: partial(pointwise, function=_long, xla=f) for n, f in XLA.items()
    },
    "call": {n: partial(pointwise, function=_short, xla=f) for n, f in XLA.items()},
    "product": {"graph": partial(pointwise, function=tf.matmul, xla=False)},
}

if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    serve(f"tensorflow {tf.__version__}", WAYS)
