"""``make_loop``: a Python function of one step's values, made a ``Scan``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from symgraph.graph import Graph, SharedVariable, Variable, clone_with
from symgraph.ops.arguments import as_variable
from symgraph.ops.loop_arguments import Carried, carried, length_of, read
from symgraph.ops.loop_step import (
    Step,
    called,
    check_outputs,
    check_strict,
    closure_of,
)
from symgraph.ops.scan import Scan
from symgraph.ops.scan_body import Body
from symgraph.ops.shape import size_variable

Updates = dict[SharedVariable, Variable]


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
    elements = [Variable(x.type.with_shape(x.type.shape[1:])) for x in slices]
    given = carried(name, outputs_info)
    constants = [as_variable(v) for v in _listed(non_sequences)]
    registers = _registers(given or [])
    step = called(name, fn, [*elements, *_past(given or [], registers), *constants])
    starts = [None] * len(step.outputs) if given is None else given
    registers = _registers(starts) if given is None else registers
    check_outputs(name, step.outputs, starts)
    closure = closure_of(step, [*elements, *_flat(registers)])
    if strict:
        check_strict(name, closure, constants)
    initial = [v for start in starts if start for v in start.initial]
    initial += step.changing
    body = _body(step, elements, registers, closure)
    static = length if isinstance(length, int) else None
    counts = len(elements), len(initial), static
    op = Scan(body, *counts, go_backwards, truncate_gradient, name)
    size = () if static is not None else (size_variable(length),)
    found = op(*slices, *initial, *closure, *size)
    found = list(found) if isinstance(found, tuple) else [found]
    return _loop(op, step, registers, found)


# An output that is carried has a register for its last value, for the one before, ...
Registers = list[list[Variable]]


def _registers(starts: Sequence[Carried | None]) -> Registers:
    return [[Variable(v.type) for v in s.initial] if s else [] for s in starts]


def _past(starts: Sequence[Carried | None], registers: Registers) -> list[Variable]:
    """The earlier values that a step is given, by its taps."""
    return [
        variables[-tap - 1]
        for start, variables in zip(starts, registers, strict=True)
        if start
        for tap in start.taps
    ]


def _body(
    step: Step,
    elements: Sequence[Variable],
    registers: Registers,
    closure: Sequence[Variable],
) -> Body:
    """The step as a graph of its own; what a register holds moves on to the next."""
    shifted = [
        value
        for variables, output in zip(registers, step.outputs, strict=True)
        if variables
        for value in (output, *variables[:-1])
    ]
    outside = [*step.changing, *closure]
    inner = {v: Variable(v.type, name=v.name) for v in outside}
    ends = clone_with([*shifted, *step.changing.values(), *step.outputs], inner)
    return Body(Graph([*elements, *_flat(registers), *inner.values()], ends))


def _loop(
    op: Scan, step: Step, registers: Registers, found: Sequence[Variable]
) -> Loop:
    """What came out of the scan, by what it is."""
    finals: list[Variable | None] = []
    place = 0
    for variables in registers:
        finals.append(found[place] if variables else None)
        place += len(variables)
    updates = dict(zip(step.changing, found[place : op.states], strict=True))
    return Loop(list(found[op.states :]), finals, updates, op.reverse)


def _flat(registers: Registers) -> list[Variable]:
    return [v for variables in registers for v in variables]


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, (list, tuple)) else [values]
