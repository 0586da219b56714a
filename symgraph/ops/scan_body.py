"""``Body``: a graph as a value, the static parameter of an op that runs it.

Two bodies are equal where they compute the same from their inputs, node by node, in
whatever variables they are written; so scans compare, hash and merge like other ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    GraphError,
    TensorType,
    Variable,
    clone_with,
    is_integer,
)
from symgraph.ops.arithmetic import Add, FloorDiv, Mod, Mul, Neg, Sub
from symgraph.ops.cast import Cast
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.shape import Dim, size_variable

Dims = tuple[Any, ...]

# integer arithmetic that every kind of dimension supports
_ARITHMETIC: dict[type, Callable[..., Any]] = {
    Add: lambda a, b: a + b,
    Sub: lambda a, b: a - b,
    Mul: lambda a, b: a * b,
    FloorDiv: lambda a, b: a // b,
    Mod: lambda a, b: a % b,
    Neg: lambda a: a * -1,
    Cast: lambda a: a,
}


@dataclass(frozen=True, eq=False)
class Body:
    """A closed graph: its leaves are its inputs and constants.

    A ``settled`` one has been rewritten, and there is nothing left to rewrite in it.
    """

    graph: Graph
    settled: bool = False

    def __post_init__(self) -> None:
        if self.graph.shared:
            raise GraphError(f"Body: {self.graph.shared[0]!r} must be an input")

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for bodies that do the same."""
        types = tuple(v.type for v in self.graph.inputs)
        number: dict[Variable, Any] = {v: i for i, v in enumerate(self.graph.inputs)}
        nodes = []
        for place, node in enumerate(self.graph.nodes):
            nodes.append((node.op, tuple(_number(v, number) for v in node.inputs)))
            number.update((v, (place, v.index)) for v in node.outputs)
        return types, tuple(nodes), tuple(_number(v, number) for v in self.outputs)

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """The graph's outputs."""
        return self.graph.outputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and (self is other or self.key == other.key)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<{len(self.graph)} nodes>"

    def applied(self, inputs: Sequence[Variable]) -> list[Variable]:
        """The outputs, as an expression of other inputs."""
        pairs = zip(self.graph.inputs, inputs, strict=True)
        return clone_with(self.outputs, dict(pairs))

    def fresh(self) -> Graph:
        """The graph in variables of its own."""
        inputs = [Variable(v.type, name=v.name) for v in self.graph.inputs]
        return Graph(inputs, self.applied(inputs))

    def types(self, inputs: Sequence[TensorType]) -> list[TensorType]:
        """The outputs' types for inputs of some types; raises where one cannot be."""
        known = dict(zip(self.graph.inputs, inputs, strict=True))
        if all(v.type == given for v, given in known.items()):
            return [v.type for v in self.outputs]
        for node in self.graph.nodes:
            found = node.op.infer_type(*(known.get(v, v.type) for v in node.inputs))
            found = found if isinstance(found, tuple) else (found,)
            known.update(zip(node.outputs, found, strict=True))
        return [known.get(v, v.type) for v in self.outputs]

    def shapes(self, shapes: Sequence[Dims], values: Sequence[Any]) -> list[Dims]:
        """The outputs' shapes; ``values`` are those of integer scalars, where known."""
        sizes = _Sizes(
            dict(zip(self.graph.inputs, shapes, strict=True)),
            dict(zip(self.graph.inputs, values, strict=True)),
        )
        for node in self.graph.nodes:
            sizes.visit(node)
        return [sizes.shape(v) for v in self.outputs]


@dataclass
class _Sizes:
    """What is known of the sizes while a body is walked."""

    shapes: dict[Variable, Dims]
    values: dict[Variable, Any]

    def shape(self, variable: Variable) -> Dims:
        return self.shapes.get(variable, variable.type.shape)

    def value(self, variable: Variable) -> Any:
        if isinstance(variable, Constant):
            is_size = variable.ndim == 0 and is_integer(variable.dtype)
            return int(variable.data) if is_size else None
        return self.values.get(variable)

    def visit(self, node: Apply) -> None:
        """Note the shapes of the node's outputs, and the value of a size."""
        for output, dims in zip(node.outputs, self._inferred(node), strict=True):
            pairs = zip(output.type.shape, dims, strict=True)
            self.shapes[output] = tuple(b if a is None else a for a, b in pairs)
        output = node.outputs[0]
        if output.ndim == 0 and is_integer(output.dtype):
            self.values[output] = self._computed(node)

    def _inferred(self, node: Apply) -> Sequence[Dims]:
        if all(v.type.is_static for v in node.outputs):
            return [v.type.shape for v in node.outputs]
        shapes = [self.shape(v) for v in node.inputs]
        result = node.op.infer_shape(shapes, [self.value(v) for v in node.inputs])
        return result if len(node.outputs) > 1 else [result]

    def _computed(self, node: Apply) -> Any:
        if isinstance(node.op, Dim):
            return self.shape(node.inputs[0])[node.op.axis]
        values = [self.value(v) for v in node.inputs]
        if not isinstance(node.op, Elementwise) or None in values:
            return None
        if any(isinstance(value, Variable) for value in values):
            return node.op(*map(size_variable, values))
        if all(isinstance(value, int) for value in values):
            return int(node.op.reference(*map(np.int64, values)))
        compute = _ARITHMETIC.get(type(node.op))
        return None if compute is None else compute(*values)


def captured(
    outputs: Iterable[Variable],
    inputs: Iterable[Variable],
    is_inside: Callable[[Apply], bool],
) -> list[Variable]:
    """What the outputs read from outside, but for ``inputs`` and constants.

    Everything that ``is_inside`` refuses, and all above it, is outside.
    """
    found: dict[Variable, None] = {}
    seen = set(inputs)
    stack = list(outputs)[::-1]
    while stack:
        variable = stack.pop()
        if variable in seen or isinstance(variable, Constant):
            continue
        seen.add(variable)
        if variable.owner is not None and is_inside(variable.owner):
            stack.extend(reversed(variable.owner.inputs))
        else:
            found[variable] = None
    return list(found)


def _number(variable: Variable, number: Mapping[Variable, Any]) -> Any:
    if variable in number:
        return number[variable]
    assert isinstance(variable, Constant)
    return variable.type, variable.data.tobytes()
