"""What a function returns: one array, a list, a tuple, a dict, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import TypeMismatch, Variable, constant


@dataclass(frozen=True)
class Outputs:
    """The output variables, and the structure a call gives their values back in."""

    variables: tuple[Variable, ...]
    kind: type | None  # None: nothing; Variable: one array; list, tuple, dict
    keys: tuple[Any, ...] = ()

    def pack(self, arrays: list[Any]) -> Any:
        """The arrays in the structure that was asked for."""
        if self.kind is Variable:
            return arrays[0]
        if self.kind is list:
            return arrays
        if self.kind is tuple:
            return tuple(arrays)
        if self.kind is dict:
            return dict(zip(self.keys, arrays, strict=True))
        return None


def as_outputs(outputs: Any) -> Outputs:
    """The outputs of a function from what the user asked for."""
    if outputs is None:
        return Outputs((), None)
    if isinstance(outputs, Mapping):
        variables = tuple(_as_output(key, value) for key, value in outputs.items())
        return Outputs(variables, dict, tuple(outputs))
    if isinstance(outputs, Sequence) and not isinstance(outputs, str):
        variables = tuple(_as_output(i, value) for i, value in enumerate(outputs))
        return Outputs(variables, tuple if isinstance(outputs, tuple) else list)
    return Outputs((_as_output(0, outputs),), Variable)


def _as_output(key: object, value: Any) -> Variable:
    if isinstance(value, Variable):
        return value
    try:
        return constant(value)
    except TypeMismatch:
        raise TypeMismatch(
            f"function: output {key!r} must be a Variable, got {value!r}"
        ) from None
