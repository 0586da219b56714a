"""The step of a loop: what its function returned, and what it uses from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import (
    Apply,
    Constant,
    GraphError,
    SharedVariable,
    TypeMismatch,
    Variable,
    current_site,
    scope,
    toposort,
)
from symgraph.graph.traversal import leaves_of
from symgraph.ops.arguments import as_variable
from symgraph.ops.loop_arguments import Carried
from symgraph.ops.scan import check_state
from symgraph.ops.scan_body import captured
from symgraph.ops.shape import BroadcastTo


@dataclass(frozen=True)
class Until:
    """A condition under which a loop would end."""

    condition: Variable


@dataclass(frozen=True)
class Step:
    """What ``fn`` returned: ``outputs``, and what shared variables become.

    ``changing`` has those that ``fn`` updates, and those it reads that have a
    ``default_update``. ``nodes`` are the applications that the call made, in order.
    """

    outputs: list[Variable]
    changing: dict[SharedVariable, Variable]
    nodes: list[Apply]


def called(name: str, fn: Callable[..., Any], arguments: Sequence[Variable]) -> Step:
    """What ``fn`` makes of one step's values."""
    first = next(Apply._serials)
    with scope(name):
        result = fn(*arguments)
    outputs, updates = _parted(name, result)
    nodes = _made_since(first, [*outputs, *updates.values()])
    changing = dict(updates)
    for variable in (*(v for node in nodes for v in node.inputs), *outputs):
        if isinstance(variable, SharedVariable) and variable.default_update is not None:
            changing.setdefault(variable, variable.default_update)
    return Step(outputs, changing, nodes)


def _parted(
    name: str, result: Any
) -> tuple[list[Variable], dict[SharedVariable, Variable]]:
    """The outputs and the updates in what a step returned, in either order."""
    parts = list(result) if isinstance(result, (list, tuple)) else [result]
    if any(isinstance(part, Until) for part in parts):
        raise GraphError(
            f"{name}: until is not supported: the number of steps, and with it the "
            "size of every output, would depend on data; give n_steps, and keep the "
            "state as it is with sg.switch once the condition holds"
        )
    updates: dict[SharedVariable, Variable] = {}
    for part in [part for part in parts if isinstance(part, Mapping)]:
        updates.update((key, as_variable(value)) for key, value in part.items())
    for shared in updates:
        if not isinstance(shared, SharedVariable):
            raise TypeMismatch(
                f"{name}: the step updates {shared!r}, no shared variable"
            )
    rest = [part for part in parts if not isinstance(part, Mapping)]
    if len(rest) == 1 and len(rest) < len(parts) and isinstance(rest[0], (list, tuple)):
        rest = list(rest[0])
    return [as_variable(value) for value in rest if value is not None], updates


def _made_since(first: int, outputs: Sequence[Variable]) -> list[Apply]:
    """The applications above ``outputs`` that were made since, in order."""
    found: set[Apply] = set()
    stack = [v.owner for v in outputs]
    while stack:
        node = stack.pop()
        if node is None or node in found or node.serial < first:
            continue
        found.add(node)
        stack.extend(v.owner for v in node.inputs)
    return sorted(found, key=lambda node: node.serial)


def check_outputs(
    name: str, outputs: Sequence[Variable], starts: Sequence[Carried | None]
) -> None:
    """Raise unless each carried output may be what the next step starts from."""
    if len(outputs) != len(starts):
        raise GraphError(
            f"{name}: outputs_info has {len(starts)} entries, the step returned "
            f"{len(outputs)} outputs"
        )
    for place, (output, start) in enumerate(zip(outputs, starts, strict=True)):
        if start is None:
            continue
        state = start.initial[0]
        try:
            check_state(name, f"output {place}", state.type, output.type)
        except GraphError as error:
            raise type(error)(
                f"{error}\n  the step's output was made at {output.site}"
                f"\n  its value before the first step was made at {state.site}"
                f"\n  in a loop made at {current_site()}"
            ) from None


def closure_of(step: Step, inputs: Sequence[Variable]) -> list[Variable]:
    """What the step reads that is the same in every step."""
    own = {*inputs, *step.changing}
    moving: set[Variable] = set(own)
    inside: set[Apply] = set()
    updates = list(step.changing.values())
    for node in dict.fromkeys([*toposort(updates), *step.nodes]):
        if not moving.isdisjoint(node.inputs):
            moving.update(node.outputs)
            inside.add(node)
        elif _is_of_constants(node, inside):
            inside.add(node)
    return captured([*step.outputs, *updates], own, inside.__contains__)


def _is_of_constants(node: Apply, inside: set[Apply]) -> bool:
    """Whether rules about constants should find the node where it is used."""
    if isinstance(node.op, BroadcastTo):
        return True
    return all(isinstance(v, Constant) or v.owner in inside for v in node.inputs)


def check_strict(
    name: str, closure: Sequence[Variable], declared: Sequence[Variable]
) -> None:
    known = set(declared)
    for variable in closure:
        leaves = [variable] if variable in known else leaves_of([variable])
        for leaf in leaves:
            if leaf in known or isinstance(leaf, Constant):
                continue
            raise GraphError(
                f"{name}: strict, but the step uses {leaf!r}, made at {leaf.site}, "
                "which is not in non_sequences"
            )
