"""Loops over long sequences, forth and back."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import close, normal, pieces


@pytest.mark.large(4)
@pytest.mark.parametrize("shape", [(1001, 79_001), (1_000_003, 79)])
def test_a_decaying_sum_and_its_gradient(shape):
    """s_t = s_(t-1) / 2 + x_t; that of sum_t s_t g is the same, backwards."""
    x, g = sg.matrix("x"), sg.vector("g")
    states, _ = sg.scan(lambda a, s: s * 0.5 + a, x, sg.zeros_like(x[0]))
    outputs = [states, sg.grad((states * g).sum(), x)]
    array, weights = normal(*shape), normal(shape[1], seed=1)
    result, gradient = sg.function([x, g], outputs)(array, weights)
    close(result[0], array[0])
    close(gradient[-1], weights)
    for piece in pieces(array):
        more = slice(piece.start, piece.stop + 1)  # what the next piece begins with
        close(result[more][1:], result[more][:-1] * 0.5 + array[more][1:])
        close(gradient[more][:-1], gradient[more][1:] * 0.5 + weights)


@pytest.mark.large(4)
def test_a_recurrence_whose_products_leave_the_loop():
    """h_t = tanh(x_t w + h_(t-1) u), 256 numbers a step for each of 300 rows."""
    x, w, u = sg.tensor3("x"), sg.matrix("w"), sg.matrix("u")
    start = sg.zeros((x.shape[1], 16))
    h, _ = sg.scan(lambda a, s: sg.tanh(a @ w + s @ u), x, start)
    step = sg.function([x, w, u], [h, *sg.grad(h.sum(), [w, u])])
    array = normal(1009, 303, 256)
    weights = 0.05 * normal(256, 16, seed=1), 0.2 * normal(16, 16, seed=2)
    result, dw, du = step(array, *weights)
    wide = [a.astype("float64") for a in weights]
    state, states = np.zeros((303, 16)), [np.zeros((303, 16))]
    for mine, row in zip(result, array, strict=True):
        state = np.tanh(row @ wide[0] + state @ wide[1])
        states.append(state)
        close(mine, state, "float32")
    wanted, change = [np.zeros_like(a) for a in wide], np.zeros((303, 16))
    for row, before, after in zip(
        array[::-1], states[-2::-1], states[:0:-1], strict=True
    ):
        change = (1 + change) * (1 - after**2)
        wanted[0] += row.T.astype("float64") @ change
        wanted[1] += before.T @ change
        change = change @ wide[1].T
    close(dw, wanted[0])
    close(du, wanted[1])


@pytest.mark.large(5)
def test_a_sequence_of_more_than_two_gigabytes():
    """Only what the loop ends with is asked for; it keeps all states all the same."""
    x = sg.matrix("x")
    last, _ = sg.scan(lambda a, s: s * 0.5 + a, x, sg.zeros_like(x[0]))
    array = np.resize(normal(1_000_003), (9001, 60_013))
    assert array.nbytes > 1 << 31
    result = sg.function([x], last[-1])(array)
    halves = 0.5 ** np.arange(100)
    close(result, halves @ array[:-101:-1].astype("float64"), "float32")
