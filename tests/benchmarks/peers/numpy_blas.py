"""NumPy: matrix products by its OpenBLAS, and what is written straight in it."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.peers.protocol import Arrays, Task, serve


def product(arrays: Arrays) -> Task:
    """x y, into an array that is there."""
    x, y = arrays["x"], arrays["y"]
    out = np.empty((x.shape[0], y.shape[1]), x.dtype)
    return Task(lambda: np.matmul(x, y, out=out), lambda z: {"z": z})


def elementwise(arrays: Arrays) -> Task:
    """tanh(x y + x) exp(-x)."""
    x, y = arrays["x"], arrays["y"]
    return Task(lambda: np.tanh(x * y + x) * np.exp(-x), lambda z: {"z": z})


def call(arrays: Arrays) -> Task:
    """tanh(x y + x)."""
    x, y = arrays["x"], arrays["y"]
    return Task(lambda: np.tanh(x * y + x), lambda z: {"z": z})


WAYS = {
    "product": {"OpenBLAS": product},
    "elementwise": {"eager": elementwise},
    "call": {"eager": call},
}

if __name__ == "__main__":
    serve(f"numpy {np.__version__}", WAYS)
