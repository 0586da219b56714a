"""Whole functions for NEON, emulated: what ``tests/codegen/test_neon.py`` has not."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.codegen import emulation

RNG = np.random.default_rng(0)


@pytest.fixture
def neon(monkeypatch, tmp_path):
    """All functions are for NEON, and run in an emulator."""
    reason = emulation.missing()
    if reason:
        pytest.skip(reason)
    emulation.emulate(monkeypatch, tmp_path)


def shared(*shape):
    return sg.shared(RNG.normal(size=shape).astype("float32"))


def test_pooling_scan_softmax_and_gathering(neon):
    x, labels = sg.tensor("x", shape=(None, 3, 9, 9)), sg.lvector("labels")
    w, v, u = shared(5, 3, 3, 3), shared(5, 4), shared(4, 4)
    y = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w)), 2)
    y = sg.nn.max_pool2d(y, 2, stride=1) + sg.nn.average_pool2d(y, 2, stride=1)
    rows = sg.dot(y.mean(axis=(2, 3)), v)
    states, _ = sg.scan(lambda row, h: sg.tanh(sg.dot(h, u) + row), rows, rows[0])
    loss = sg.nn.cross_entropy(states[labels], labels).mean()
    outputs = [loss, *sg.grad(loss, [x, w, v, u]), sg.cumsum(states, axis=0)]
    images = RNG.normal(size=(4, 3, 9, 9)).astype("float32")
    found = sg.function([x, labels], outputs)(images, [3, 0, 2])
    expected = sg.function([x, labels], outputs, mode="numpy")(images, [3, 0, 2])
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-4, 1e-5)
