"""``Map``: x -> x scale + shift as a value, to be composed, spread and carried about.

The parameters have the dimensions of x that are not in ``axes``, in order. None stands
for a scale of one and for a shift of zero, so that neither is ever computed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgraph.graph import Apply, Constant, Op, Variable, is_float
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.arithmetic import Add, Div, Mul, Neg, Reciprocal, Sub
from symgraph.ops.conv import Conv2D
from symgraph.ops.linalg import MatMul
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.reshaping import expand_dims, reshape, squeeze
from symgraph.ops.shape import BroadcastTo, broadcast_to
from symgraph.rewriting import Context
from symgraph.rules.values import filled_like, is_one, is_positive, is_zero

Shape = Sequence[int | None]


@dataclass(frozen=True)
class Map:
    """x -> x scale + shift, the parameters shared along ``axes``."""

    axes: tuple[int, ...]
    scale: Variable | None
    shift: Variable | None

    @property
    def parameters(self) -> tuple[Variable, ...]:
        """Those that are not None."""
        return tuple(p for p in (self.scale, self.shift) if p is not None)

    @property
    def is_increasing(self) -> bool:
        """Whether the scale is proven positive."""
        return self.scale is None or is_positive(self.scale)

    def finer(self, axes: Sequence[int], shape: Shape) -> Map | None:
        """The same map of x[shape] with parameters shared along fewer axes.

        None where that needs a size that is not known.
        """
        wanted = tuple(axes)
        kept = [axis for axis in range(len(shape)) if axis not in wanted]
        sizes = [shape[axis] for axis in kept]
        known = [size for size in sizes if size is not None]
        if wanted == self.axes:
            return self
        if not set(wanted) <= set(self.axes) or len(known) < len(sizes):
            return None
        places = [place for place, axis in enumerate(kept) if axis in self.axes]
        scale, shift = (
            None if p is None else broadcast_to(expand_dims(p, places), known)
            for p in (self.scale, self.shift)
        )
        return Map(wanted, scale, shift)

    def without_ones(self, shape: Shape) -> Map:
        """The same map of x[shape], also shared along axes of size 1."""
        kept = [axis for axis in range(len(shape)) if axis not in self.axes]
        ones = [axis for axis in kept if shape[axis] == 1]
        if not ones:
            return self
        places = [kept.index(axis) for axis in ones]
        scale, shift = (
            None if p is None else squeeze(p, places) for p in (self.scale, self.shift)
        )
        return Map(tuple(sorted((*self.axes, *ones))), scale, shift)

    def then(self, other: Map, shape: Shape) -> Map | None:
        """This map of x[shape] and ``other`` of its result, as one map."""
        axes = sorted(set(self.axes) & set(other.axes))
        first, second = self.finer(axes, shape), other.finer(axes, shape)
        if first is None or second is None:
            return None
        scale = _times(first.scale, second.scale)
        shifted = None if first.shift is None else _times(first.shift, second.scale)
        return Map(tuple(axes), scale, _plus(shifted, second.shift))

    def __call__(self, x: Variable) -> Variable:
        """x scale + shift, by the smallest op that says it."""
        if self.scale is None:
            return x if self.shift is None else AddBias(self.axes)(x, self.shift)
        shift = filled_like(self.scale, 0) if self.shift is None else self.shift
        result: Variable = Affine(self.axes)(x, self.scale, shift)
        return result


def map_of(node: Apply) -> Map:
    """What an ``Affine`` or ``AddBias`` node does to its first input."""
    scale = node.inputs[1] if isinstance(node.op, Affine) else None
    shift = node.inputs[-1]
    return Map(
        node.op.axes,  # type: ignore[attr-defined]
        None if scale is None or is_one(scale) else scale,
        None if is_zero(shift) else shift,
    )


def elementwise_map(node: Apply, position: int, context: Context) -> Map | None:
    """What x + p, x - p, p - x, x p or x / p does to its input x at ``position``.

    p must be spread from fewer elements, and not depend on the call's inputs, as x
    does.
    """
    x = node.inputs[position]
    if not isinstance(node.op, (Add, Sub, Mul, Div)) or not is_float(x.dtype):
        return None
    if context.is_invariant(x):
        return None
    spread = context.owner(node.inputs[1 - position])
    if spread is None or not isinstance(spread.op, BroadcastTo):
        return None
    small = spread.inputs[0]
    if not small.type.is_static or not context.is_invariant(small):
        return None
    sizes = (1,) * (x.ndim - small.ndim) + small.type.shape
    axes = tuple(axis for axis, size in enumerate(sizes) if size == 1)
    p = reshape(small, [size for size in sizes if size is not None and size != 1])
    return _as_map(node.op, position, axes, p)


def _as_map(op: Op, position: int, axes: tuple[int, ...], p: Variable) -> Map | None:
    match op, position:
        case Add(), _:
            return Map(axes, None, p)
        case Sub(), 0:
            return Map(axes, None, Neg()(p))
        case Sub(), 1:
            return Map(axes, filled_like(p, -1), p)
        case Mul(), _:
            return Map(axes, p, None)
        case Div(), 0:
            return Map(axes, Reciprocal()(p), None)
    return None


def is_map(node: Apply | None) -> bool:
    """Whether a node is an ``Affine`` or ``AddBias``."""
    return node is not None and isinstance(node.op, (Affine, AddBias))


def is_movable(variable: Variable, context: Context) -> bool:
    """Whether it is a map, and not merely the bias of a kernel, pooled or not."""
    inner = context.owner(variable)
    if inner is None or not is_map(inner):
        return False
    return isinstance(inner.op, Affine) or not is_bias(inner, context)


def is_bias(map: Apply, context: Context) -> bool:
    """Whether a kernel that takes a bias is before it, or before pooling before it."""
    before = context.owner(map.inputs[0])
    if before is not None and isinstance(before.op, MaxPool2D):
        before = context.owner(before.inputs[0])
    return before is not None and isinstance(before.op, (Conv2D, MatMul))


def full(
    parameter: Variable | None, shape: Sequence[int | None], dtype: str, value: float
) -> Variable:
    """The parameter, or where it is None a constant of ``value``."""
    if parameter is not None:
        return parameter
    return Constant(np.full([size or 0 for size in shape], value, dtype))


def _times(left: Variable | None, right: Variable | None) -> Variable | None:
    if left is None or right is None:
        return right if left is None else left
    return left * right  # type: ignore[operator]


def _plus(left: Variable | None, right: Variable | None) -> Variable | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right  # type: ignore[operator]
