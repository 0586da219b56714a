"""What memory bounds: elementwise groups, reductions, softmax, pooling, BN.

Each is a compiled function of symgraph, so that what is measured is also what fusion
makes of it: the time is of all its kernels, the traffic of the buffers they touch.
Images are in the plain order here; inside a network they are mostly blocked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import numpy as np

import symgraph as sg
from codegen.target import TARGET_VARIABLE, Target
from tests.benchmarks.kernels.jobs import Job

COUNT = 16_000_000  # more than third-level caches hold
IMAGES = (100, 32, 42, 42)
CHECK = "labels"  # a kernel that reads one number of each row, not all of them
ROWS = ((60, 10), (512, 10), (100, 1000), (4096, 1000))


def _vector():
    return sg.tensor("x", shape=(COUNT,))


def _tanh_product():
    x, y = _vector(), sg.tensor("y", shape=(COUNT,))
    return [x, y], sg.tanh(x * y + x) * sg.exp(-x)


def _gradient(of: Callable):
    x = sg.tensor("x", shape=IMAGES)
    y = of(x)
    cotangent = sg.tensor("cotangent", shape=y.type.shape)
    return [x, cotangent], sg.grad((y * cotangent).sum(), x)


def _cross_entropy(rows: int, classes: int):
    x = sg.tensor("x", shape=(rows, classes))
    labels = sg.tensor("labels", dtype="int32", shape=(rows,))
    loss = sg.nn.cross_entropy(x, labels).mean()
    return [x, labels], [loss, sg.grad(loss, x)]


def _pool(x):
    return sg.nn.max_pool2d(x, 2)


def _pool_overlapping(x):
    return sg.nn.max_pool2d(x, 3, stride=2, padding=1)


def _batch_norm(x):
    gamma = np.ones(IMAGES[1], "float32")
    return sg.nn.batch_norm(x, gamma, 0 * gamma)


def _unary(of: Callable, shape: tuple[int, ...]):
    x = sg.tensor("x", shape=shape)
    return [x], of(x)


def _rows(name: str, make: Callable[[int, int], tuple]) -> dict[str, Callable]:
    """A pass over rows of few numbers and of many."""
    return {f"{name} {m}x{n}": partial(make, m, n) for m, n in ROWS}


PASSES: dict[str, Callable[[], tuple]] = {
    "tanh(x*y+x)*exp(-x)": _tanh_product,
    "relu": lambda: _unary(sg.nn.relu, (COUNT,)),
    "sum": lambda: _unary(sg.sum, (COUNT,)),
    **_rows("softmax", lambda *shape: _unary(sg.nn.softmax, shape)),
    **_rows("log-softmax", lambda *shape: _unary(sg.nn.log_softmax, shape)),
    **_rows("cross entropy and its gradient", _cross_entropy),
    "max-pooling": lambda: _unary(_pool, IMAGES),
    "max-pooling, gradient": lambda: _gradient(_pool),
    "overlapping max-pooling": lambda: _unary(_pool_overlapping, IMAGES),
    "overlapping max-pooling, gradient": lambda: _gradient(_pool_overlapping),
    "batch norm": lambda: _unary(_batch_norm, IMAGES),
    "batch norm, gradient": lambda: _gradient(_batch_norm),
}


def job(name: str, target: Target, threads: int) -> Job:
    """The function of that name, on arrays of its inputs' shapes."""
    inputs, outputs = PASSES[name]()
    os.environ[TARGET_VARIABLE] = target.name
    with sg.config.context(threads=threads):
        function = sg.function(inputs, outputs, profile=True)
    rng = np.random.default_rng(0)
    arrays = [_values(variable, rng) for variable in inputs]

    def run() -> float:
        before = function.profile().seconds
        function(*arrays)
        return function.profile().seconds - before

    run()
    rows = function.profile().rows
    traffic = sum(row.bytes for row in rows if row.kernel != CHECK)
    return Job(name, f"{len(rows)} kernels", {"fused": run}, 0, traffic)


def _values(variable: sg.Variable, rng: np.random.Generator) -> np.ndarray:
    if variable.dtype == "int32":
        return rng.integers(0, min(ROWS)[1], variable.type.shape, np.int32)
    return rng.standard_normal(variable.type.shape).astype(np.float32)
