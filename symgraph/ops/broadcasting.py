"""How elementwise ops are applied: promotion and broadcasting as explicit nodes.

A dimension broadcasts only if it is statically 1 (missing leading dimensions count
as 1). An unknown dimension stands against any other and must equal it at the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from symgraph.graph import GraphError, Op, Variable, argument_lines
from symgraph.ops.arguments import Size, TensorLike, as_variable, promoted
from symgraph.ops.shape import BroadcastTo, dim, split_sizes


def elementwise(op: Op, *values: TensorLike, floating: bool = False) -> Variable:
    """``op`` of the values, promoted to one dtype and broadcast to one shape."""
    name = op_name(op)
    return op(*broadcast_together(name, promoted(name, values, floating)))


def op_name(op: Op) -> str:
    """What a builder of ``op`` is called: the class name in snake_case."""
    return _snake_case(type(op).__name__)


@cache
def _snake_case(text: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in text).lstrip("_")


def broadcast_together(name: str, variables: Sequence[Variable]) -> list[Variable]:
    """The variables with one shape, which is that of NumPy's broadcasting."""
    first = variables[0].type.shape
    if all(v.type.shape == first for v in variables):
        return list(variables)
    shape = _common_shape(name, variables)
    return [_broadcast(v, shape) for v in variables]


def broadcast_arrays(*values: TensorLike) -> list[Variable]:
    """The values with one shape; each keeps its dtype."""
    return broadcast_together("broadcast_arrays", [as_variable(v) for v in values])


class _Shape:
    """A shape whose unknown sizes are read off a variable only when needed."""

    def __init__(self, columns: Sequence[tuple[int | None, Variable, int]]) -> None:
        self.static = tuple(size for size, _, _ in columns)
        self._columns = columns

    def sizes(self) -> list[Size]:
        return [
            dim(variable, axis) if size is None else size
            for size, variable, axis in self._columns
        ]


def _common_shape(name: str, variables: Sequence[Variable]) -> _Shape:
    ndim = max(v.ndim for v in variables)
    return _Shape([_column(name, variables, axis - ndim) for axis in range(ndim)])


def _column(
    name: str, variables: Sequence[Variable], axis: int
) -> tuple[int | None, Variable, int]:
    """One dimension of the result, counted from the end, and who has it."""
    present = [v for v in variables if v.ndim >= -axis]
    sizes = [v.type.shape[axis] for v in present]
    known = {size for size in sizes if size is not None and size != 1}
    if len(known) > 1:
        types = " with ".join(str(v.type) for v in variables)
        raise GraphError(
            f"{name}: cannot broadcast {types}: dimension {axis} is "
            f"{' and '.join(map(str, sorted(known)))}\n{argument_lines(variables)}"
        )
    size = next(iter(known), None if None in sizes else 1)
    return size, present[sizes.index(size)], axis


def _broadcast(variable: Variable, shape: _Shape) -> Variable:
    mine = variable.type.shape
    lead = len(shape.static) - len(mine)
    pairs = zip(mine, shape.static[lead:], strict=True)
    if lead == 0 and not any(a == 1 and b != 1 for a, b in pairs):
        return variable
    static, inputs = split_sizes(shape.sizes())
    return BroadcastTo(static)(variable, *inputs)


def broadcast_batches(
    name: str, variables: Sequence[Variable], trailing: int
) -> list[Variable]:
    """The variables with one shape but for their last ``trailing`` dimensions."""
    ndim = max(v.ndim for v in variables)
    columns = [_column(name, variables, axis - ndim) for axis in range(ndim - trailing)]
    results = []
    for v in variables:
        own = [(v.type.shape[axis], v, axis) for axis in range(-trailing, 0)]
        results.append(_broadcast(v, _Shape([*columns, *own])))
    return results
