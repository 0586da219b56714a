"""A graph that grows: what it has so far, with the values at hand, and what is drawn.

Every variable of the pool has its array beside it, computed by the ops' definitions,
so that a step can ask for what fits: shapes are never guessed from types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import symgraph as sg
from symgraph.graph import Variable, evaluate

LARGEST = 4000  # elements of a value
BOUND = 1e3  # what no value exceeds: overflow would hide everything else


class Unfit(Exception):
    """A step found nothing that it could be applied to."""


class Value(NamedTuple):
    """A variable of the pool, and what it is at the first call."""

    variable: Variable
    array: np.ndarray


class Scene:
    """The pool, its leaves, and the source of all choices."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.dtype = self.choose(["float32", "float64"])
        self.random = np.random.default_rng(draw(st.integers(0, 99)))
        self.pool: list[Value] = []
        self.leaves: list[Value] = []
        self.state: list[Value] = []

    def choose(self, options: Any) -> Any:
        """One of them; the first is the simplest."""
        return self.draw(st.sampled_from(options))

    def number(self, low: int, high: int) -> int:
        """An integer from low up to and including high."""
        return self.draw(st.integers(low, high))

    def maybe(self) -> bool:
        """Yes or no."""
        return self.draw(st.booleans())

    def normal(self, *shape: int) -> np.ndarray:
        """Standard normal numbers, not drawn: their seed is."""
        return self.random.normal(size=shape).astype(self.dtype)

    def pick(self, fits: Callable[[np.ndarray], bool] = lambda _: True) -> Value:
        """A value that fits: the newest, or any."""
        fitting = [value for value in reversed(self.pool) if fits(value.array)]
        if not fitting:
            raise Unfit
        return fitting[self.number(0, min(2, len(fitting) - 1))]

    def leaf(self, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
        """One more input, of which ``shape`` says what is known."""
        name = f"x{len(self.leaves)}"
        value = Value(sg.tensor(name, dtype=self.dtype, shape=shape), array)
        self.leaves.append(value)
        self.pool.append(value)

    def parameter(self, *shape: int) -> Variable:
        """A constant, an input or a shared variable that a layer reads."""
        array = self.normal(*shape) / max(1, np.prod(shape[1:])) ** 0.5
        array = array.astype(self.dtype)
        kind = self.choose(["constant", "input", "shared"])
        if kind == "constant":
            return sg.constant(array)
        if kind == "shared":
            self.state.append(Value(sg.shared(array, shape=shape), array))
            return self.state[-1].variable
        self.leaves.append(Value(sg.tensor(dtype=self.dtype, shape=shape), array))
        return self.leaves[-1].variable

    def grow(self, step: Callable[[Scene], Variable]) -> None:
        """One step more, unless it does not fit or leads out of bounds."""
        before = len(self.leaves), len(self.state)
        try:
            variable = step(self)
            known = (*self.leaves, *self.state, *self.pool)
            (array,) = evaluate([variable], {v.variable: v.array for v in known})
            small = array.size <= LARGEST and np.abs(array).max(initial=0) <= BOUND
        except (Unfit, sg.GraphError, ValueError, IndexError):
            small = False
        if small:
            self.pool.append(Value(variable, array))
        else:
            del self.leaves[before[0] :], self.state[before[1] :]
