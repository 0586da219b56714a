"""Images and filters from the order of symgraph, N,C,H,W, to channels last and back."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.peers.networks import FLAT
from tests.benchmarks.peers.protocol import Arrays


def to_order(arrays: Arrays, order: str) -> Arrays:
    """The arrays as a library wants them that has images in ``order``."""
    if order == "NCHW":
        return arrays
    return {name: _last(name, array) for name, array in arrays.items()}


def plain_order(arrays: Arrays, order: str) -> Arrays:
    """The inverse of ``to_order`` for parameters."""
    if order == "NCHW":
        return arrays
    return {name: _first(name, array) for name, array in arrays.items()}


def _last(name: str, array: np.ndarray) -> np.ndarray:
    if name.endswith(".filters"):
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    if _is_flat(name, array):
        rows = array.reshape(*FLAT, -1).transpose(1, 2, 0, 3)
        return np.ascontiguousarray(rows).reshape(array.shape)
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1))
    return array


def _first(name: str, array: np.ndarray) -> np.ndarray:
    if name.endswith(".filters"):
        return array.transpose(3, 2, 0, 1)
    if _is_flat(name, array):
        channels, height, width = FLAT
        rows = array.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
        return rows.reshape(array.shape)
    return array


def _is_flat(name: str, array: np.ndarray) -> bool:
    """Whether these are the weights that multiply a flattened image."""
    return name == "dense_1.weights" and array.shape[0] == np.prod(FLAT)
