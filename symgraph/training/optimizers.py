"""Gradient descent with one rate for all parameters.

An optimizer takes a scalar loss (or a list of gradients), the parameters, and a
learning rate that is a number, a variable, or a schedule; it gives the updates of a
training step: a dict from shared variable to new value.
"""

from __future__ import annotations

from collections.abc import Iterable

from symgraph.graph import SharedVariable
from symgraph.training.descent import Loss, Rate, Updates, begin, slot


def sgd(
    loss: Loss, parameters: Iterable[SharedVariable], learning_rate: Rate = 0.01
) -> Updates:
    """w <- w - rate dw, where dw = d loss / d w.

    The result is what ``function(updates=...)`` takes. The rate is per step; a schedule
    is given the number of steps taken so far.
    """
    descent = begin(loss, parameters, learning_rate)
    updates = descent.updates
    for w, dw in descent.gradients:
        updates[w] = w - descent.rate_for(w) * dw
    return updates


def momentum(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    learning_rate: Rate = 0.01,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> Updates:
    """v <- momentum v - rate dw;  w <- w + v. Sutskever et al. 2013, eq. 1 and 2.

    v is 0 at first. With ``nesterov``: w <- w + momentum v - rate dw, the gradient
    being taken where the momentum alone leads (Bengio et al. 2013, eq. 7).
    """
    descent = begin(loss, parameters, learning_rate, momentum=momentum)
    updates = descent.updates
    for w, dw in descent.gradients:
        step = descent.rate_for(w) * dw
        velocity = slot(w, "velocity")
        updates[velocity] = momentum * velocity - step
        ahead = momentum * updates[velocity] - step if nesterov else updates[velocity]
        updates[w] = w + ahead
    return updates
