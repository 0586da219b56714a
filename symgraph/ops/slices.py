"""Python's slices as ranges: negative, missing and oversized bounds resolved.

Where a size or a bound is not known, the same clipping is written with minimum and
maximum of int64 scalars, which native code can evaluate before it allocates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgraph.graph import GraphError, TypeMismatch, Variable
from symgraph.ops.arguments import Size, as_size
from symgraph.ops.arithmetic import Add, FloorDiv, Mul
from symgraph.ops.extrema import Maximum, Minimum, maximum, minimum
from symgraph.ops.shape import Dim


def slice_range(part: slice, size: Size) -> tuple[Size, Size, int]:
    """(start, count, step) of the elements that ``part`` takes of a dimension.

    >>> slice_range(slice(-3, None), 7), slice_range(slice(None, None, -2), 7)
    ((4, 3, 1), (6, 4, -2))
    """
    step = _step(part)
    bounds = begin, finish = _bound(part.start), _bound(part.stop)
    if isinstance(size, int) and not any(isinstance(b, Variable) for b in bounds):
        taken = range(*slice(begin, finish, step).indices(size))
        return (taken.start if taken else 0), len(taken), step
    lowest, highest = (0, size) if step > 0 else (-1, size - 1)
    first, end = (lowest, highest) if step > 0 else (highest, lowest)
    start = _clipped(begin, first, lowest, highest, size)
    stop = _clipped(finish, end, lowest, highest, size)
    return start, _count(start, stop, step, None in bounds), step


def _count(start: Size, stop: Size, step: int, is_ordered: bool) -> Size:
    """ceil((stop - start) / step), at least 0; ordered bounds cannot be negative."""
    distance = _minus(stop, start) if step > 0 else _minus(start, stop)
    size = abs(step)
    count = distance if size == 1 else (distance + (size - 1)) // size
    return count if is_ordered else as_size("slice", maximum(count, 0))


def _clipped(
    bound: Size | None, default: Size, lowest: int, highest: Size, size: Size
) -> Size:
    if bound is None:
        return default
    inner = _from_front(bound, size)
    if isinstance(inner, int) and inner == lowest:
        return inner
    if not is_nonnegative(inner):
        inner = maximum(inner, lowest)
    return as_size("slice", minimum(inner, highest) if _may_exceed(bound) else inner)


def _from_front(bound: Size, size: Size) -> Size:
    """The bound counted from the front: bound + size where it is negative."""
    if isinstance(bound, int):
        return bound if bound >= 0 else size + bound
    if is_nonnegative(bound):
        return bound
    return bound - size * minimum(maximum(bound, -1), 0)


def _may_exceed(bound: Size) -> bool:
    return not isinstance(bound, int) or bound >= 0


def is_nonnegative(size: Size) -> bool:
    """Whether a size cannot be negative, as far as its expression shows."""
    if isinstance(size, int):
        return size >= 0
    node, data = size.owner, getattr(size, "data", None)
    if node is None:
        return data is not None and bool(np.all(data >= 0))
    if isinstance(node.op, Maximum):
        return any(is_nonnegative(v) for v in node.inputs)
    if isinstance(node.op, (Add, Mul, FloorDiv, Minimum)):
        return all(is_nonnegative(v) for v in node.inputs)
    return isinstance(node.op, Dim)


def _minus(left: Size, right: Size) -> Size:
    is_zero = isinstance(right, int) and right == 0
    return left if is_zero else left - right


def _bound(bound: Any) -> Size | None:
    if bound is None:
        return None
    try:
        return as_size("slice", bound)
    except TypeMismatch as error:
        raise TypeMismatch(
            f"index: the bounds of a slice must be integers, got {bound!r}"
        ) from error


def _step(part: slice) -> int:
    if part.step is None:
        return 1
    if isinstance(part.step, Variable):
        raise TypeMismatch(
            f"index: the step of a slice must be a Python integer, got {part.step!r}"
        )
    step = int(part.step)
    if step == 0:
        raise GraphError("index: the step of a slice cannot be 0")
    return step
