"""``verify_grad``: gradients against central differences, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
Function = Callable[..., "Variable | Sequence[Variable]"]


class GradientError(SymgraphError, AssertionError):
    """A gradient that disagrees with central differences."""


@dataclass(frozen=True)
class Probe:
    """One derivative, two ways: at an element of an input, or along a direction."""

    position: int
    place: str
    gradient: float
    difference: float

    def error(self, scale: float) -> float:
        """|gradient - difference| / scale; infinite where either is NaN."""
        error = abs(self.gradient - self.difference) / scale
        return float("inf") if np.isnan(error) else error


def verify_grad(
    function: Function,
    points: Sequence[ArrayLike],
    rtol: float = 1e-6,
    step: float = 1e-5,
    directions: int | None = None,
    seed: int = 0,
) -> float:
    """Check the gradient of ``function`` at ``points``; return the largest error.

    ``function`` takes one variable for each point and gives one or several variables.
    Floating points become float64 and are differentiated by; others are kept. The
    gradient of a random projection of the outputs is compared with
    (f(x + h) - f(x - h)) / 2h, h = ``step`` max(1, |x|), for each element of each
    point, or along so many random ``directions`` of each. An error is relative to the
    largest derivative by that point, or to 1 where that is larger; one above ``rtol``
    raises ``GradientError``.
    """
    arrays = [_as_point(point) for point in points]
    random = np.random.default_rng(seed)
    cost = _Cost.of(function, arrays, random)
    worst = 0.0
    for position, gradient in zip(cost.wrt, cost.gradients(arrays), strict=True):
        if directions is None:
            probes = list(_elements(cost, arrays, position, gradient, step))
        else:
            axes = random.normal(size=(directions, *gradient.shape))
            probes = list(_along(cost, arrays, position, gradient, axes, step))
        worst = max(worst, _check(probes, rtol))
    return worst


@dataclass(frozen=True)
class _Cost:
    """<weights, function(points)> for random weights, and its gradients."""

    inputs: Sequence[Variable]
    value: Variable
    wrt: Sequence[int]

    @staticmethod
    def of(
        function: Function, points: Sequence[Array], random: np.random.Generator
    ) -> _Cost:
        inputs = [
            Variable(TensorType(p.dtype.name, p.shape), name=f"x{i}")
            for i, p in enumerate(points)
        ]
        wrt = [i for i, v in enumerate(inputs) if is_float(v.dtype)]
        if not wrt:
            raise GraphError("verify_grad: expected at least one point of floats")
        return _Cost(inputs, _projection(function, inputs, points, random), wrt)

    def at(self, points: Sequence[Array]) -> float:
        givens = dict(zip(self.inputs, points, strict=True))
        return float(evaluate([self.value], givens)[0])

    def gradients(self, points: Sequence[Array]) -> list[Array]:
        wrt = [self.inputs[i] for i in self.wrt]
        symbolic = grad(self.value, wrt, disconnected_inputs="ignore")
        return evaluate(symbolic, dict(zip(self.inputs, points, strict=True)))


def _projection(
    function: Function,
    inputs: Sequence[Variable],
    points: Sequence[Array],
    random: np.random.Generator,
) -> Variable:
    results = function(*inputs)
    outputs = [results] if isinstance(results, Variable) else list(results)
    outputs = [output for output in outputs if is_float(output.dtype)]
    if not outputs:
        raise GraphError("verify_grad: expected an output of floats")
    values = evaluate(outputs, dict(zip(inputs, points, strict=True)))
    total: Any = 0.0
    for output, value in zip(outputs, values, strict=True):
        weights = random.uniform(0.5, 1.5, value.shape).astype(value.dtype)
        total = total + (weights * output).sum()
    return total


def _as_point(point: ArrayLike) -> Array:
    array = np.asarray(point)
    return np.array(array, "float64" if array.dtype.kind == "f" else None, order="C")


def _elements(
    cost: _Cost, points: Sequence[Array], position: int, gradient: Array, step: float
) -> Iterator[Probe]:
    """A probe at each element of a point."""
    for index in np.ndindex(gradient.shape):
        axis, scale = np.zeros(gradient.shape), float(abs(points[position][index]))
        axis[index] = scale = max(1.0, scale)
        slope = _difference(cost, points, position, axis, step) / scale
        place = f"at [{', '.join(map(str, index))}]"
        yield Probe(position, place, float(gradient[index]), float(slope))


def _along(
    cost: _Cost,
    points: Sequence[Array],
    position: int,
    gradient: Array,
    axes: Array,
    step: float,
) -> Iterator[Probe]:
    """A probe along each of some directions."""
    for number, axis in enumerate(axes):
        difference = _difference(cost, points, position, axis, step)
        place = f"along random direction {number}"
        yield Probe(position, place, float(np.vdot(gradient, axis)), difference)


def _difference(
    cost: _Cost, points: Sequence[Array], position: int, axis: Array, step: float
) -> float:
    """(f(x + step axis) - f(x - step axis)) / (2 step)."""
    moved = list(points)
    moved[position] = points[position] + step * axis
    above = cost.at(moved)
    moved[position] = points[position] - step * axis
    return (above - cost.at(moved)) / (2 * step)


def _check(probes: Sequence[Probe], rtol: float) -> float:
    if not probes:
        return 0.0
    scale = max(1.0, *(abs(probe.difference) for probe in probes))
    worst = max(probes, key=lambda probe: probe.error(scale))
    error = worst.error(scale)
    if error > rtol:
        wrong = sum(probe.error(scale) > rtol for probe in probes)
        raise GradientError(
            f"verify_grad: the gradient by input {worst.position} is wrong in {wrong} "
            f"of {len(probes)} derivatives; worst {worst.place}: gradient "
            f"{worst.gradient:.9g}, central difference {worst.difference:.9g}, error "
            f"{error:.2g}, allowed {rtol:.2g}"
        )
    return error
