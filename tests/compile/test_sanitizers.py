"""Kernels of each family, built for the sanitizers of addresses and of behaviour.

``make sanitize`` runs all op cases so, and Winograd's filtering, which takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sanitizing

ROOT = Path(__file__).parents[2]

PRELUDE = """
import numpy as np
import symgraph as sg

rng = np.random.default_rng(0)

def shared(*shape):
    return sg.shared(rng.normal(size=shape).astype("float32"))

def agree(inputs, outputs, *arrays):
    results = [sg.function(inputs, outputs, mode=m)(*arrays) for m in ("c", "numpy")]
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-3, 1e-3)
"""

CONVOLUTION = """
x = sg.tensor("x", shape=(None, 3, 13, 11))
w, b, v = shared(17, 3, 3, 3), shared(17), shared(5, 17, 3, 3)
y = sg.nn.conv2d(x, w, padding=1) + b.dimshuffle("x", 0, "x", "x")
y = sg.nn.max_pool2d(sg.nn.relu(y), 2)
loss = (sg.nn.conv2d(y, v, padding=1) ** 2).mean()
images = rng.normal(size=(3, 3, 13, 11)).astype("float32")
with sg.config.context(winograd=False):
    agree([x], [loss, *sg.grad(loss, [x, w, b, v])], images)
"""

OTHERS = """
from symgraph.ops.draws import RandomBits
x, i = sg.tensor("x", shape=(None, 7)), sg.lvector("i")
m = shared(7, 19)
taken = sg.dot(x[i], m)
loss = (sg.nn.softmax(taken) * sg.tanh(taken)).sum()
state = sg.constant(np.array([3, 5], "uint64"))
outputs = [loss, sg.grad(loss, x), sg.grad(loss, m), sg.sort(x, axis=0)]
outputs += [sg.argsort(x), sg.cumsum(x, axis=0), x.max(axis=0), x.var(axis=1)]
outputs += [sg.concatenate([x.T, x.T], axis=1), RandomBits("uint32", (13,), 1)(state)]
array = rng.normal(size=(5, 7)).astype("float32")
agree([x, i], outputs, array, np.array([4, 0, 4]))
"""

BRANCHES = """
flag, x, i = sg.bscalar("flag"), sg.matrix("x"), sg.lvector("i")
inner = sg.ifelse(x.sum() > 0, sg.exp(x[i]), x[i] @ x.T @ x)
y = sg.ifelse(flag, inner, sg.tanh(x)[i])
array = rng.normal(size=(5, 7)).astype("float32")
outputs = [y, sg.grad(y.sum(), x)]
for value, sign in ((0, -1), (0, 1), (1, -1), (1, 1)):
    agree([flag, x, i], outputs, value, sign * array, [4, 0, 2])
try:
    sg.function([flag, x, i], outputs)(1, array, [4, 9, 0])
except IndexError:
    pass
"""

MATRICES = """
x, b = sg.tensor("x", shape=(None, None, None)), sg.tensor3("b")
p = x @ x.swapaxes(1, 2) + sg.eye(x.shape[1])
outputs = [sg.linalg.cholesky(p), sg.linalg.solve(p, b), sg.linalg.inv(p)]
outputs += [sg.linalg.solve_triangular(p, b), *sg.linalg.slogdet(p), sg.linalg.det(p)]
cost = sum(y.sum() for y in outputs)
array = rng.normal(size=(3, 5, 5)).astype("float32") / 2
agree([x, b], [*outputs, sg.grad(cost, x)], array, array[:, :, :2])
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("sanitized")  # what all modules call is made once


def sanitized(program, folder):
    """Run ``program`` with every kernel built for the sanitizers."""
    variables = {"PYTHONPATH": str(ROOT), **sanitizing.environment(folder)}
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(CONVOLUTION, id="convolution"),
        pytest.param(OTHERS, id="others"),
        pytest.param(BRANCHES, id="branches"),
        pytest.param(MATRICES, id="matrices"),
    ],
)
def test_kernels_stay_within_their_buffers(program, cache):
    done = sanitized(program, cache)
    assert done.returncode == 0, done.stderr[-3000:]
