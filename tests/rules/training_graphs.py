"""Training graphs with BN, for the tests of where its affine map goes."""

from __future__ import annotations

import numpy as np

from symgraph.autodiff import grad
from symgraph.graph import constant
from symgraph.ops.normalize import batch_norm_training
from symgraph.rules import CANONICALIZE, SIMPLIFY, TRAINING
from symgraph.rules.fold_training import FOLD_TRAINING
from tests.rules.affine_graphs import array
from tests.rules.checking import rewritten, shared

STAGES = (CANONICALIZE, TRAINING, SIMPLIFY)
NAMES = {rule.name for rule in FOLD_TRAINING}


def normalized(x, axes=None, **more):
    """BN in training, with random parameters for each channel or activation."""
    shape = x.type.shape[1:2] if axes is None else x.type.shape[1:]
    dtype = x.dtype
    gamma, beta = (shared(array(*shape), name, dtype) for name in ("gamma", "beta"))
    return batch_norm_training(x, gamma, beta, axes=axes, **more)[0]


def gradients(x, y, *parameters):
    """y, and what a random weighting of it has for gradients."""
    factors = constant(array(*(size or 1 for size in y.type.shape)).astype(x.dtype))
    return [y, *grad((y * factors).sum(), [x, *parameters])]


def run(outputs, x, rows=3, mean=0.5):
    """Rewritten, each step checked on random images."""
    value = array(rows, *x.type.shape[1:], dtype=x.dtype) + np.asarray(mean, x.dtype)
    return rewritten(outputs, STAGES, {x: value})
