"""What a function takes: ``In``, and how arguments find their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgraph.compile.errors import ArgumentError, ArgumentTypeError
from symgraph.graph import Constant, GraphError, SharedVariable, TypeMismatch, Variable

MISSING: Any = object()


class In:
    """An input: its variable, its name in a call, its value where none is given."""

    __slots__ = ("name", "value", "variable")

    def __init__(
        self, variable: Variable, name: str | None = None, value: Any = MISSING
    ) -> None:
        self.variable = variable
        self.name = name if name is not None else variable.name
        self.value = value

    @property
    def has_default(self) -> bool:
        """Whether a call may leave this input out."""
        return self.value is not MISSING

    def __repr__(self) -> str:
        default = f" = {self.value!r}" if self.has_default else ""
        return f"{self.name or 'unnamed'}: {self.variable.type}{default}"


def as_inputs(inputs: Sequence[Variable | In]) -> tuple[In, ...]:
    """The inputs of a function, each an ``In``, checked to be usable as inputs."""
    if isinstance(inputs, (Variable, In)):
        raise TypeMismatch(f"function: inputs must be a list, got {inputs!r}")
    made = tuple(_as_input(item, position) for position, item in enumerate(inputs))
    seen: dict[Variable, int] = {}
    for position, item in enumerate(made):
        if item.variable in seen:
            raise GraphError(
                f"function: inputs {seen[item.variable]} and {position} are the same "
                f"variable, {item.variable!r}"
            )
        seen[item.variable] = position
    return made


def bind(
    name: str, inputs: Sequence[In], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[Any]:
    """One value for each input, from the arguments of a call as Python binds them."""
    if len(args) > len(inputs):
        raise ArgumentError(
            f"{name}: expected {_count(inputs)}, got {len(args)} arguments"
        )
    values = [*args, *(item.value for item in inputs[len(args) :])]
    for key, value in kwargs.items():
        position = _position(name, inputs, key)
        if position < len(args):
            raise ArgumentTypeError(
                f"{name}: argument {position} {key!r} was given twice"
            )
        values[position] = value
    missing = [i for i, value in enumerate(values) if value is MISSING]
    if missing:
        wanted = ", ".join(f"{i} ({inputs[i]!r})" for i in missing)
        raise ArgumentError(
            f"{name}: expected {_count(inputs)}, got {len(args) + len(kwargs)}; "
            f"missing: {wanted}"
        )
    return values


def _as_input(item: Variable | In, position: int) -> In:
    made = item if isinstance(item, In) else None
    variable = made.variable if made else item
    if not isinstance(variable, Variable):
        raise TypeMismatch(
            f"function: input {position} must be a Variable or In, got {variable!r}"
        )
    if isinstance(variable, SharedVariable):
        raise TypeMismatch(
            f"function: input {position}, {variable!r}, is a shared variable, whose "
            "value is not an argument; replace it with givens={shared: variable}"
        )
    if isinstance(variable, Constant):
        raise TypeMismatch(f"function: input {position}, {variable!r}, is a constant")
    return made or In(variable)


def _count(inputs: Sequence[In]) -> str:
    required = sum(not item.has_default for item in inputs)
    least = "" if required == len(inputs) else f"{required} to "
    plural = "" if len(inputs) == 1 else "s"
    return f"{least}{len(inputs)} argument{plural}"


def _position(name: str, inputs: Sequence[In], key: str) -> int:
    places = [i for i, item in enumerate(inputs) if item.name == key]
    if not places:
        known = ", ".join(repr(item.name) for item in inputs if item.name)
        raise ArgumentTypeError(
            f"{name}: no input is named {key!r}; inputs: {known or 'none is named'}"
        )
    if len(places) > 1:
        raise ArgumentTypeError(
            f"{name}: inputs {places} are all named {key!r}; give them by position"
        )
    return places[0]
