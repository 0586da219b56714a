"""Affine maps through single ops: what the parameters become on the other side.

Each function takes the map on one side of a node and gives the one on the other side,
or ``Declined`` where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.join import concatenate, split
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.reshaping import reshape, transpose
from symgraph.ops.subtensor import Range, Subtensor, unknowns
from symgraph.ops.windows import NO_PADDING
from symgraph.rewriting import Context, Declined
from symgraph.rules.affine_map import Map, full, is_movable, map_of


def through_relu(map: Map) -> tuple[Map | None, Map] | Declined:
    """relu(x s + t) = s relu(x + t / s), for s > 0."""
    if map.scale is None:
        return Declined("a shift alone cannot pass a relu")
    if not map.is_increasing:
        return Declined("the scale is not proven positive")
    shift = None if map.shift is None else map.shift / map.scale
    before = None if shift is None else Map(map.axes, None, shift)
    return before, Map(map.axes, map.scale, None)


def through_pool(node: Apply, map: Map) -> Map | Declined:
    """max(x s + t) = s max(x) + t for s > 0; mean(x s + t) = s mean(x) + t."""
    if not {2, 3} <= set(map.axes):
        return Declined("the map differs within a window")
    if isinstance(node.op, MaxPool2D):
        if not map.is_increasing:
            return Declined("the scale is not proven positive")
    elif map.shift is not None and _counts_padding(node):
        return Declined("the padding counts as zeros, the map gives its shift there")
    return map


def _counts_padding(node: Apply) -> bool:
    op: Any = node.op
    return bool(op.count_include_pad) and op.padding != NO_PADDING


def through_reshape(map: Map, x: Variable, y: Variable) -> Map | Declined:
    """The parameters reshaped as the axes they have.

    Axes fall into blocks of equal products. Within a block either no axis has
    parameters of its own, or all are given them; then they are reshaped with it.
    """
    before, after = x.type.shape, y.type.shape
    axes = set(map.axes)
    shared: list[int] = []
    sizes: list[int | None] = []
    for mine, theirs in _blocks(before, after):
        if set(mine) <= axes:
            shared += theirs
            continue
        axes -= set(mine)
        sizes += [after[axis] for axis in theirs]
    fine = map.finer(sorted(axes), before)
    known = [size for size in sizes if size is not None]
    if fine is None or len(known) < len(sizes):
        return Declined(f"{x.type} as {y.type} mixes sizes that are not known")
    scale, shift = (
        None if p is None else reshape(p, known) for p in (fine.scale, fine.shift)
    )
    return Map(tuple(sorted(shared)), scale, shift).without_ones(after)


def _blocks(
    before: Sequence[int | None], after: Sequence[int | None]
) -> list[tuple[range, range]]:
    """The smallest blocks of axes that a reshape keeps apart, the last block first.

    >>> _blocks((None, 3, 4, 2), (None, 3, 8))
    [(range(2, 4), range(2, 3)), (range(1, 2), range(1, 2)), (range(0, 1), range(0, 1))]
    """
    blocks = []
    end, other_end = len(before), len(after)
    start, other = end, other_end
    while start > 0 and other > 0:
        start, other = start - 1, other - 1
        while True:
            mine, theirs = before[start:end], after[other:other_end]
            if None in mine or None in theirs or 0 in mine or 0 in theirs:
                start = other = 0  # what is left is one block
                break
            if prod(mine) == prod(theirs):  # type: ignore[arg-type]
                break
            if prod(mine) < prod(theirs):  # type: ignore[arg-type]
                start -= 1
            else:
                other -= 1
        blocks.append((range(start, end), range(other, other_end)))
        end, other_end = start, other
    if end or other_end:
        blocks.append((range(end), range(other_end)))
    return blocks


def through_transpose(map: Map, order: Sequence[int]) -> Map:
    """The parameters transposed as the axes they have."""
    axes = [place for place, axis in enumerate(order) if axis in map.axes]
    kept = [axis for axis in order if axis not in map.axes]
    ranks = [sorted(kept).index(axis) for axis in kept]
    scale, shift = (
        None if p is None else transpose(p, ranks) for p in (map.scale, map.shift)
    )
    return Map(tuple(axes), scale, shift)


def through_concatenate(
    node: Apply, position: int, map: Map, context: Context
) -> Map | Declined:
    """The parameters of all parts put together; one and zero for parts that have none.

    Along axes that are not joined the parts must share their parameters alike.
    """
    op: Any = node.op
    along, ndim = op.axis, node.outputs[0].ndim
    maps = [_map_before(v, context) for v in node.inputs]
    maps[position] = map
    shared = set(range(ndim)).intersection(*(m.axes for m in maps)) - {along}
    kept = [axis for axis in range(ndim) if axis not in shared]
    parts = []
    for one, x in zip(maps, node.inputs, strict=True):
        fine = one.finer(sorted(shared), x.type.shape)
        sizes = [x.type.shape[axis] for axis in kept]
        if fine is None or None in sizes:
            return Declined(f"a size of {x.type} is not known")
        parts.append((fine, sizes))
    dtype, place = node.outputs[0].dtype, kept.index(along)
    scales = [full(m.scale, sizes, dtype, 1) for m, sizes in parts]
    shifts = [full(m.shift, sizes, dtype, 0) for m, sizes in parts]
    scaled = any(m.scale is not None for m, _ in parts)
    shifted = any(m.shift is not None for m, _ in parts)
    return Map(
        tuple(sorted(shared)),
        concatenate(scales, place) if scaled else None,
        concatenate(shifts, place) if shifted else None,
    )


def _map_before(variable: Variable, context: Context) -> Map:
    """The map before a part that moves with the others, or the identity."""
    node = context.owner(variable)
    if node is not None and is_movable(variable, context):
        return map_of(node)
    return Map(tuple(range(variable.ndim)), None, None)


def split_by_parts(node: Apply, map: Map) -> list[Map] | Declined:
    """The map of each part: the parameters cut where the parts are joined."""
    op: Any = node.op
    along = op.axis
    if along in map.axes:
        return [map] * len(node.inputs)
    kept = [axis for axis in range(node.outputs[0].ndim) if axis not in map.axes]
    sizes = [v.type.shape[along] for v in node.inputs]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return Declined("a size of a part is not known")
    edges, place = list(accumulate(known))[:-1], kept.index(along)
    scales, shifts = (
        [None] * len(sizes) if p is None else split(p, edges, place)
        for p in (map.scale, map.shift)
    )
    return [Map(map.axes, *pair) for pair in zip(scales, shifts, strict=True)]


def through_subtensor(node: Apply, map: Map) -> Map | Declined:
    """The same part of the parameters, where the index says what it is."""
    op: Any = node.op
    entries = list(enumerate(op.index))
    taken = tuple(entry for axis, entry in entries if axis not in map.axes)
    if None in unknowns(taken):
        return Declined("which parameters are taken is known at the call only")
    left = [axis for axis, entry in entries if isinstance(entry, Range)]
    axes = [place for place, axis in enumerate(left) if axis in map.axes]
    scale, shift = (
        None if p is None else Subtensor(taken)(p) for p in (map.scale, map.shift)
    )
    return Map(tuple(axes), scale, shift)


def through_sum(node: Apply, map: Map) -> Map | Declined:
    """sum(x s + t) = s sum(x) + n t, over n elements that share s and t."""
    op: Any = node.op
    summed, x = op.axes, node.inputs[0]
    if not set(summed) <= set(map.axes):
        return Declined("the map differs along the axes summed over")
    sizes = [x.type.shape[axis] for axis in summed]
    if None in sizes and map.shift is not None:
        return Declined(f"how many elements of {x.type} are summed is not known")
    left = [axis for axis in range(x.ndim) if axis not in summed]
    axes = [place for place, axis in enumerate(left) if axis in map.axes]
    shift = None if map.shift is None else map.shift * prod(sizes)
    return Map(tuple(axes), map.scale, shift)
