"""What every optimizer begins with: gradients, a learning rate, running averages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from symgraph.autodiff import grad
from symgraph.graph import (
    GraphError,
    SharedVariable,
    TensorType,
    TypeMismatch,
    Variable,
)
from symgraph.layers import calls_in
from symgraph.layers.parameters import sizes
from symgraph.ops.cast import cast
from symgraph.training.ranges import check_ranges
from symgraph.training.schedules import Schedule

Updates: TypeAlias = "dict[SharedVariable, Variable]"
Loss: TypeAlias = "Variable | Sequence[Variable]"
Rate: TypeAlias = "float | Variable | Schedule"
Optimizer: TypeAlias = Callable[..., Updates]


@dataclass(frozen=True)
class Descent:
    """The updates that any optimizer makes, and what it makes its own from."""

    gradients: tuple[tuple[SharedVariable, Variable], ...]
    rate: float | Variable
    updates: Updates

    def rate_for(self, parameter: Variable) -> float | Variable:
        """The learning rate, in the parameter's dtype."""
        if isinstance(self.rate, Variable):
            return cast(self.rate, parameter.dtype)
        return self.rate


def begin(
    loss: Loss,
    parameters: Iterable[SharedVariable],
    rate: Rate,
    **numbers: float | Variable,
) -> Descent:
    """Gradients of a scalar ``loss``, or gradients as given; the rate; averages.

    The optimizer's other ``numbers`` are checked by their names, as the rate is.
    The updates begin with the running averages of every batch normalization that the
    loss has in training. A schedule is given the number of steps taken so far.
    """
    parameters = list(parameters)
    _check_parameters(parameters)
    gradients = gradients_of(loss, parameters)
    updates = running_averages(loss)
    if callable(rate):
        steps = state("steps", np.zeros((), np.int64))
        updates[steps] = steps + 1
        rate = rate(cast(steps, "float64"))
    check_ranges("optimizer", learning_rate=rate, **numbers)
    return Descent(tuple(zip(parameters, gradients, strict=True)), rate, updates)


def gradients_of(loss: Loss, parameters: Sequence[SharedVariable]) -> list[Variable]:
    """The gradients of a scalar; gradients that are given are taken as they are."""
    if isinstance(loss, Variable):
        return list(grad(loss, list(parameters)))
    gradients = list(loss)
    if len(gradients) != len(parameters):
        raise GraphError(
            f"optimizer: expected {len(parameters)} gradients, one for each parameter, "
            f"got {len(gradients)}"
        )
    return gradients


def running_averages(loss: Loss) -> Updates:
    """The updates that keep the running averages of the layers that ``loss`` trains.

    Every optimizer includes them; add them to updates of your own for
    ``post_learn(net, estimator="running")``.
    """
    updates: Updates = {}
    for call in calls_in([loss] if isinstance(loss, Variable) else loss):
        for operation in call.layer.operations if call.in_training else ():
            if operation.running is not None:
                kept = operation.running.state
                before = [updates.get(variable, variable) for variable in kept]
                after = operation.running.merge(before, call.input)
                updates.update(zip(kept, after, strict=True))
    return updates


def slot(parameter: SharedVariable, what: str) -> SharedVariable:
    """Zeros of the parameter's type, named after it: what an optimizer remembers."""
    zeros = np.zeros(sizes(parameter), parameter.dtype)
    return state(f"{parameter.name or 'parameter'}.{what}", zeros)


def state(name: str, value: np.ndarray) -> SharedVariable:
    """A shared variable that only the optimizer knows."""
    return SharedVariable(value, name, TensorType(value.dtype.name, value.shape))


def _check_parameters(parameters: Sequence[SharedVariable]) -> None:
    if not parameters:
        raise GraphError("optimizer: expected at least one parameter, got none")
    for parameter in parameters:
        if not isinstance(parameter, SharedVariable):
            raise TypeMismatch(
                f"optimizer: expected shared variables, got {parameter!r}"
            )
        if not parameter.type.is_static:
            raise GraphError(f"optimizer: {parameter!r} has no fixed shape")
