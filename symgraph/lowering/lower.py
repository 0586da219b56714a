"""``lower``: a rewritten graph to a program of the kernel IR."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from codegen import ir
from codegen.ir import Role
from codegen.reductions import cast
from codegen.sizes import Size, evaluate, product
from codegen.target import Target
from symgraph.graph import Apply, Constant, Graph, SharedVariable, Variable
from symgraph.lowering.builder import Builder
from symgraph.lowering.expansion import expand_all
from symgraph.lowering.failures import Failure, LoweringError
from symgraph.lowering.groups import lower_chain, lower_group
from symgraph.lowering.layouts import copy_loop, image_of
from symgraph.lowering.order import arranged
from symgraph.lowering.plan import Rules, Unit, plan
from symgraph.lowering.pool_kernel import takes_pooling
from symgraph.lowering.shapes import Shapes, Source
from symgraph.lowering.table import (
    LOWERINGS,
    is_local,
    is_pointwise,
    is_pooling,
    is_view,
    stores_more,
    takes_epilogue,
)
from symgraph.lowering.values import Number, Stored, plain_view

_SOME_SIZE = 64


@dataclass(frozen=True)
class Lowered:
    """A graph as programs, and what a caller must know to run them.

    ``program.arguments`` are the graph's inputs, ``shared``, ``invariants`` (made by
    ``prologue`` from ``shared`` whenever one of those changed) and the outputs.
    ``sizes[k]`` is where the k-th run-time size comes from: (argument, axis), or
    (argument, None) for the value of an integer scalar.
    """

    graph: Graph
    program: ir.Program
    prologue: ir.Program | None
    shared: tuple[SharedVariable, ...]
    invariants: tuple[ir.Buffer, ...]
    sizes: tuple[Source, ...]
    output_shapes: tuple[tuple[Size, ...], ...]
    failures: dict[int, Failure]

    @property
    def programs(self) -> tuple[ir.Program, ...]:
        """The main program, and the prologue where there is one."""
        return (self.program, self.prologue) if self.prologue else (self.program,)


def lower(
    graph: Graph,
    name: str,
    target: Target,
    varying: Collection[SharedVariable] = (),
) -> Lowered:
    """The programs that compute ``graph``'s outputs on ``target``.

    Shared variables in ``varying`` change at every call (the function updates them),
    so nothing computed from them is kept between calls.
    """
    graph = expand_all(graph)
    shared = tuple(v for v in graph.shared if v not in graph.inputs)
    arguments = (*graph.inputs, *shared)
    shapes = Shapes(arguments)
    for node in graph.nodes:
        shapes.visit(node)
    invariant = _invariant(graph, set(shared) - set(varying))
    builder = Builder(shapes, target, invariant, _lower_inside)
    given = _arguments(builder, arguments)
    results = _results(builder, graph)
    _lower_nodes(builder, graph)
    for variable, buffer in zip(graph.outputs, results, strict=True):
        _deliver(builder, variable, buffer)
    return _finished(builder, graph, name, given, shared, results)


def _lower_nodes(builder: Builder, graph: Graph) -> None:
    """The kernels of a graph, fused as the plan says."""
    nodes = _with_data(builder, graph)
    units = plan(nodes, graph.outputs, _rules(builder, builder.invariant))
    for unit in arranged(units, graph.outputs, partial(_bytes, builder), is_view):
        _lower_unit(builder, unit)


def _lower_inside(builder: Builder, graph: Graph) -> None:
    """The kernels of a graph that an op of another one repeats."""
    for node in graph.nodes:
        builder.shapes.visit(node)
    _lower_nodes(builder, graph)


def _invariant(graph: Graph, kept: Collection[SharedVariable]) -> set[Variable]:
    fixed: set[Variable] = set(kept)
    fixed.update(v for v in graph.leaves if isinstance(v, Constant))
    for node in graph.nodes:
        if node.inputs and all(v in fixed for v in node.inputs):
            fixed.update(node.outputs)
    return fixed


def _rules(builder: Builder, invariant: set[Variable]) -> Rules:
    def is_invariant(node: Apply) -> bool:
        return node.outputs[0] in invariant

    def users(variable: Variable) -> Collection[Apply]:
        return builder.users.get(variable, ())

    return Rules(
        users,
        is_pointwise,
        is_local,
        takes_epilogue,
        stores_more,
        is_pooling,
        takes_pooling,
        builder.shape,
        is_invariant,
    )


def _bytes(builder: Builder, variable: Variable) -> int:
    """About the memory of a variable during a call, for run-time sizes of some kind."""
    if variable in builder.invariant:
        return 0
    sizes = dict.fromkeys(_names(builder), _SOME_SIZE)
    count = evaluate(product(builder.shape(variable)), sizes)
    return count * np.dtype(variable.dtype).itemsize


def _names(builder: Builder) -> tuple[str, ...]:
    """What the run-time sizes are called."""
    return tuple(f"n{k}" for k in range(len(builder.shapes.sources)))


def _with_data(builder: Builder, graph: Graph) -> list[Apply]:
    """The nodes that compute data; integers known as sizes become numbers."""
    nodes = []
    for node in graph.nodes:
        sizes = [builder.shapes.known_value(v) for v in node.outputs]
        if any(size is None for size in sizes):
            nodes.append(node)
            continue
        for variable, size in zip(node.outputs, sizes, strict=True):
            if size is not None:
                value = cast(ir.SizeValue(size), variable.dtype)
                builder.values[variable] = Number(value)
    return _with_users(builder, graph, nodes)


def _with_users(builder: Builder, graph: Graph, nodes: list[Apply]) -> list[Apply]:
    """The nodes whose data something reads; who reads them goes to the builder."""
    wanted = set(graph.outputs)
    live = []
    for node in reversed(nodes):
        if wanted.isdisjoint(node.outputs):
            continue
        live.append(node)
        wanted.update(node.inputs)
        for variable in node.inputs:
            builder.users.setdefault(variable, set()).add(node)
    return live[::-1]


def _arguments(builder: Builder, variables: Sequence[Variable]) -> list[ir.Buffer]:
    buffers = []
    for number, variable in enumerate(variables):
        shape = builder.shape(variable)
        buffer = ir.Buffer(f"a{number}", variable.dtype, shape, Role.ARGUMENT)
        builder.values[variable] = plain_view(buffer)
        buffers.append(buffer)
    return buffers


def _results(builder: Builder, graph: Graph) -> list[ir.Buffer]:
    """The buffers of the outputs; each but a repeated one is its variable's own."""
    buffers = []
    for number, variable in enumerate(graph.outputs):
        shape = builder.shape(variable)
        buffer = ir.Buffer(f"r{number}", variable.dtype, shape, Role.ARGUMENT)
        builder.output_buffers.setdefault(variable, buffer)
        buffers.append(buffer)
    return buffers


