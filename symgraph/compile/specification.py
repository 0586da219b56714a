"""What a user asked ``function`` for, checked and made into one graph."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.compile.errors import UnusedInputError, UnusedInputWarning
from symgraph.compile.inputs import In, as_inputs
from symgraph.compile.outputs import Outputs, as_outputs
from symgraph.compile.updates import (
    Pairs,
    add_default_updates,
    as_givens,
    as_updates,
    check_update,
)
from symgraph.graph import (
    Graph,
    GraphError,
    SharedVariable,
    Variable,
    ancestors,
    clone_with,
)

UNUSED = ("raise", "warn", "ignore")


@dataclass(frozen=True)
class Specification:
    """A function as it was asked for: ``graph`` has the outputs, then the updates."""

    name: str
    inputs: tuple[In, ...]
    outputs: Outputs
    updates: dict[SharedVariable, Variable]
    graph: Graph


def specify(
    inputs: Sequence[Variable | In],
    outputs: Any,
    updates: Pairs,
    givens: Pairs,
    *,
    name: str,
    no_default_updates: bool | Collection[SharedVariable],
    on_unused_input: str,
) -> Specification:
    """The specification of a function, or an error that says what does not fit."""
    taken, returned = as_inputs(inputs), as_outputs(outputs)
    replacements = as_givens(givens)
    new_values = as_updates(updates)
    if no_default_updates is not True:
        excluded = no_default_updates or ()
        roots = (*returned.variables, *new_values.values())
        new_values = add_default_updates(new_values, roots, replacements, excluded)
    for target, new in new_values.items():
        check_update(target, new)
    _check_not_given(taken, replacements)
    roots = (*returned.variables, *new_values.values())
    roots = tuple(clone_with(roots, replacements))
    _check_used(name, taken, roots, on_unused_input)
    graph = Graph([item.variable for item in taken], roots)
    values = roots[len(returned.variables) :]
    return Specification(
        name, taken, returned, dict(zip(new_values, values, strict=True)), graph
    )


def _check_not_given(inputs: Sequence[In], givens: Mapping[Variable, Any]) -> None:
    for position, item in enumerate(inputs):
        if item.variable in givens:
            raise GraphError(
                f"givens: {item.variable!r} is input {position} of the function too; "
                "its argument would be ignored"
            )


def _check_used(
    name: str, inputs: Sequence[In], roots: Sequence[Variable], action: str
) -> None:
    if action not in UNUSED:
        known = ", ".join(repr(word) for word in UNUSED)
        raise GraphError(f"on_unused_input: expected one of {known}, got {action!r}")
    used = set(ancestors(roots, stop=[item.variable for item in inputs]))
    unused = [
        f"input {position} ({item!r}), made at {item.variable.site}"
        for position, item in enumerate(inputs)
        if item.variable not in used
    ]
    if not unused or action == "ignore":
        return
    message = (
        f"{name}: no output and no update depends on {'; '.join(unused)}; "
        "on_unused_input='ignore' allows it"
    )
    if action == "raise":
        raise UnusedInputError(message)
    warnings.warn(message, UnusedInputWarning, stacklevel=4)
