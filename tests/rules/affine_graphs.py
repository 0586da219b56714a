"""Graphs with affine maps in them, for the tests of how these are folded."""

from __future__ import annotations

import numpy as np

from symgraph.graph import constant
from symgraph.ops.affine import Affine
from symgraph.rules import AFFINE, CANONICALIZE
from symgraph.rules.fold_affine import FOLD_AFFINE
from tests.rules.checking import rewritten, tensor

IMAGES, ACTIVATIONS, ROWS = (0, 2, 3), (0,), (0,)
STAGES = (CANONICALIZE, AFFINE)
MOVES = {rule.name for rule in FOLD_AFFINE}
RNG = np.random.default_rng(0)


def array(*shape, dtype="float32"):
    """Random numbers."""
    return RNG.normal(size=shape).astype(dtype)


def weights(*shape, make=constant, dtype="float32"):
    """Random parameters: constants, or what ``make`` makes of an array."""
    return make(array(*shape, dtype=dtype))


def affine(x, axes=IMAGES, make=constant, positive=True):
    """A random affine map of ``x`` that is the same along ``axes``."""
    shape = [size for axis, size in enumerate(x.type.shape) if axis not in axes]
    scale = RNG.uniform(0.5, 2, shape).astype(x.dtype)
    if not positive:
        scale.flat[::2] *= -1
    return Affine(axes)(x, make(scale), make(array(*shape, dtype=x.dtype)))


def images(channels=3, height=7, width=8):
    """An input of any number of images."""
    return tensor("x", None, channels, height, width)


def run(outputs, x, rows=2):
    """The rewritten graph, checked on random images or rows."""
    shape = (rows, *x.type.shape[1:])
    return rewritten(outputs, STAGES, {x: array(*shape, dtype=x.dtype)})


def per_call(graph):
    """The ops that depend on the inputs."""
    reached = set(graph.inputs)
    found = []
    for node in graph:
        if any(v in reached for v in node.inputs):
            reached.update(node.outputs)
            found.append(type(node.op).__name__)
    return found
