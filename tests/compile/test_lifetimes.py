"""What lives how long: a function that is let go of takes all of its own with it."""

from __future__ import annotations

import gc
import weakref

import numpy as np

import symgraph as sg


def trained(mode):
    """Weak references to all that is made and called here."""
    x, w = sg.tensor("x", shape=(None, 3)), sg.shared(np.ones((3, 5), "float32"))
    loss = (sg.tanh(x @ w) ** 2).sum()
    step = sg.function([x], loss, updates={w: w - sg.grad(loss, w)}, mode=mode)
    predict = sg.function([x], x @ w, mode=mode)
    array = np.ones((7, 3), "float32")
    for _ in range(4):  # by the long way, and by the short one
        step(array)
        result = predict(array)
    return [weakref.ref(thing) for thing in (x, w, loss, step, predict, array, result)]


def test_nothing_outlives_the_function_that_made_it(mode):
    """The site of a node is no reason to keep the frame, and with it all its locals."""
    found = trained(mode)
    gc.collect()
    assert [reference() for reference in found] == [None] * len(found)
