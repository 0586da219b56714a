"""``scan`` and its kin: loops whose step is a Python function of symbolic values.

The function is called once, on variables that stand for one step's values; what it
computes becomes the body of a ``Scan``. ``loop_arguments`` reads what a caller says
of sequences and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    GraphError,
    SharedVariable,
    TypeMismatch,
    Variable,
    clone_with,
    current_site,
    scope,
)
from symgraph.graph.traversal import leaves_of
from symgraph.ops.arguments import as_variable
from symgraph.ops.loop_arguments import Carried, carried, length_of, read
from symgraph.ops.scan import Scan, check_state
from symgraph.ops.scan_body import Body, captured
from symgraph.ops.shape import BroadcastTo, size_variable

Updates = dict[SharedVariable, Variable]


class Until:
    """What ``until`` gives: a condition under which a loop would end."""

    def __init__(self, condition: Variable) -> None:
        self.condition = condition


def until(condition: Variable) -> Until:
    """End a loop early; ``scan`` refuses it: sizes may not depend on data here."""
    return Until(condition)


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: int | Variable | None = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    *,
    name: str | None = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, Updates]:
    """``fn`` in a loop: its outputs, stacked over the steps, and updates.

    In each step ``fn`` gets the elements of ``sequences`` at that step, the earlier
    values of those outputs that ``outputs_info`` has a start for, and
    ``non_sequences``, in this order; it returns its outputs, or (outputs, updates).

    A sequence is an array, looped over along its first dimension, or a dict
    ``{"input": x, "taps": [-1, 0]}`` of which a step t gets x[t + tap], counted so
    that all taps are inside. An entry of ``outputs_info`` is the value before the
    first step; None for an output that is not carried; or a dict ``{"initial": s,
    "taps": [-2, -1]}``, where s holds the values before the first step, the earliest
    first. The number of steps is ``n_steps``, else what the shortest sequence gives.
    With ``go_backwards`` the sequences are read from their end. A gradient goes back
    through the last ``truncate_gradient`` steps, all if that is -1.

    Shared variables and other variables that ``fn`` uses are found by themselves
    unless ``strict``, when all must be in ``non_sequences``. A shared variable with a
    ``default_update``, such as the state of random numbers, and any that ``fn`` gives
    an update for, is carried from step to step; the updates returned give it its
    value after the last step and belong in ``function(updates=...)``.

    >>> from symgraph.ops import vector
    >>> x = vector("x")
    >>> sums, _ = scan(lambda x_t, s: s + x_t, x, 0.0)
    >>> sums.eval({x: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 3.0, 6.0]
    """
    loop = make_loop(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        n_steps,
        truncate_gradient,
        go_backwards,
        name or "scan",
        strict,
    )
    return _packed(loop.outputs, return_list), loop.updates


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``fn`` of each element of the sequences; as ``scan`` with nothing carried."""
    return scan(
        fn,
        sequences,
        None,
        non_sequences,
        None,
        truncate_gradient,
        go_backwards,
        name=name or "map",
    )


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """What ``fn`` has made of ``outputs_info`` after the last element; and updates."""
    loop = make_loop(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        go_backwards=go_backwards,
        name=name or "reduce",
    )
    if None in loop.finals:
        raise GraphError(
            f"{name or 'reduce'}: every output needs a value to start from"
        )
    return _packed(loop.finals, False), loop.updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``reduce`` from the first element to the last."""
    return reduce(fn, sequences, outputs_info, non_sequences, name=name or "foldl")


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``reduce`` from the last element to the first."""
    return reduce(
        fn, sequences, outputs_info, non_sequences, True, name=name or "foldr"
    )


# --- the loop itself --------------------------------------------------------------


class Loop(NamedTuple):
    """What a loop gives.

    ``aligned`` has each output at the place in the sequences that its step was at,
    ``finals`` its last value where it is carried.
    """

    aligned: list[Variable]
    finals: list[Variable | None]
    updates: Updates
    go_backwards: bool

    @property
    def outputs(self) -> list[Variable]:
        """Each output in the order of the steps."""
        return [y[::-1] for y in self.aligned] if self.go_backwards else self.aligned


@dataclass(frozen=True)
class _Step:
    """What ``fn`` returned: outputs, updates of shared variables, what is new."""

    outputs: list[Variable]
    updates: dict[SharedVariable, Variable]
    first_serial: int


def make_loop(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    n_steps: int | Variable | None = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    name: str = "scan",
    strict: bool = False,
) -> Loop:
    """The loop that ``scan`` describes."""
    taken = read(name, sequences)
    length = length_of(name, taken, n_steps)
    slices = [x for one in taken for x in one.slices(length, go_backwards)]
    starts = carried(name, outputs_info)
    constants = [as_variable(v) for v in _listed(non_sequences)]
    elements = [Variable(x.type.with_shape(x.type.shape[1:])) for x in slices]
    registers = [
        [Variable(v.type) for v in start.initial] if start else []
        for start in starts or []
    ]
    past = [
        variables[-tap - 1]
        for start, variables in zip(starts or [], registers, strict=True)
        if start
        for tap in start.taps
    ]
    step = _called(name, fn, [*elements, *past, *constants])
    if starts is None:
        starts, registers = [None] * len(step.outputs), [[] for _ in step.outputs]
    _check_outputs(name, step.outputs, starts)
    stateful = _stateful(step)
    inner_states = {shared: Variable(shared.type) for shared in stateful}
    states = [v for variables in registers for v in variables]
    closure = _closure(step, [*elements, *states], list(stateful))
    if strict:
        _check_strict(name, closure, constants, step)
    inner = {v: Variable(v.type, name=v.name) for v in closure}
    new = [
        value
        for variables, output in zip(registers, step.outputs, strict=True)
        if variables
        for value in (output, *variables[:-1])
    ]
    new += stateful.values()
    known: dict[Variable, Variable] = dict(inner)
    known.update((shared, v) for shared, v in inner_states.items())
    ends = clone_with([*new, *step.outputs], known)
    inputs = [*elements, *states, *inner_states.values(), *inner.values()]
    initial = [v for start in starts if start for v in start.initial]
    initial += list(stateful)
    op = Scan(
        Body(Graph(inputs, ends)),
        len(elements),
        len(initial),
        length if isinstance(length, int) else None,
        go_backwards,
        truncate_gradient,
        name,
    )
    size = () if isinstance(length, int) else (size_variable(length),)
    found = op(*slices, *initial, *closure, *size)
    found = found if isinstance(found, tuple) else (found,)
    stacks = list(found[len(initial) :])
    updates = dict(zip(stateful, found[len(states) : len(initial)], strict=True))
    return Loop(stacks, _finals(registers, found), updates, go_backwards)


def _finals(
    registers: Sequence[Sequence[Variable]], found: Sequence[Variable]
) -> list[Variable | None]:
    finals: list[Variable | None] = []
    place = 0
    for variables in registers:
        finals.append(found[place] if variables else None)
        place += len(variables)
    return finals


def _called(name: str, fn: Callable[..., Any], arguments: Sequence[Variable]) -> _Step:
    """What ``fn`` makes of one step's values."""
    first = next(Apply._serials)
    with scope(name):
        result = fn(*arguments)
    parts = list(result) if isinstance(result, (list, tuple)) else [result]
    updates: dict[Any, Any] = {}
    for part in [part for part in parts if isinstance(part, Mapping)]:
        updates.update(part)
    if any(isinstance(part, Until) for part in parts):
        raise GraphError(
            f"{name}: until is not supported: the number of steps, and with it the "
            "size of every output, would depend on data; give n_steps, and keep the "
            "state as it is with sg.switch once the condition holds"
        )
    rest = [part for part in parts if not isinstance(part, Mapping)]
    if len(rest) == 1 and len(rest) < len(parts) and isinstance(rest[0], (list, tuple)):
        rest = list(rest[0])
    outputs = [as_variable(value) for value in rest if value is not None]
    for shared in updates:
        if not isinstance(shared, SharedVariable):
            raise TypeMismatch(
                f"{name}: the step updates {shared!r}, no shared variable"
            )
    return _Step(outputs, {s: as_variable(v) for s, v in updates.items()}, first)


def _check_outputs(
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


# --- what a step uses from outside ------------------------------------------------


def _new_nodes(step: _Step) -> list[Apply]:
    """The applications that the call of ``fn`` made, in order."""
    found: set[Apply] = set()
    stack = [v.owner for v in (*step.outputs, *step.updates.values())]
    while stack:
        node = stack.pop()
        if node is None or node in found or node.serial < step.first_serial:
            continue
        found.add(node)
        stack.extend(v.owner for v in node.inputs)
    return sorted(found, key=lambda node: node.serial)


def _stateful(step: _Step) -> dict[SharedVariable, Variable]:
    """Shared variables that change from step to step, and what they become."""
    changing: dict[SharedVariable, Variable] = dict(step.updates)
    reads = [v for node in _new_nodes(step) for v in node.inputs]
    for variable in (*reads, *step.outputs):
        if not isinstance(variable, SharedVariable) or variable in changing:
            continue
        if variable.default_update is not None:
            changing[variable] = variable.default_update
    return changing


def _closure(
    step: _Step, inputs: Sequence[Variable], stateful: Sequence[SharedVariable]
) -> list[Variable]:
    """What the step reads that is the same in every step."""
    own = {*inputs, *stateful}
    changing: set[Variable] = set(own)
    inside: set[Apply] = set()
    updates = [v for s in stateful if (v := s.default_update) is not None]
    for node in (*_new_nodes(step), *(v.owner for v in updates if v.owner)):
        if not changing.isdisjoint(node.inputs):
            changing.update(node.outputs)
            inside.add(node)
        elif _is_of_constants(node, inside):
            inside.add(node)
    ends = [*step.outputs, *step.updates.values(), *updates]
    return captured(ends, own, inside.__contains__)


def _is_of_constants(node: Apply, inside: set[Apply]) -> bool:
    """Whether rules about constants should find the node where it is used."""
    if isinstance(node.op, BroadcastTo):
        return True
    return all(isinstance(v, Constant) or v.owner in inside for v in node.inputs)


def _check_strict(
    name: str, closure: Sequence[Variable], declared: Sequence[Variable], step: _Step
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


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _packed(values: Sequence[Any], as_list: bool) -> Any:
    if not values:
        return [] if as_list else None
    return values[0] if len(values) == 1 and not as_list else list(values)
