"""``verify_grad``: gradients against central differences, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.autodiff.grad import grad
from symgraph.graph import (
    GraphError,
    SymgraphError,
    TensorType,
    Variable,
    evaluate,
    is_float,
)

Array = NDArray[Any]


class GradientError(SymgraphError, AssertionError):
    """A gradient that disagrees with central differences."""


@dataclass(frozen=True)
class _Cost:
    """<weights, function(points)> for random weights, and its gradients."""

    inputs: Sequence[Variable]
    value: Variable
    wrt: Sequence[int]

    def at(self, points: Sequence[Array]) -> float:
        givens = dict(zip(self.inputs, points, strict=True))
        return float(evaluate([self.value], givens)[0])

    def gradients(self, points: Sequence[Array]) -> list[Array]:
        wrt = [self.inputs[i] for i in self.wrt]
        symbolic = grad(self.value, wrt, disconnected_inputs="ignore")
        return evaluate(symbolic, dict(zip(self.inputs, points, strict=True)))


def verify_grad(
    function: Callable[..., Variable | Sequence[Variable]],
    points: Sequence[ArrayLike],
    rtol: float = 1e-6,
    step: float = 1e-5,
    seed: int = 0,
) -> float:
    """Check the gradient of ``function`` at ``points``; return the largest error.

    ``function`` takes one variable for each point and gives one or several variables.
    Floating points become float64 and are differentiated by; others are kept. The
    gradient of a random projection of the outputs is compared, element by element,
    with (f(x + h) - f(x - h)) / 2h, h = ``step`` max(1, |x|). An error is relative to
    the largest element of the gradient, or to 1 where that is larger; one above
    ``rtol`` raises ``GradientError``.
    """
    arrays = [_as_point(point) for point in points]
    cost = _cost(function, arrays, np.random.default_rng(seed))
    worst = 0.0
    for position, gradient in zip(cost.wrt, cost.gradients(arrays), strict=True):
        numeric = _differences(cost, arrays, position, step)
        worst = max(worst, _compare(position, gradient, numeric, rtol))
    return worst


def _as_point(point: ArrayLike) -> Array:
    array = np.asarray(point)
    return np.array(array, "float64" if array.dtype.kind == "f" else None, order="C")


def _cost(
    function: Callable[..., Variable | Sequence[Variable]],
    points: Sequence[Array],
    random: np.random.Generator,
) -> _Cost:
    inputs = [
        Variable(TensorType(p.dtype.name, p.shape), name=f"x{i}")
        for i, p in enumerate(points)
    ]
    wrt = [i for i, v in enumerate(inputs) if is_float(v.dtype)]
    if not wrt:
        raise GraphError("verify_grad: expected at least one point of floats")
    results = function(*inputs)
    outputs = [results] if isinstance(results, Variable) else list(results)
    values = evaluate(outputs, dict(zip(inputs, points, strict=True)))
    total: Any = 0.0
    for output, value in zip(outputs, values, strict=True):
        if is_float(output.dtype):
            weights = random.uniform(0.5, 1.5, value.shape).astype(value.dtype)
            total = total + (weights * output).sum()
    if not isinstance(total, Variable):
        raise GraphError("verify_grad: expected an output of floats")
    return _Cost(inputs, total, wrt)


def _differences(
    cost: _Cost, points: Sequence[Array], position: int, step: float
) -> Array:
    moved = [point.copy() for point in points]
    target = moved[position]
    result = np.zeros_like(target)
    for index in np.ndindex(target.shape):
        center = target[index]
        h = step * max(1.0, abs(center))
        target[index] = center + h
        above = cost.at(moved)
        target[index] = center - h
        result[index] = (above - cost.at(moved)) / (2 * h)
        target[index] = center
    return result


def _compare(position: int, gradient: Array, numeric: Array, rtol: float) -> float:
    if not gradient.size:
        return 0.0
    scale = max(1.0, float(np.abs(numeric).max()))
    errors = np.abs(gradient - numeric) / scale
    errors[np.isnan(errors)] = np.inf
    worst = np.unravel_index(int(np.argmax(errors)), errors.shape)
    if errors[worst] > rtol:
        wrong = int((errors > rtol).sum())
        place = f"[{', '.join(map(str, worst))}]"
        raise GradientError(
            f"verify_grad: the gradient by input {position} is wrong in {wrong} of "
            f"{gradient.size} elements; worst at {place}: gradient "
            f"{gradient[worst]:.9g}, central difference {numeric[worst]:.9g}, error "
            f"{errors[worst]:.2g}, allowed {rtol:.2g}"
        )
    return float(errors[worst])
