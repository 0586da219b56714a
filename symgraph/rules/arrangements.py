"""Arrangements: reshapes, transpositions, broadcasts and joins, none done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.graph import Apply, Op, Variable
from symgraph.ops.arguments import fill_sizes
from symgraph.ops.join import Concatenate, Pad, Split
from symgraph.ops.reduce import Sum
from symgraph.ops.reshaping import reshape
from symgraph.ops.shape import BroadcastTo, Dim, Reshape, Transpose, broadcast_to, dim
from symgraph.ops.subtensor import Range, Subtensor
from symgraph.rewriting import Declined, Rule, node, rewrite, wildcards

(x,) = wildcards("x")


def _changes_nothing(n: Apply) -> bool:
    """Whether the first input has the elements of the output in the same places."""
    before, after = n.inputs[0].type.shape, n.outputs[0].type.shape
    match n.op:
        case Reshape():  # of equal counts one size may be unknown
            return before == after and before.count(None) <= 1
        case BroadcastTo():
            return before == after and None not in before
        case Transpose(axes=axes):
            return axes == tuple(range(len(axes)))
        case Pad(widths=widths):
            return not np.any(widths)
        case Concatenate():
            return len(n.inputs) == 1
        case Sum(axes=axes):
            return not axes
        case Subtensor():
            return _takes_all(n)
    return False


def _takes_all(n: Apply) -> bool:
    """Whether every range begins at 0 and has the size of its dimension."""
    x, op = n.inputs[0], n.op
    assert isinstance(op, Subtensor)
    if any(e.step != 1 if isinstance(e, Range) else True for e in op.index):
        return False
    ranges = [(e.start, e.size) for e in op.index if isinstance(e, Range)]
    numbers = iter(fill_sizes(sum(ranges, ()), n.inputs[1:]))
    return all(
        start == 0 and _is_size(size, x, axis)
        for axis, (start, size) in enumerate(zip(numbers, numbers, strict=True))
    )


def _is_size(size: Any, x: Variable, axis: int) -> bool:
    if not isinstance(size, Variable) or size.owner is None:
        return bool(size == x.type.shape[axis])
    return size.owner.op == Dim(axis) and size.owner.inputs[0] is x


def _follows(*ops: type[Op]) -> Callable[[Apply], bool]:
    """Whether the first input is computed by one of ``ops``."""
    return lambda n: (
        n.inputs[0].owner is not None and isinstance(n.inputs[0].owner.op, ops)
    )


@rewrite(
    node(Reshape, BroadcastTo, Transpose, Pad, Concatenate, Sum, Subtensor)(...).where(
        _changes_nothing, "that changes nothing"
    ),
    label="exact",
)
def drop_arrangement(root):
    """reshape, broadcast, transpose, pad, join, sum, part that change nothing -> x"""
    return root.inputs[0]


@rewrite(
    node(Reshape)(...).where(_follows(Reshape), "after a reshape"),
    node(BroadcastTo)(...).where(_follows(BroadcastTo), "after a broadcast"),
    label="exact",
)
def arrange_once(root, context):
    """reshape(reshape(x))  ->  reshape(x), and so for broadcasts"""
    inner = context.owner(root.inputs[0])
    if inner is None:
        return Declined("the inner one is an input of the graph")
    return root.op(inner.inputs[0], *root.inputs[1:])


@rewrite(node(Transpose)(node(Transpose)(x).named("inner")), label="exact")
def transpose_once(x, inner, root):
    """transpose(transpose(x))  ->  transpose(x), by the product of permutations"""
    return Transpose(tuple(inner.op.axes[axis] for axis in root.op.axes))(x)


def _moves_only_ones(n: Apply) -> bool:
    op: Any = n.op
    shape = n.inputs[0].type.shape
    moved = [axis for axis in op.axes if shape[axis] != 1]
    return moved == sorted(moved)


def _of_one_element(n: Apply) -> bool:
    """Whether a reshape, transpose or broadcast is of one element, spread or not."""
    inner = n.inputs[0].owner
    if inner is None:
        return False
    source = inner.inputs[0].type.shape
    spread = isinstance(inner.op, BroadcastTo)
    reshaped = isinstance(inner.op, Reshape) and isinstance(n.op, BroadcastTo)
    one = all(size == 1 for size in source)
    return one and (spread or (reshaped and n.inputs[0].ndim > 0))


@rewrite(
    node(Reshape, Transpose, BroadcastTo)(...).where(
        _of_one_element, "of one element, spread or reshaped"
    ),
    label="exact",
)
def broadcast_one_element(root, context):
    """reshape(broadcast(one element))  ->  broadcast(it), a transpose likewise"""
    y, inner = root.outputs[0], context.owner(root.inputs[0])
    if inner is None:
        return Declined("the inner one is an input of the graph")
    scalar = reshape(inner.inputs[0], ())
    if isinstance(root.op, Transpose):
        sizes = fill_sizes(inner.op.shape, inner.inputs[1:])
        return broadcast_to(scalar, [sizes[axis] for axis in root.op.axes])
    return BroadcastTo(root.op.shape)(scalar, *root.inputs[1:]) if y.ndim else scalar


@rewrite(
    node(Transpose)(x).where(_moves_only_ones, "only ones moved"),
    label="exact",
)
def write_as_reshape(x, root):
    """transpose(x)  ->  reshape(x), where it moves only dimensions of size 1"""
    return reshape(x, [dim(x, axis) for axis in root.op.axes])


def _is_joined(variable: Variable, op: Op) -> bool:
    return variable.owner is not None and variable.owner.op == op


def _has_nested(n: Apply) -> bool:
    return any(_is_joined(v, n.op) for v in n.inputs)


@rewrite(
    node(Concatenate)(...).where(_has_nested, "a part joined likewise"), label="exact"
)
def concatenate_once(root):
    """join(join(x, y), z)  ->  join(x, y, z), along one axis"""
    parts = [v.owner.inputs if _is_joined(v, root.op) else (v,) for v in root.inputs]
    return root.op(*(x for part in parts for x in part))


@rewrite(node(Split)(node(Concatenate)(...).named("joined")), label="exact")
def split_what_was_joined(root, joined):
    """split(join(x, y, ...))  ->  x, y, ..., where the sizes are the same"""
    axis, sizes = root.op.axis, root.op.sizes
    if joined.op.axis != axis or None in sizes:
        return Declined("the axes differ, or a size is not known")
    if tuple(v.type.shape[axis] for v in joined.inputs) != sizes:
        return Declined(f"the parts are not of sizes {sizes}")
    return joined.inputs


@rewrite(node(Sum)(node(Sum)(x).named("inner").once()), label="reassociating")
def sum_once(x, inner, root):
    """sum(sum(x))  ->  sum(x) over the axes of both"""
    kept = [axis for axis in range(x.ndim) if axis not in inner.op.axes]
    more = [kept[axis] for axis in root.op.axes]
    return Sum(tuple(sorted([*inner.op.axes, *more])))(x)


ARRANGEMENTS: tuple[Rule, ...] = (
    drop_arrangement,
    broadcast_one_element,
    arrange_once,
    transpose_once,
    write_as_reshape,
    concatenate_once,
    split_what_was_joined,
    sum_once,
)
