"""Gradient descent with a rate for each element, from the gradients it has seen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from symgraph.graph import SharedVariable, Variable
from symgraph.ops.cast import cast
from symgraph.ops.exponential import sqrt
from symgraph.training.descent import Descent, Loss, Rate, Updates, begin, slot, state
from symgraph.training.ranges import check_ranges


def adagrad(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 0.01,
    epsilon: float = 1e-6,
) -> Updates:
    """s <- s + dw^2;  w <- w - rate dw / sqrt(s + epsilon). Duchi et al. 2011."""
    descent = begin(loss, parameters, learning_rate, epsilon=epsilon)
    updates = descent.updates
    for w, dw in descent.gradients:
        squares = slot(w, "squares")
        updates[squares] = squares + dw * dw
        updates[w] = w - descent.rate_for(w) * dw / sqrt(updates[squares] + epsilon)
    return updates


def rmsprop(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 0.001,
    rho: float = 0.9,
    epsilon: float = 1e-6,
) -> Updates:
    """s <- rho s + (1 - rho) dw^2;  w <- w - rate dw / sqrt(s + epsilon).

    Tieleman & Hinton 2012, lecture 6.5.
    """
    descent = begin(loss, parameters, learning_rate, rho=rho, epsilon=epsilon)
    updates = descent.updates
    for w, dw in descent.gradients:
        squares = slot(w, "squares")
        updates[squares] = rho * squares + (1.0 - rho) * dw * dw
        updates[w] = w - descent.rate_for(w) * dw / sqrt(updates[squares] + epsilon)
    return updates


def adadelta(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 1.0,
    rho: float = 0.95,
    epsilon: float = 1e-6,
) -> Updates:
    """d = dw sqrt(u + epsilon) / sqrt(s + epsilon);  w <- w - rate d.

    s and u are running means of dw^2 and d^2. Zeiler 2012, Algorithm 1.
    """
    descent = begin(loss, parameters, learning_rate, rho=rho, epsilon=epsilon)
    updates = descent.updates
    for w, dw in descent.gradients:
        squares, steps = slot(w, "squares"), slot(w, "steps")
        updates[squares] = rho * squares + (1.0 - rho) * dw * dw
        step = dw * sqrt(steps + epsilon) / sqrt(updates[squares] + epsilon)
        updates[steps] = rho * steps + (1.0 - rho) * step * step
        updates[w] = w - descent.rate_for(w) * step
    return updates


def adam(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Updates:
    """w <- w - rate m' / (sqrt(v') + epsilon). Kingma & Ba 2015, Algorithm 1.

    m and v are running means of dw and dw^2; m' = m / (1 - beta1^t) and
    v' = v / (1 - beta2^t) remove the weight of their start at zero.
    """
    descent = begin(loss, parameters, learning_rate)
    for w, step in _adam_steps(descent, beta1, beta2, epsilon):
        descent.updates[w] = w - step
    return descent.updates


def adamw(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
) -> Updates:
    """Adam, and w <- w - rate weight_decay w besides.

    Loshchilov & Hutter 2019, Algorithm 2.
    """
    descent = begin(loss, parameters, learning_rate, weight_decay=weight_decay)
    for w, step in _adam_steps(descent, beta1, beta2, epsilon):
        descent.updates[w] = w - step - descent.rate_for(w) * weight_decay * w
    return descent.updates


def _adam_steps(
    descent: Descent, beta1: float, beta2: float, epsilon: float
) -> list[tuple[SharedVariable, Variable]]:
    """What Adam takes off each parameter; its moments are added to the updates."""
    check_ranges("optimizer", beta1=beta1, beta2=beta2, epsilon=epsilon)
    updates = descent.updates
    count = state("adam.steps", np.zeros((), np.int64))
    updates[count] = count + 1
    t = cast(updates[count], "float64")
    steps = []
    for w, dw in descent.gradients:
        mean, square = slot(w, "mean"), slot(w, "square")
        updates[mean] = beta1 * mean + (1.0 - beta1) * dw
        updates[square] = beta2 * square + (1.0 - beta2) * dw * dw
        unbiased_mean = updates[mean] / cast(1.0 - beta1**t, w.dtype)
        unbiased_square = updates[square] / cast(1.0 - beta2**t, w.dtype)
        rate = descent.rate_for(w)
        steps.append((w, rate * unbiased_mean / (sqrt(unbiased_square) + epsilon)))
    return steps
