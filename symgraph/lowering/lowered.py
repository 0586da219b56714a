"""What is made of the kernels of a graph: programs, and how a caller runs them.

Before there are kernels, the inputs and outputs get the buffers that the caller will
give; after them, the outputs are brought to theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import ir
from codegen.ir import Role
from codegen.sizes import Size
from codegen.target import Target
from symgraph.graph import Apply, Graph, SharedVariable, Variable
from symgraph.lowering.builder import Builder
from symgraph.lowering.failures import Failure
from symgraph.lowering.layouts import copy
from symgraph.lowering.shapes import Source
from symgraph.lowering.values import Stored, plain_view


@dataclass(frozen=True)
class Lowered:
    """A graph as programs, and what a caller must know to run them.

    ``program.arguments`` are the graph's inputs, ``shared``, ``invariants`` (made by
    ``prologue`` from ``shared`` whenever one of those changed) and the outputs.
    ``sizes[k]`` is where the k-th run-time size comes from: (argument, axis), or
    (argument, None) for the value of an integer scalar.
    """

    graph: Graph
    target: Target
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


def arguments_of(builder: Builder, variables: Sequence[Variable]) -> list[ir.Buffer]:
    """The buffers of what the caller gives; each is its variable's value."""
    buffers = []
    for number, variable in enumerate(variables):
        shape = builder.shape(variable)
        buffer = ir.Buffer(f"a{number}", variable.dtype, shape, Role.ARGUMENT)
        builder.values[variable] = plain_view(buffer)
        buffers.append(buffer)
    return buffers


def results_of(builder: Builder, graph: Graph) -> list[ir.Buffer]:
    """The buffers of the outputs; each but a repeated one is its variable's own."""
    buffers = []
    for number, variable in enumerate(graph.outputs):
        shape = builder.shape(variable)
        buffer = ir.Buffer(f"r{number}", variable.dtype, shape, Role.ARGUMENT)
        builder.output_buffers.setdefault(variable, buffer)
        buffers.append(buffer)
    return buffers


def deliver(builder: Builder, variable: Variable, buffer: ir.Buffer) -> None:
    """Bring an output's value to the buffer that the caller gave for it."""
    value = builder.value(variable)
    if isinstance(value, Stored) and value.buffer is buffer and value.is_plain:
        return
    step = copy(value, plain_view(buffer))
    builder.main.append(ir.Kernel(step, "output", 0, variable.owner))


def finished(
    builder: Builder,
    graph: Graph,
    name: str,
    given: list[ir.Buffer],
    shared: tuple[SharedVariable, ...],
    results: list[ir.Buffer],
) -> Lowered:
    """The programs of all kernels that ``builder`` holds, and how to run them."""
    requirements = tuple(
        ir.Requirement(left, right, _mismatch(builder, node, left, right))
        for left, right, node in builder.shapes.requirements
    )
    arguments = (*given, *builder.hoisted)
    every = (*arguments, *results)
    program = _program(builder, name, every, builder.main, requirements)
    prologue = None
    if builder.prologue:
        prologue = _program(builder, f"{name}_prologue", arguments, builder.prologue)
    return Lowered(
        graph,
        builder.target,
        program,
        prologue,
        shared,
        tuple(builder.hoisted),
        tuple(builder.shapes.sources),
        tuple(builder.shape(v) for v in graph.outputs),
        builder.failures,
    )


def _program(
    builder: Builder,
    name: str,
    arguments: tuple[ir.Buffer, ...],
    kernels: list[ir.Kernel],
    requirements: tuple[ir.Requirement, ...] = (),
) -> ir.Program:
    return ir.Program(
        name,
        size_names(builder),
        arguments,
        tuple(kernels),
        tuple(builder.constants),  # type: ignore[arg-type]
        requirements,
    )


def _mismatch(builder: Builder, node: Apply, left: Size, right: Size) -> int:
    shapes = " and ".join(str(v.type) for v in node.inputs)
    message = f"{node.op}: sizes that must agree do not, in inputs of {shapes}"
    with builder.at(node):
        return builder.code(message, ValueError)


def size_names(builder: Builder) -> tuple[str, ...]:
    """What the run-time sizes are called."""
    return tuple(f"n{k}" for k in range(len(builder.shapes.sources)))
