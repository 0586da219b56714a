"""Which dimension of each variable of a step counts the rows of a batch.

Rows are found forwards, from the states and the sequences on, whose first dimension
it is. What is combined with rows element by element must have them too, so that they
are found backwards there, to a constant of the loop or to a broadcast. At last every
node is asked whether it keeps rows apart; one that does not spoils it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symgraph.graph import Apply, Constant, Graph, Variable
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.join import Concatenate, Split
from symgraph.ops.linalg import MatMul
from symgraph.ops.reduce import Reduction
from symgraph.ops.scan import Inputs
from symgraph.ops.shape import BroadcastTo, Dim, Transpose
from symgraph.ops.softmax import LogSoftmax, Softmax
from symgraph.ops.solving import Cholesky, Solve, TriangularSolve
from symgraph.ops.subtensor import At, SetSubtensor, Subtensor
from symgraph.ops.take import Put, Take

MIXED = -1  # instead of a dimension: an op that combines numbers of several rows
# these may end the call
CHECKED = (Take, Put, CrossEntropy, CrossEntropyGrad, Cholesky, Solve, TriangularSolve)


@dataclass(frozen=True)
class Rows:
    """The dimension that counts rows, and scalars whose value is their number."""

    axes: dict[Variable, int]
    counts: frozenset[Variable]


def rows_of(step: Graph, inner: Inputs) -> Rows | None:
    """The rows of every variable, or None where a step combines several.

    A step that may end the call is nothing for many at once.
    """
    if any(map(_may_fail, step)):
        return None
    search = _Search(frozenset(inner.constants))
    search.axes.update((v, 0) for v in (*inner.states, *inner.sequences) if v.type.ndim)
    if not all(search.visit(node) for node in step):
        return None
    axes = search.axes
    for state, new in zip(inner.states, step.outputs, strict=False):
        if axes.get(state) != axes.get(new):
            return None
    if not all(v in axes for v in step.outputs):
        return None
    counts = frozenset(v for node in step for v in _counts(node, axes))
    if all(_agrees(node, axes, counts) for node in step):
        return Rows(axes, counts)
    return None


@dataclass(frozen=True)
class _Search:
    """What was found so far; only ``constants`` are free to have rows or not."""

    constants: frozenset[Variable]
    axes: dict[Variable, int] = field(default_factory=dict)

    def visit(self, node: Apply) -> bool:
        """The rows of a node's outputs from those of its inputs; False if it mixes."""
        given = [self.axes[v] for v in node.inputs if v in self.axes]
        if given and isinstance(node.op, Elementwise | Concatenate):
            for variable in node.inputs:
                self._demand(variable, given[0])
        axis = _outcome(node, self.axes)
        if axis is not None and axis != MIXED:
            self.axes.update(dict.fromkeys(node.outputs, axis))
        return axis != MIXED

    def _demand(self, variable: Variable, axis: int) -> None:
        """Say that a variable has rows, where that is still open."""
        node = variable.owner
        if variable in self.axes:
            return
        if node is None:
            if variable in self.constants:
                self.axes[variable] = axis
        elif isinstance(node.op, BroadcastTo):
            if _repeats(node, axis):
                self.axes[variable] = axis
        elif isinstance(node.op, Elementwise):
            for source in node.inputs:
                self._demand(source, axis)
            self.axes[variable] = axis


def _outcome(node: Apply, axes: Mapping[Variable, int]) -> int | None:
    """The rows of a node's outputs: a dimension, None if they have none, or MIXED."""
    own = [axes.get(v) for v in node.inputs]
    if all(axis is None for axis in own):
        return None
    first, *others = own
    ndim = node.inputs[0].type.ndim
    match node.op:
        case Elementwise():
            return first if set(own) == {first} else MIXED
        case Concatenate(along):
            return first if set(own) == {first} and first != along else MIXED
        case MatMul():
            return _of_product(first, others[0], ndim)
        case Dim():
            return None
    if first is None or any(axis is not None for axis in others):
        return MIXED
    match node.op:
        case AddBias(shared) | Affine(shared):
            return first if first in shared else MIXED
        case Split(along, _):
            return first if first != along else MIXED
        case BroadcastTo(shape):
            return first + len(shape) - ndim
        case Reduction(gone):
            return MIXED if first in gone else first - sum(a < first for a in gone)
        case Transpose(order):
            return order.index(first)
        case Softmax(along) | LogSoftmax(along):
            return first if first != along % ndim else MIXED
    return MIXED


def _may_fail(node: Apply) -> bool:
    """Whether native code checks something that data decide."""
    if isinstance(node.op, Subtensor | SetSubtensor):
        return At(None) in node.op.index
    return isinstance(node.op, CHECKED)


def _of_product(left: int | None, right: int | None, ndim: int) -> int:
    """Rows of a product: those of the left matrix, or of a batch of both."""
    if left is not None and (left, right) in ((ndim - 2, None), (right, left)):
        return left if right is None or left < ndim - 2 else MIXED
    return MIXED


def _repeats(node: Apply, axis: int) -> bool:
    """Whether a broadcast makes dimension ``axis`` out of nothing, or of one."""
    (x, *_), shape = node.inputs, node.op.shape
    own = axis - (len(shape) - x.type.ndim)
    return own < 0 or x.type.shape[own] == 1


# --- numbers of rows --------------------------------------------------------------


def _counts(node: Apply, axes: Mapping[Variable, int]) -> Iterator[Variable]:
    """The input that says how many rows a broadcast makes, if there is one."""
    axis = axes.get(node.outputs[0])
    if isinstance(node.op, BroadcastTo) and axis is not None:
        sizes = iter(node.inputs[1:])
        for place, size in enumerate(node.op.shape):
            given = next(sizes) if size is None else None
            if place == axis and given is not None:
                yield given


def _agrees(
    node: Apply, axes: Mapping[Variable, int], counts: frozenset[Variable]
) -> bool:
    """Whether a node keeps rows apart, and does nothing else with their number."""
    own = list(_counts(node, axes))
    if any(not _is_count(v, axes) for v in own):
        return False
    if [v for v in node.inputs if v in counts] != own:
        return False
    if isinstance(node.op, Dim) and _is_count(node.outputs[0], axes):
        return node.outputs[0] in counts
    found = {axes.get(v) for v in node.outputs}
    expected = _outcome(node, axes)
    if isinstance(node.op, BroadcastTo) and expected is None:
        (axis,) = found
        return axis is None or _repeats(node, axis)
    return expected != MIXED and found == {expected}


def _is_count(variable: Variable, axes: Mapping[Variable, int]) -> bool:
    """Whether a scalar can be the number of rows: the loop's own, or a dimension."""
    node = variable.owner
    if node is None:
        return not isinstance(variable, Constant)
    return isinstance(node.op, Dim) and node.op.axis == axes.get(node.inputs[0])
