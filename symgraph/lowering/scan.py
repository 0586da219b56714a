"""``Scan`` to one C loop: kernels on rows of buffers that are there before it starts.

A state that is stacked anyway lives in the stack, which has one row more for what it
is before the first step: entering step t it is row t, leaving it row t + 1 (the other
way round in a scan that runs backwards), so that no step copies anything. A state
that nothing stacks has two rows and takes turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codegen import ir
from codegen.sizes import Size, contiguous_strides, mod, symbol
from symgraph.graph import Apply, Graph, Variable
from symgraph.lowering.builder import Builder
from symgraph.lowering.failures import LoweringError
from symgraph.lowering.layouts import copy_loop
from symgraph.lowering.strands import Part, part_of
from symgraph.lowering.values import Number, Stored, Value

Row = Callable[[Size], Size]


@dataclass(frozen=True)
class State:
    """The memory of a state; each row is its value at one time."""

    memory: Stored
    start: Size
    entering: Size
    leaving: Size
    end: Size
    in_stack: bool


def lower_scan(builder: Builder, node: Apply) -> None:
    """The values before the first step, the loop, and views of what it leaves."""
    op, length = node.op, _length(builder, node)
    part = part_of(builder, node)
    step = part.step
    index = builder.fresh("step")
    t = symbol(index)
    row = length - 1 - t if op.reverse else t
    _give_inputs(builder, node, part, row)
    states = _states(builder, node, part, length, t, row)
    stacks = _stacks(builder, node, step, states, length)
    rows = [
        (step.outputs[k], row_of(s.memory, s.leaving)) for k, s in enumerate(states)
    ]
    rows += [(y, row_of(s, row)) for y, s in stacks.items()]
    rows = [(variable, part.stored(variable, place)) for variable, place in rows]
    for variable, place in rows:
        if variable.owner is not None and variable not in step.inputs:
            builder.places.setdefault(variable, place)
    with builder.collected(step) as kernels:
        builder.lower_inside(step)
        _require(builder, node, part)
        for variable, place in rows:
            _bring(builder, variable, place)
    loop = ir.Repeat(index, length, tuple(kernels), part.strands)
    builder.emit(loop, str(op.name))


def row_of(memory: Stored, row: Size) -> Stored:
    """One element along the first dimension."""
    return replace(
        memory,
        shape=memory.shape[1:],
        strides=memory.strides[1:],
        offset=memory.offset + row * memory.strides[0],
    )


def _length(builder: Builder, node: Apply) -> Size:
    length = node.op.steps(node.inputs)
    size = length if isinstance(length, int) else builder.shapes.value_of(length)
    if size is None:
        raise LoweringError(
            f"{node.op.name}: the number of steps depends on data, which native code "
            f"cannot allocate for\n  applied at {node.site}"
        )
    for x in node.op.split(node.inputs).sequences:
        builder.shapes.require(builder.shape(x)[0], size, node)
    return size


def _give_inputs(builder: Builder, node: Apply, part: Part, row: Size) -> None:
    """The elements of the sequences, and the constants, as what the step reads."""
    inner, outer = node.op.split(part.step.inputs), node.op.split(node.inputs)
    shapes = builder.shapes
    for mine, x in zip(inner.sequences, outer.sequences, strict=True):
        shapes.give(mine, part.shape(mine, builder.shape(x)[1:]))
        builder.values[mine] = part.value(mine, _element(builder, x, row))
    for mine, state in zip(inner.states, outer.states, strict=True):
        shapes.give(mine, part.shape(mine, builder.shape(state)))
    for mine, constant in zip(inner.constants, outer.constants, strict=True):
        value = part.rows if mine in part.counts else shapes.value_of(constant)
        shapes.give(mine, part.shape(mine, builder.shape(constant)), value)
        builder.values[mine] = part.value(mine, _ready(builder, constant))
        if mine not in part.axes:
            kept = (
                builder.invariant if constant in builder.invariant else builder.steady
            )
            kept.add(mine)


def _element(builder: Builder, x: Variable, row: Size) -> Value:
    value = builder.value(x)
    if isinstance(value, Number):
        return Number(value.expression, value.shape[1:])
    return row_of(builder.unblocked(x), row)


def _ready(builder: Builder, constant: Variable) -> Value:
    """A value as every step should find it: rows of a matrix one after another."""
    value = builder.value(constant)
    if isinstance(value, Number):
        return value
    stored = builder.stored(constant)
    repeated = 0 in stored.strides
    if stored.block > 1 or repeated or stored.is_plain:
        return stored
    return builder.contiguous(constant)


def _states(
    builder: Builder, node: Apply, part: Part, length: Size, t: Size, row: Size
) -> list[State]:
    """Memory for each state, holding what it is before the first step."""
    op, step = node.op, part.step
    inner, stacked = op.split(step.inputs).states, set(step.outputs[op.states :])
    found = []
    for k, initial in enumerate(op.split(node.inputs).states):
        shape = builder.shape(initial)
        in_stack = inner[k] in stacked or _stacks_its_state(step, k, stacked)
        rows: Size = length + 1 if in_stack else 2
        buffer = builder.buffer(initial.dtype, (rows, *shape))
        memory = Stored(buffer, (rows, *shape), contiguous_strides((rows, *shape)))
        if not in_stack:
            state = State(memory, 0, mod(t, 2), mod(t + 1, 2), mod(length, 2), False)
        elif op.reverse:
            state = State(memory, length, row + 1, row, 0, True)
        else:
            state = State(memory, 0, row, row + 1, length, True)
        first = row_of(memory, state.start)
        builder.emit(copy_loop(builder.value(initial), first), "initial state")
        entering = row_of(memory, state.entering)
        builder.values[inner[k]] = part.stored(inner[k], entering)
        builder.values[node.outputs[k]] = row_of(memory, state.end)
        found.append(state)
    return found


def _stacks_its_state(step: Graph, k: int, stacked: set[Variable]) -> bool:
    """Whether state k's new value is stacked, and in no earlier state's memory."""
    new = step.outputs[k]
    return new in stacked and new not in step.outputs[:k] and new not in step.inputs


def _stacks(
    builder: Builder,
    node: Apply,
    step: Graph,
    states: list[State],
    length: Size,
) -> dict[Variable, Stored]:
    """Memory for each y that has none as a state; the value of every stack is set."""
    op = node.op
    inner = op.split(step.inputs).states
    own: dict[Variable, Stored] = {}
    for k, state in enumerate(states):
        if not state.in_stack:
            continue
        first, last = (1, 0) if op.reverse else (0, 1)
        own.setdefault(inner[k], _rows(state.memory, first, length))
        own.setdefault(step.outputs[k], _rows(state.memory, last, length))
    stacks: dict[Variable, Stored] = {}
    pairs = zip(step.outputs[op.states :], node.outputs[op.states :], strict=True)
    for y, stack in pairs:
        if y in own:
            builder.values[stack] = own[y]
        elif y in stacks:
            builder.values[stack] = stacks[y]
        else:
            stacks[y] = builder.allocate(stack)
    return stacks


def _rows(memory: Stored, first: int, length: Size) -> Stored:
    offset = memory.offset + memory.strides[0] * first
    return replace(memory, shape=(length, *memory.shape[1:]), offset=offset)


def _require(builder: Builder, node: Apply, part: Part) -> None:
    """What the step gives has the sizes that were planned for."""
    op, step = node.op, part.step
    planned: list[tuple[Size, ...]] = [
        builder.shape(v) for v in op.split(step.inputs).states
    ]
    planned += [builder.shape(stack)[1:] for stack in node.outputs[op.states :]]
    for variable, whole in zip(step.outputs, planned, strict=True):
        shape = part.shape(variable, whole)
        for mine, wanted in zip(builder.shape(variable), shape, strict=True):
            builder.shapes.require(mine, wanted, node)


def _bring(builder: Builder, variable: Variable, place: Stored) -> None:
    """The variable's value to its place, unless it was computed there."""
    value = builder.value(variable)
    if value != place:
        builder.emit(copy_loop(value, place), "carry")
