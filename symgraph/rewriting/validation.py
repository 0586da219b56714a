"""Checking every rewrite on values: before and after must agree, or a rule is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.graph import (
    Apply,
    Constant,
    GraphError,
    SharedVariable,
    SymgraphError,
    Variable,
    is_float,
    leaves_of,
)
from symgraph.graph.evaluate import compute, inputs_read
from symgraph.rewriting.history import Step
from symgraph.rewriting.rounding import rounding

# Relative tolerances for rules that are equal over the reals only.
_TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


class RewriteChangedValue(SymgraphError):
    """A rewrite whose two sides differ on the values at hand; names the rule."""


class Validator:
    """A check for ``rewrite_graph``: evaluates both sides of each step by NumPy.

    ``exact`` rules must agree bit for bit (zeros of either sign and all nans being
    one), the others to a relative 1e-4 in float32 and 1e-10 in float64, measured
    against the largest value of the array, unless rounding alone explains more.
    """

    def __init__(self, values: Mapping[Variable, ArrayLike]) -> None:
        self._values: dict[Variable, NDArray[Any]] = {
            variable: np.asarray(value, variable.dtype)
            for variable, value in values.items()
        }
        self._given = dict(self._values)

    def __call__(self, step: Step) -> None:
        try:
            before = self.evaluate(step.before)
        except GraphError:
            raise
        except (ValueError, IndexError):
            return  # in a branch that is not taken: what is needed has a value
        after = self.evaluate(step.after)
        for old, new, variable in zip(before, after, step.before, strict=True):
            error = _difference(old, new, step.label)
            if error is not None and step.label != "exact":
                error = _difference(old, new, step.label, self._rounding(variable))
            if error is not None:
                raise RewriteChangedValue(
                    f"rule {step.rule} ({step.label}) changed a value: {error}\n"
                    f"  {step.theorem}\n  {variable!r}, made at {step.where}"
                )

    def evaluate(self, outputs: Sequence[Variable]) -> list[NDArray[Any]]:
        """The values of ``outputs``; what was evaluated before is remembered."""
        stack = list(outputs)
        while stack:
            variable = stack[-1]
            if variable in self._values:
                stack.pop()
            elif variable.owner is None:
                self._values[variable] = _leaf_value(variable)
            elif waiting := self._waiting(variable.owner):
                stack.extend(waiting)
            else:
                self._run(variable.owner)
        return [self._values[v] for v in outputs]

    def _rounding(self, variable: Variable) -> float:
        """How far off the value of ``variable`` may be."""
        leaves = [v for v in leaves_of([variable]) if v not in self._given]
        given = {**self._given, **{v: _leaf_value(v) for v in leaves}}
        return rounding(lambda values: Validator(values).evaluate([variable]), given)[0]

    def _waiting(self, node: Apply) -> list[Variable]:
        """The inputs to be evaluated first: of branches, before all the condition."""
        if any(v not in self._values for v in node.inputs[:1]):
            return [node.inputs[0]]
        read = inputs_read(node, self._values.__getitem__)
        return [v for v in read if v is not None and v not in self._values]

    def _run(self, node: Apply) -> None:
        read = inputs_read(node, self._values.__getitem__)
        arrays = [None if v is None else self._values[v] for v in read]
        with np.errstate(all="ignore"):
            results = compute(node, arrays)
        self._values.update(zip(node.outputs, results, strict=True))


def _leaf_value(variable: Variable) -> NDArray[Any]:
    if isinstance(variable, Constant):
        return variable.data
    if isinstance(variable, SharedVariable):
        return variable.get_value(borrow=True)
    raise GraphError(f"Validator: no value was given for the input {variable!r}")


def _difference(
    old: NDArray[Any], new: NDArray[Any], label: str, slack: float = 0.0
) -> str | None:
    """What differs, or None."""
    if old.shape != new.shape or old.dtype != new.dtype:
        return f"{old.dtype}{list(old.shape)} became {new.dtype}{list(new.shape)}"
    if old.size == 0 or np.array_equal(old, new, equal_nan=is_float(old.dtype.name)):
        return None
    if not is_float(old.dtype.name) or label == "exact":
        return _first_difference(old, new)
    finite = old[np.isfinite(old)]
    scale = float(np.abs(finite).max()) if finite.size else 1.0
    tolerance = _TOLERANCE[old.dtype.name]
    least = tolerance * scale + slack
    close = np.isclose(old, new, tolerance, least, equal_nan=True)
    return None if close.all() else _first_difference(old, new, close)


def _first_difference(
    old: NDArray[Any], new: NDArray[Any], close: NDArray[Any] | None = None
) -> str:
    if close is None:
        close = np.isclose(old, new, 0, 0, equal_nan=is_float(old.dtype.name))
    place = tuple(int(i) for i in np.argwhere(~close)[0])
    return f"at {list(place)} {old[place]!r} became {new[place]!r}"
