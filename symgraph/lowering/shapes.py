"""The shape of every variable as sizes: integers where known, symbols where not.

Each unknown dimension of an input becomes a run-time size; the others follow from
``Op.infer_shape``. Where the types or the ops demand that two sizes agree and they
are not equal as polynomials, a requirement is noted, to be checked at the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from codegen.sizes import Size, floordiv, maximum, minimum, mod, substitute, symbol
from symgraph.graph import Apply, Constant, Variable, is_integer
from symgraph.lowering.failures import LoweringError
from symgraph.ops import Dim, Elementwise

Shape: TypeAlias = "tuple[Size, ...]"
Source: TypeAlias = "tuple[int, int | None]"

_ARITHMETIC: dict[str, Callable[..., Size]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "floordiv": floordiv,
    "mod": mod,
    "maximum": maximum,
    "minimum": minimum,
    "cast": lambda a: a,
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

    def value_of(self, variable: Variable) -> Size | None:
        """The value of an integer scalar as a size, or None where data decide it."""
        if variable.ndim or not is_integer(variable.dtype):
            return None
        if isinstance(variable, Constant):
            return int(variable.data)
        if variable not in self._values and variable in self._arguments:
            self._values[variable] = self._new(self._arguments[variable], None)
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
            if name is not None and name not in str(new).replace("*", " ").split():
                self._equal[name] = new
                return

    def _agreed(self, shapes: Sequence[Shape], node: Apply) -> Shape:
        for other in shapes[1:]:
            for left, right in zip(shapes[0], other, strict=True):
                self.require(left, right, node)
        dims = zip(*shapes, strict=True)
        return tuple(next((d for d in ds if isinstance(d, int)), ds[0]) for ds in dims)

    def _inferred(self, node: Apply, shapes: Sequence[Shape]) -> Sequence[Shape]:
        if all(v.type.is_static for v in node.outputs):
            return [tuple(v.type.shape) for v in node.outputs]  # type: ignore[misc]
        values = [self.value_of(v) for v in node.inputs]
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
        if output.ndim or not is_integer(output.dtype):
            return None
        if isinstance(node.op, Dim):
            return self.of(node.inputs[0])[node.op.axis]
        if not isinstance(node.op, Elementwise) or node.op.scalar not in _ARITHMETIC:
            return None
        if not all(is_integer(v.dtype) for v in node.inputs):
            return None
        values = [self._values.get(v, self._constant(v)) for v in node.inputs]
        if any(value is None for value in values):
            return None
        return _ARITHMETIC[node.op.scalar](*values)

    def _constant(self, variable: Variable) -> Size | None:
        return int(variable.data) if isinstance(variable, Constant) else None

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


def _single_symbol(size: Size) -> str | None:
    text = str(size)
    is_name = not isinstance(size, int) and text.startswith("n") and text[1:].isdigit()
    return text if is_name else None
