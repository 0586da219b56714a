"""Loops over time in strands: parts of a batch whose rows never meet in a step.

A step of a recurrent network combines numbers of one row, and weights that all rows
share. So a thread can take some rows through all steps, and waits for no other. Here
is found out whether that is so: which dimension of each variable of a step counts the
rows, if any; then the step is made again for as many rows as a strand has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from codegen import ir
from codegen.sizes import Size, floordiv, maximum, minimum, symbol
from symgraph.graph import Apply, Graph, Variable
from symgraph.graph.traversal import reapply
from symgraph.lowering.builder import Builder
from symgraph.lowering.row_axes import Rows, rows_of
from symgraph.lowering.values import Number, Stored, Value
from symgraph.ops.linalg import MatMul
from symgraph.ops.shape import BroadcastTo

FEWEST_ROWS = 8  # of a strand: fewer multiply too little with each weight they read
MOST_ROWS = 32  # so few that products in a strand never pack their weights
ENOUGH = 8  # strands: more of them only where each would have too many rows
WEIGHT_BYTES = 1 << 19  # of weights that stay in each thread's second-level cache


@dataclass(frozen=True)
class Part:
    """The step of a scan for the rows of one strand, or for all where there are none.

    ``axes`` has the dimension that counts rows, of the variables of ``step`` that have
    one; ``counts`` are scalars whose value is how many there are.
    """

    step: Graph
    strands: ir.Strands | None = None
    rows: Size = 0
    axes: Mapping[Variable, int] = field(default_factory=dict)
    counts: frozenset[Variable] = frozenset()

    def shape(self, variable: Variable, shape: tuple[Size, ...]) -> tuple[Size, ...]:
        """What a strand has of the shape of a variable of the step."""
        axis = self.axes.get(variable)
        return shape if axis is None else (*shape[:axis], self.rows, *shape[axis + 1 :])

    def stored(self, variable: Variable, whole: Stored) -> Stored:
        """What a strand has of a variable of the step that is in memory."""
        axis, strands = self.axes.get(variable), self.strands
        if axis is None or strands is None:
            return whole
        offset = whole.offset + symbol(strands.first) * whole.strides[axis]
        return replace(whole, shape=self.shape(variable, whole.shape), offset=offset)

    def value(self, variable: Variable, value: Value) -> Value:
        """The same, in whatever form the variable has."""
        if isinstance(value, Stored):
            return self.stored(variable, value)
        assert isinstance(value, Number)
        return Number(value.expression, self.shape(variable, value.shape))


def part_of(builder: Builder, node: Apply) -> Part:
    """The step of a scan, cut in strands where it can be and is worth it."""
    step = node.op.body.fresh()
    total = _rows_of_all(builder, node)
    count = None if total is None else _count(total)
    if total is None or count is None or not _weights_stay_near(step):
        return Part(step)
    found = rows_of(step, node.op.split(step.inputs))
    if found is None or not _constants_agree(builder, node, step, found, total):
        return Part(step)
    first, rows = builder.fresh("first"), builder.fresh("rows")
    strands = ir.Strands(first, rows, total, count)
    known = strands.most
    return _remade(step, found, strands, known if isinstance(known, int) else None)


def _rows_of_all(builder: Builder, node: Apply) -> Size | None:
    """The first dimension of all states and elements of sequences, if it is one."""
    outer = node.op.split(node.inputs)
    shapes = [builder.shape(state) for state in outer.states]
    shapes += [builder.shape(x)[1:] for x in outer.sequences if x.type.ndim > 1]
    if not outer.states or () in shapes:
        return None
    total = shapes[0][0]
    return total if all(shape[0] == total for shape in shapes) else None


def _count(total: Size) -> Size | None:
    """How many strands so many rows make: all of one size where that is known.

    Then they may have up to twice as many rows; None if they would have more.
    """
    few = minimum(floordiv(total, 2 * FEWEST_ROWS) * 2, ENOUGH)
    count = maximum(few, floordiv(total + (MOST_ROWS - 1), MOST_ROWS))
    if isinstance(total, int) and isinstance(count, int):
        fewest = max(-(-total // (2 * MOST_ROWS)), 2)
        counts = range(count - count % 2, fewest - 1, -2)
        return next((n for n in counts if total % n == 0), None)
    return maximum(count, 1)


def _weights_stay_near(step: Graph) -> bool:
    weights = {node.inputs[1] for node in step if isinstance(node.op, MatMul)}
    total = 0
    for variable in weights - {v for node in step for v in node.outputs}:
        if not variable.type.is_static:
            return False
        numbers = prod(n for n in variable.type.shape if n is not None)
        total += numbers * np.dtype(variable.dtype).itemsize
    return total <= WEIGHT_BYTES


def _constants_agree(
    builder: Builder, node: Apply, step: Graph, found: Rows, total: Size
) -> bool:
    """Whether every constant with rows has as many as the states, and no other."""
    inner, outer = node.op.split(step.inputs), node.op.split(node.inputs)
    for mine, constant in zip(inner.constants, outer.constants, strict=True):
        axis = found.axes.get(mine)
        if axis is not None and builder.shape(constant)[axis] != total:
            return False
        if mine in found.counts:
            value = builder.shapes.value_of(constant)
            if value is None or not builder.shapes.are_equal(value, total):
                return False
    return True


def _remade(step: Graph, found: Rows, strands: ir.Strands, known: int | None) -> Part:
    """The step for ``known`` rows, or for a number that differs between strands."""
    new = {v: _narrowed(v, found, known) for v in step.inputs}
    for node in step:
        op, inputs = node.op, [new.get(v, v) for v in node.inputs]
        if isinstance(op, BroadcastTo) and node.outputs[0] in found.axes:
            op = _repeated(op, found.axes[node.outputs[0]], known)
        new.update(zip(node.outputs, reapply(node, inputs, op), strict=True))
    remade = Graph([new[v] for v in step.inputs], [new.get(v, v) for v in step.outputs])
    rows = symbol(strands.rows, MOST_ROWS) if known is None else known
    axes = {new[v]: axis for v, axis in found.axes.items()}
    counts = frozenset(new[v] for v in found.counts)
    return Part(remade, strands, rows, axes, counts)


def _narrowed(variable: Variable, found: Rows, known: int | None) -> Variable:
    shape = _with(variable.type.shape, found.axes.get(variable), known)
    return Variable(variable.type.with_shape(shape), name=variable.name)


def _repeated(op: BroadcastTo, axis: int, known: int | None) -> BroadcastTo:
    if op.shape[axis] is None:
        return op
    return BroadcastTo(_with(op.shape, axis, known))


def _with(
    shape: Sequence[int | None], axis: int | None, size: int | None
) -> tuple[int | None, ...]:
    return tuple(size if place == axis else n for place, n in enumerate(shape))
