"""The shape of every variable as sizes: integers where known, symbols where not.

Each unknown dimension of an input becomes a run-time size; the others follow from
``Op.infer_shape``. Where the types or the ops demand that two sizes agree and they
are not equal as polynomials, a requirement is noted, to be checked at the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from codegen.sizes import (
    Size,
    floordiv,
    maximum,
    minimum,
    mod,
    substitute,
    symbol,
    symbols_of,
)
from symgraph.graph import Apply, Constant, Variable, is_float
from symgraph.lowering.failures import LoweringError
from symgraph.ops.branching import IfElse
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.shape import Dim

Shape: TypeAlias = "tuple[Size, ...]"
Source: TypeAlias = "tuple[int, int | None]"


def _less(a: Size, b: Size) -> Size:
    """1 where a < b, else 0."""
    return minimum(maximum(b - a, 0), 1)


# scalar functions on integers as sizes; a truth value is 0 or 1
_ARITHMETIC: dict[str, Callable[..., Size]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "floordiv": floordiv,
    "mod": mod,
    "maximum": maximum,
    "minimum": minimum,
    "relu": lambda a: maximum(a, 0),
    "abs": lambda a: maximum(a, -a),
    "square": lambda a: a * a,
    "cast": lambda a: a,
    "lt": _less,
    "gt": lambda a, b: _less(b, a),
    "le": lambda a, b: 1 - _less(b, a),
    "ge": lambda a, b: 1 - _less(a, b),
    "ne": lambda a, b: _less(a, b) + _less(b, a),
    "eq": lambda a, b: 1 - _less(a, b) - _less(b, a),
    "logical_and": lambda a, b: a * b,
    "logical_or": lambda a, b: a + b - a * b,
    "logical_not": lambda a: 1 - a,
    "where": lambda condition, a, b: b + condition * (a - b),
}


class Shapes:
    """Shapes and integer values of variables, in terms of the run-time sizes.

    ``sources[k]`` says where the run-time size ``n<k>`` comes from: the dimension
    (argument, axis), or the value of an integer scalar argument (argument, None).
    """

    def __init__(self, arguments: Sequence[Variable]) -> None:
        self.sources: list[Source] = []
        self.requirements: list[tuple[Size, Size, Apply]] = []
        self._arguments = {v: i for i, v in enumerate(arguments)}
        self._shapes: dict[Variable, Shape] = {}
        self._values: dict[Variable, Size | None] = {}
        self._equal: dict[str, Size] = {}
        for variable in arguments:
            self._shapes[variable] = self._argument_shape(variable)

    def of(self, variable: Variable) -> Shape:
        """The shape of a variable."""
        if variable not in self._shapes:
            if isinstance(variable, Constant):
                return variable.data.shape
            raise LoweringError(f"lower: {variable!r} is not part of the graph")
        return tuple(self._settled(dim) for dim in self._shapes[variable])

    def give(self, variable: Variable, shape: Shape, value: Size | None = None) -> None:
        """The shape, and the value, of what a graph inside this one begins with."""
        self._shapes[variable], self._values[variable] = shape, value

    def value_of(self, variable: Variable) -> Size | None:
        """The value of an integer scalar as a size, or None where data decide it.

        A scalar argument becomes a run-time size only when it is asked for here: a
        call plans its memory anew for each value of a size.
        """
        known = self.known_value(variable)
        if known is not None or not _is_discrete(variable):
            return known
        if variable in self._arguments:
            self._values[variable] = self._new(self._arguments[variable], None)
        elif variable.owner is not None:
            for source in variable.owner.inputs:
                self.value_of(source)
            self._values[variable] = self._scalar(variable.owner, variable)
        return self._values.get(variable)

    def known_value(self, variable: Variable) -> Size | None:
        """The value of an integer scalar, where it is known as a size already."""
        if not _is_discrete(variable):
            return None
        if isinstance(variable, Constant):
            return int(variable.data)
        return self._values.get(variable)

    def visit(self, node: Apply) -> None:
        """Note the shapes and values of a node's outputs."""
        shapes = [self.of(v) for v in node.inputs]
        if isinstance(node.op, Elementwise):
            shapes[0] = self._agreed(shapes, node)
        for output, dims in zip(
            node.outputs, self._inferred(node, shapes), strict=True
        ):
            self._shapes[output] = self._known(output, dims, node)
            self._values[output] = self._scalar(node, output)

    def require(self, left: Size, right: Size, node: Apply) -> None:
        """Demand that two sizes agree, from here on taken as equal."""
        left, right = self._settled(left), self._settled(right)
        if left == right:
            return
        self.requirements.append((left, right, node))
        for old, new in ((left, right), (right, left)):
            name = _single_symbol(old)
            if name is not None and name not in symbols_of(new):
                self._equal[name] = new
                return

    def are_equal(self, left: Size, right: Size) -> bool:
        """Whether two sizes are the same, or taken as equal."""
        return self._settled(left) == self._settled(right)

    def _agreed(self, shapes: Sequence[Shape], node: Apply) -> Shape:
        for other in shapes[1:]:
            for left, right in zip(shapes[0], other, strict=True):
                self.require(left, right, node)
        dims = zip(*shapes, strict=True)
        return tuple(next((d for d in ds if isinstance(d, int)), ds[0]) for ds in dims)

    def _inferred(self, node: Apply, shapes: Sequence[Shape]) -> Sequence[Shape]:
        if all(v.type.is_static for v in node.outputs):
            return [_static(v) for v in node.outputs]
        is_choice = isinstance(node.op, IfElse)  # its condition shall be no size
        values = [None if is_choice else self.value_of(v) for v in node.inputs]
        result = node.op.infer_shape(shapes, values)
        single = len(node.outputs) == 1
        return [tuple(result)] if single else [tuple(shape) for shape in result]

    def _known(self, output: Variable, dims: Shape, node: Apply) -> Shape:
        shape = []
        for known, inferred in zip(output.type.shape, dims, strict=True):
            if inferred is None:
                raise LoweringError(
                    f"{node.op}: a dimension of its output depends on data, which "
                    f"native code cannot allocate for\n  applied at {node.site}"
                )
            if known is not None:
                self.require(known, inferred, node)
            shape.append(inferred if known is None else known)
        return tuple(shape)

    def _scalar(self, node: Apply, output: Variable) -> Size | None:
        if not _is_discrete(output):
            return None
        if isinstance(node.op, Dim):
            return self.of(node.inputs[0])[node.op.axis]
        scalar = _scalar_function(node)
        if scalar not in _ARITHMETIC:
            return None
        values = [self.known_value(v) for v in node.inputs]
        if any(value is None for value in values):
            return None
        return _ARITHMETIC[scalar](*values)

    def _argument_shape(self, variable: Variable) -> Shape:
        number = self._arguments[variable]
        dims = enumerate(variable.type.shape)
        return tuple(
            self._new(number, axis) if dim is None else dim for axis, dim in dims
        )

    def _new(self, argument: int, axis: int | None) -> Size:
        self.sources.append((argument, axis))
        return symbol(f"n{len(self.sources) - 1}")

    def _settled(self, size: Size) -> Size:
        while self._equal and not isinstance(size, int | np.integer):
            settled = substitute(size, self._equal)
            if settled == size:
                break
            size = settled
        return size


def _is_discrete(variable: Variable) -> bool:
    """Whether a variable is an integer or a truth value."""
    return variable.ndim == 0 and not is_float(variable.dtype)


def _scalar_function(node: Apply) -> str:
    """What the op does to single numbers, if it does nothing else."""
    if isinstance(node.op, IfElse):
        return "where"
    return node.op.scalar if isinstance(node.op, Elementwise) else ""


def _static(variable: Variable) -> Shape:
    return tuple(dim for dim in variable.type.shape if dim is not None)


def _single_symbol(size: Size) -> str | None:
    text = str(size)
    is_name = not isinstance(size, int) and text.startswith("n") and text[1:].isdigit()
    return text if is_name else None