def _lower_unit(builder: Builder, unit: Unit) -> None:
    if unit.nodes[0] in builder.done:
        return
    with builder.at(unit.nodes[0]):
        if unit.head is not None:
            lower_chain(builder, unit)
        elif is_pointwise(unit.nodes[0]):
            lower_group(builder, unit)
        else:
            LOWERINGS[type(unit.nodes[0].op)](builder, unit.nodes[0])


def _deliver(builder: Builder, variable: Variable, buffer: ir.Buffer) -> None:
    """Bring an output's value to the buffer that the caller gave for it."""
    value = builder.value(variable)
    if isinstance(value, Stored) and value.buffer is buffer and value.is_plain:
        return
    target = plain_view(buffer)
    step: ir.Step
    if isinstance(value, Stored) and value.block > 1 and len(value.shape) == 4:
        step = ir.Reorder(image_of(value), image_of(target))
    else:
        step = copy_loop(value, target)
    builder.main.append(ir.Kernel(step, "output", 0, variable.owner))


def _finished(
    builder: Builder,
    graph: Graph,
    name: str,
    given: list[ir.Buffer],
    shared: tuple[SharedVariable, ...],
    results: list[ir.Buffer],
) -> Lowered:
    requirements = tuple(
        ir.Requirement(left, right, _mismatch(builder, node, left, right))
        for left, right, node in builder.shapes.requirements
    )
    sizes = _names(builder)
    hoisted = tuple(builder.hoisted)
    constants = tuple(builder.constants)
    arguments = (*given, *hoisted, *results)
    program = ir.Program(
        name,
        sizes,
        arguments,
        tuple(builder.main),
        constants,  # type: ignore[arg-type]
        requirements,
    )
    prologue = None
    if builder.prologue:
        prologue = ir.Program(
            f"{name}_prologue",
            sizes,
            (*given, *hoisted),
            tuple(builder.prologue),
            constants,  # type: ignore[arg-type]
        )
    return Lowered(
        graph,
        program,
        prologue,
        shared,
        hoisted,
        tuple(builder.shapes.sources),
        tuple(builder.shape(v) for v in graph.outputs),
        builder.failures,
    )


def _mismatch(builder: Builder, node: Apply, left: Size, right: Size) -> int:
    shapes = " and ".join(str(v.type) for v in node.inputs)
    message = f"{node.op}: sizes that must agree do not, in inputs of {shapes}"
    with builder.at(node):
        return builder.code(message, ValueError)


__all__ = ["Lowered", "LoweringError", "lower"]
