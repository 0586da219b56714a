"""Sizes: every one that is not known is an expression of the inputs' own sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from symgraph.graph import Apply, Constant, Graph, Variable, inherit_site
from symgraph.ops.shape import BroadcastTo, Dim, Reshape, size_variable
from symgraph.rewriting import graph_pass

Size: TypeAlias = "int | Variable"


@graph_pass("exact")
def normalize_sizes(graph: Graph) -> Mapping[Variable, Variable]:
    """dim(f(x))  ->  an expression of dim(x), and broadcast(x, shape of x)  ->  x

    Each unknown size is found by the ops' ``infer_shape``, so that asking for the size
    of a result computes no result. A reshape to the sizes that are there goes too.
    """
    if not any(isinstance(n.op, (Dim, BroadcastTo, Reshape)) for n in graph.nodes):
        return {}
    sizes = _Sizes(graph)
    found: dict[Variable, Variable] = {}
    for n in graph.nodes:
        with inherit_site(n.site):
            sizes.visit(n)
            replacement = sizes.replacement(n)
        if replacement is not None and replacement is not n.outputs[0]:
            found[n.outputs[0]] = replacement
    return found


class _Sizes:
    """The sizes of every variable so far; sizes equal as expressions are one object."""

    def __init__(self, graph: Graph) -> None:
        self.sizes: dict[Variable, tuple[Size, ...]] = {}
        self.canonical: dict[Variable, Size] = {}
        self.expressions: dict[object, Variable] = {}
        inputs = set(graph.inputs)
        for n in graph.nodes:
            if isinstance(n.op, Dim) and n.inputs[0] in inputs:
                self.expressions.setdefault(self._key(n.outputs[0]), n.outputs[0])

    def visit(self, n: Apply) -> None:
        """Find the sizes of a node's outputs; those of its inputs are found."""
        for output, dims in zip(n.outputs, self._inferred(n), strict=True):
            pairs = zip(dims, output.type.shape, strict=True)
            self.sizes[output] = tuple(
                self._one(size) if static is None else static for size, static in pairs
            )
        output = n.outputs[0]
        if output.ndim == 0 and output.dtype == "int64":
            if isinstance(n.op, Dim):
                self.canonical[output] = self._of(n.inputs[0])[n.op.axis]
            else:
                self._one(output)

    def replacement(self, n: Apply) -> Variable | None:
        """What may stand for the node's output, if anything simpler does."""
        output = n.outputs[0]
        if isinstance(n.op, Dim):
            return size_variable(self.canonical[output])
        if not isinstance(n.op, (BroadcastTo, Reshape)):
            return None
        source = n.inputs[0]
        same = self._of(source) == self.sizes[output]
        return source if same and output.type.accepts(source.type) else None

    def _inferred(self, n: Apply) -> Sequence[Sequence[Size]]:
        if all(v.type.is_static for v in n.outputs):
            return [v.type.shape for v in n.outputs]  # type: ignore[misc]
        shapes = [self._of(v) for v in n.inputs]
        result: Any = n.op.infer_shape(shapes, [self._value(v) for v in n.inputs])
        return result if len(n.outputs) > 1 else [result]

    def _of(self, variable: Variable) -> tuple[Size, ...]:
        if variable not in self.sizes:  # an input, a constant, a shared variable
            self.sizes[variable] = tuple(
                self._one(Dim(axis)(variable)) if size is None else size
                for axis, size in enumerate(variable.type.shape)
            )
        return self.sizes[variable]

    def _value(self, variable: Variable) -> Size | None:
        is_size = variable.ndim == 0 and variable.dtype == "int64"
        return self._one(variable) if is_size else None

    def _one(self, size: Size) -> Size:
        """The one object for every size of the same expression; an int if constant."""
        if isinstance(size, Constant):
            return int(size.data)
        if not isinstance(size, Variable) or size.owner is None:
            return size
        stack = [size]
        while stack:
            current = stack[-1]
            waiting = [v for v in _operands(current) if v not in self.canonical]
            if current in self.canonical or not waiting:
                stack.pop()
                key = self._key(current)
                one = self.expressions.setdefault(key, current)
                self.canonical.setdefault(current, one)
            else:
                stack.extend(waiting)
        return self.canonical[size]

    def _key(self, size: Variable) -> object:
        """Equal for equal expressions."""
        assert size.owner is not None
        inputs = (self.canonical.get(v, v) for v in size.owner.inputs)
        return size.owner.op, size.index, tuple(_known(v) for v in inputs)


def _operands(size: Variable) -> list[Variable]:
    """The computed sizes that a size is computed from."""
    inputs = size.owner.inputs if size.owner is not None else ()
    return [v for v in inputs if v.ndim == 0 and v.owner is not None]


def _known(size: Size) -> Size:
    """A size as an int if it is a constant."""
    if isinstance(size, Constant) and size.ndim == 0 and size.dtype == "int64":
        return int(size.data)
    return size
