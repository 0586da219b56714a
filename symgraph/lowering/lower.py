"""``lower``: a rewritten graph to a program of the kernel IR.

The kernels are made here, unit by unit as the plan says; ``lowered.py`` makes programs
of them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import numpy as np

from codegen import ir
from codegen.reductions import cast
from codegen.sizes import about, product
from codegen.target import Target
from symgraph.graph import Apply, Constant, Graph, SharedVariable, Variable
from symgraph.graph.guards import ALWAYS, Guard, guards_of
from symgraph.lowering.branching import give_branches_places
from symgraph.lowering.builder import Builder
from symgraph.lowering.channel_sums import is_channel_sums, makes_channel_sums
from symgraph.lowering.expansion import expand_all
from symgraph.lowering.groups import lower_chain, lower_group
from symgraph.lowering.lowered import (
    Lowered,
    arguments_of,
    deliver,
    finished,
    results_of,
)
from symgraph.lowering.order import arranged
from symgraph.lowering.plan import plan
from symgraph.lowering.pool_kernel import takes_pooling
from symgraph.lowering.shapes import Shapes
from symgraph.lowering.softmax import twins
from symgraph.lowering.table import (
    LOWERINGS,
    is_local,
    is_pointwise,
    is_pooling,
    is_view,
    stores_more,
    takes_epilogue,
)
from symgraph.lowering.units import Rules, Unit
from symgraph.lowering.values import Number


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
    given = arguments_of(builder, arguments)
    results = results_of(builder, graph)
    _lower_nodes(builder, graph)
    for variable, buffer in zip(graph.outputs, results, strict=True):
        deliver(builder, variable, buffer)
    return finished(builder, graph, name, given, shared, results)


def _lower_nodes(builder: Builder, graph: Graph) -> None:
    """The kernels of a graph, fused as the plan says."""
    nodes = _with_data(builder, graph)
    for node, guard in guards_of(nodes, graph.outputs).items():
        builder.guards[node] = _known_in_time(builder, node, guard)
    give_branches_places(builder, nodes)
    rules, bytes_of = _rules(builder), partial(_bytes, builder)
    units = plan(nodes, graph.outputs, rules)
    for unit in arranged(units, graph.outputs, bytes_of, is_view, rules.waits_for):
        _lower_unit(builder, unit)


def _known_in_time(builder: Builder, node: Apply, guard: Guard) -> Guard:
    """The guard of a node; one that runs before all calls knows no call's conditions.

    It is one that someone else needs, if only for its sizes.
    """
    if node.outputs[0] not in builder.invariant:
        return guard
    return frozenset(one for one in guard if one.condition in builder.invariant)


def _lower_inside(builder: Builder, graph: Graph) -> None:
    """The kernels of a graph that an op of another one repeats."""
    for node in graph.nodes:
        builder.shapes.visit(node)
    _lower_nodes(builder, graph)


def _invariant(graph: Graph, kept: Collection[SharedVariable]) -> set[Variable]:
    fixed: set[Variable] = set(kept)
    fixed.update(v for v in graph.leaves if isinstance(v, Constant))
    guards = guards_of(graph.nodes, graph.outputs)
    for node in graph.nodes:
        conditions = (condition for condition, _ in guards.get(node, ALWAYS))
        if node.inputs and fixed.issuperset((*node.inputs, *conditions)):
            fixed.update(node.outputs)
    return fixed


def _rules(builder: Builder) -> Rules:
    def when(node: Apply) -> object:
        return node.outputs[0] in builder.invariant, builder.guards.get(node, ALWAYS)

    def waits_for(node: Apply) -> list[Variable]:
        return [condition for condition, _ in builder.guards.get(node, ALWAYS)]

    def users(variable: Variable) -> Collection[Apply]:
        return builder.users.get(variable, ())

    return Rules(
        users,
        is_pointwise,
        is_local,
        is_view,
        takes_epilogue,
        stores_more,
        is_pooling,
        partial(takes_pooling, builder),
        is_channel_sums,
        makes_channel_sums,
        builder.shape,
        when,
        waits_for,
        partial(twins, builder),
    )


def _bytes(builder: Builder, variable: Variable) -> int:
    """About the memory of a variable during a call, for run-time sizes of some kind."""
    if variable in builder.invariant:
        return 0
    numbers = product(builder.shape(variable))
    count = about(numbers)
    return count * np.dtype(variable.dtype).itemsize


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


def _lower_unit(builder: Builder, unit: Unit) -> None:
    if unit.nodes[0] in builder.done:
        return
    with builder.at(unit.nodes[0]):
        if unit.head is not None:
            lower_chain(builder, unit)
        elif is_pointwise(unit.nodes[0]):
            lower_group(builder, unit)
        else:
            LOWERINGS[type(unit.nodes[0].op)](builder, *unit.nodes)
