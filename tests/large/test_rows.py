"""Softmax, cross-entropy and normalization of many rows, and of long ones."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import agree, close, normal, pieces


@pytest.mark.large(3)
@pytest.mark.parametrize("shape", [(150_001, 523), (3, 26_000_003)])
def test_softmax(shape):
    x = sg.matrix("x")
    outputs = [sg.nn.softmax(x), sg.nn.log_softmax(x)]
    native, reference = (sg.function([x], outputs, mode=m) for m in ("c", "numpy"))
    array = normal(*shape)
    agree(native(array), reference, [array], [0])


@pytest.mark.large(3)
def test_softmax_down_the_columns():
    x = sg.matrix("x")
    array = normal(150_001, 523)
    (result,) = sg.function([x], [sg.nn.softmax(x, axis=0)])(array)
    total = sum(np.exp(array[p], dtype="float64").sum(0) for p in pieces(array))
    for piece in pieces(array):
        close(result[piece], np.exp(array[piece], dtype="float64") / total)


@pytest.mark.large(3)
def test_cross_entropy_and_its_gradient():
    x, labels = sg.matrix("x"), sg.ivector("labels")
    losses = sg.nn.cross_entropy(x, labels)
    outputs = [losses, sg.grad(losses.sum(), x)]
    native, reference = (
        sg.function([x, labels], outputs, mode=mode) for mode in ("c", "numpy")
    )
    array = normal(150_001, 523)
    found = np.random.default_rng(1).integers(0, 523, len(array), "int32")
    agree(native(array, found), reference, [array, found], [0, 1])


@pytest.mark.large(3)
def test_layer_normalization():
    x, scale, shift = sg.tensor("x", shape=(None, 523)), sg.vector("s"), sg.vector("t")
    outputs = [sg.nn.layer_norm(x, scale, shift)]
    native, reference = (
        sg.function([x, scale, shift], outputs, mode=mode) for mode in ("c", "numpy")
    )
    arrays = [normal(150_001, 523), normal(523, seed=1), normal(523, seed=2)]
    agree(native(*arrays), reference, arrays, [0])
