"""Units of several ops: pointwise groups as loop nests, chains as epilogues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import ir
from codegen.schedule import elementwise
from codegen.sizes import Size
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body
from symgraph.lowering.builder import Builder
from symgraph.lowering.join import place_in_whole
from symgraph.lowering.layouts import logical_index, loop_extents, masked
from symgraph.lowering.readers import pointwise_value
from symgraph.lowering.reduce import adds_up_images, lower_reduction
from symgraph.lowering.table import EPILOGUES, LOWERINGS, inlines_its_input
from symgraph.lowering.tail import Chain, Pooled, Tail
from symgraph.lowering.units import Unit
from symgraph.lowering.values import Index, Stored, Value


@dataclass(frozen=True)
class Given:
    """A kernel's own result, whatever index it is asked for."""

    expression: ir.Expression
    shape: tuple[Size, ...]

    @property
    def dtype(self) -> str:
        return self.expression.dtype

    def at(self, index: Sequence[Index], body: Body) -> ir.Expression:
        return self.expression


def lower_chain(builder: Builder, unit: Unit) -> None:
    """A kernel with the pointwise ops after it as its epilogue."""
    assert unit.head is not None
    result, pooled = unit.head.outputs[0], None
    if unit.pooling is not None:
        before = _chain(builder, result, unit.before) if unit.before else None
        pooled, result = Pooled(unit.pooling, before), unit.pooling.outputs[0]
    for node in unit.summed_with:
        builder.values[node.outputs[0]] = pointwise_value(builder, node)
    # what follows the results, but makes nothing of them to be stored
    of_sums = {unit.sums, *unit.summed_with}
    stored = [node for node in unit.nodes if node not in of_sums]
    inside = {unit.head, unit.pooling, *unit.before}
    followers = [node for node in stored if node not in inside]
    output, wanted = unit.tail.outputs[0], _wanted(builder, unit)
    more = tuple(
        (builder.destination(v), _chain(builder, result, followers, v))
        for v in (result, *(node.outputs[0] for node in followers))
        if v is not output and v in wanted
    )
    chain = _chain(builder, result, followers)
    label = _label(stored)
    tail = Tail(output, chain, not followers, label, pooled, more, unit.sums)
    EPILOGUES[type(unit.head.op)](builder, unit.head, tail)
    if unit.sums is not None and unit.sums not in builder.done:
        with builder.at(unit.sums):
            LOWERINGS[type(unit.sums.op)](builder, unit.sums)


def _chain(
    builder: Builder,
    result: Variable,
    nodes: Sequence[Apply],
    wanted: Variable | None = None,
) -> Chain:
    """What ``nodes`` make of ``result``: ``wanted``, or else what the last makes."""
    made = (result, *(node.outputs[0] for node in nodes))
    output = made[-1] if wanted is None else wanted

    def apply(
        index: Sequence[Index], value: ir.Expression, body: Body
    ) -> ir.Expression:
        stored = {v: builder.values[v] for v in made if v in builder.values}
        builder.values[result] = Given(value, builder.shape(result))
        for node in nodes:
            builder.values[node.outputs[0]] = pointwise_value(builder, node)
        expression = builder.values[output].at(index, body)
        builder.values.update(stored)
        return expression

    return apply


def lower_group(builder: Builder, unit: Unit) -> None:
    """Pointwise ops over one index space: one loop nest, or none if only reduced."""
    computed: dict[Variable, Value] = {}
    for node in unit.nodes:
        computed[node.outputs[0]] = pointwise_value(builder, node)
    builder.values.update(computed)
    wanted = _wanted(builder, unit)
    block = _block(builder, unit)
    if len(wanted) == 1 and _only_reduced(builder, wanted[0]):
        builder.lazy_block[wanted[0]] = block
        return
    summed = _summed(builder, wanted, block)
    if summed is not None:
        _lower_with_sum(builder, unit, summed, block)
        return
    targets = {v: _target(builder, v, block) for v in wanted}
    builder.values.update(computed)
    step = _nest(builder, targets)
    builder.emit(step, _label(unit.nodes))
    builder.values.update(targets)


def _summed(builder: Builder, wanted: Sequence[Variable], block: int) -> Apply | None:
    """A sum over the images that a group computes, if one can be had on the way."""
    if len(wanted) != 1 or block == 1 or builder.is_delivered(wanted[0]):
        return None
    (image,), channels = wanted, builder.shape(wanted[0])[1]
    if not isinstance(channels, int) or channels % block:
        return None
    sums = [user for user in builder.users.get(image, ()) if adds_up_images(user)]
    return sums[0] if len(sums) == 1 else None


def _lower_with_sum(builder: Builder, unit: Unit, node: Apply, block: int) -> None:
    """The group's images stored, and summed, in one pass."""
    image = node.inputs[0]
    computed = builder.values[image]
    target = builder.allocate(image, block)
    builder.values[image] = computed
    builder.lazy_block[image] = block
    lower_reduction(builder, node, target, f"{_label(unit.nodes)}+{node.op}")
    builder.values[image] = target
    builder.done.add(node)


def _target(builder: Builder, variable: Variable, block: int) -> Stored:
    """Memory for one result: its own, a row of a stack, a part of a whole."""
    if block > 1:
        return builder.allocate(variable, block)
    return place_in_whole(builder, variable) or builder.destination(variable)


def _label(nodes: Sequence[Apply]) -> str:
    return "+".join(str(node.op) for node in nodes)


def _nest(builder: Builder, targets: dict[Variable, Stored]) -> ir.Step:
    """The loops that compute and store every one of ``targets``."""
    first = next(iter(targets.values()))

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body, index = Body(), logical_index(first, indices)
        for variable, target in targets.items():
            element = builder.values[variable].at(index, body)
            position = target.position(index)
            body.store(target.buffer, position, masked(element, target, index))
        return tuple(body.statements)

    return elementwise(loop_extents(first), statements)


def _wanted(builder: Builder, unit: Unit) -> list[Variable]:
    """The variables of a unit that something outside of it reads."""
    inside = set(unit.nodes)
    return [
        v
        for node in unit.nodes
        for v in node.outputs
        if builder.is_delivered(v) or builder.users.get(v, set()) - inside
    ]


def _only_reduced(builder: Builder, variable: Variable) -> bool:
    users = builder.users.get(variable, set())
    if builder.is_delivered(variable) or len(users) != 1:
        return False
    return all(inlines_its_input(user) for user in users)


def _block(builder: Builder, unit: Unit) -> int:
    """The block of the layout in which a group runs: that of its stored images."""
    shape = builder.shape(unit.tail.outputs[0])
    if len(shape) != 4 or not isinstance(shape[1], int):
        return 1
    inside = {v for node in unit.nodes for v in node.outputs}
    for variable in (v for node in unit.nodes for v in node.inputs):
        value = None if variable in inside else builder.value(variable)
        if isinstance(value, Stored) and _is_blocked_image(value, shape):
            return value.block
    return 1


def _is_blocked_image(value: Stored, shape: tuple[Size, ...]) -> bool:
    whole = value.shape[:2] == shape[:2] and 0 not in value.strides
    return value.block > 1 and value.channel == 1 and whole
