"""Ops that read or change a shape and leave every element as it is.

A size that is not known when the graph is built is an int64 scalar input of the op,
one for each ``None`` in its ``shape``, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from symgraph.graph import (
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    Variable,
    constant,
)
from symgraph.ops.arguments import (
    Size,
    TensorLike,
    as_size,
    as_variable,
    fill_sizes,
    split_sizes,
)

StaticShape = tuple[int | None, ...]


@dataclass(frozen=True)
class Dim(Op):
    """The size of dimension ``axis`` of x, an int64 scalar."""

    axis: int = 0

    def infer_type(self, x):
        """int64[]."""
        if not 0 <= self.axis < x.ndim:
            raise GraphError(f"{self}: axis out of range for {x}")
        return TensorType("int64", ())

    def infer_shape(self, shapes, values):
        """()."""
        return ()

    def reference(self, x):
        """``x.shape[axis]``."""
        return np.int64(x.shape[self.axis])

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: a size is an integer."""
        return (None,)


@dataclass(frozen=True)
class BroadcastTo(Op):
    """y = x repeated along new leading dimensions and along those statically 1.

    Inputs are x and an int64 scalar for each None of ``shape``.
    """

    shape: StaticShape

    def infer_type(self, x, *sizes):
        """``shape``, made more precise where x knows a size that it leaves open."""
        check_sizes(self, sizes, self.shape)
        lead = len(self.shape) - x.ndim
        if lead < 0:
            raise GraphError(f"{self}: cannot drop dimensions of {x}")
        shape = list(self.shape)
        for axis, mine in enumerate(x.shape):
            wanted = shape[lead + axis]
            if mine not in (1, None) and wanted not in (mine, None):
                raise GraphError(
                    f"{self}: cannot broadcast {x}, whose dimension {axis} is {mine}, "
                    f"to {wanted}"
                )
            if wanted is None and mine != 1:
                shape[lead + axis] = mine
        return x.with_shape(shape)

    def infer_shape(self, shapes, values):
        """``shape``, with the values of the sizes."""
        return fill_sizes(self.shape, values[1:])

    def settle(self, types, shapes, values):
        """``shape``; what is not statically 1 must have the size that is wanted."""
        wanted = fill_sizes(self.shape, values[1:])
        lead = len(wanted) - len(shapes[0])
        pairs = zip(types[0].shape, shapes[0], wanted[lead:], strict=True)
        for axis, (static, mine, other) in enumerate(pairs):
            if static != 1 and None not in (mine, other) and mine != other:
                raise GraphError(
                    f"broadcast_to: dimension {axis} of {types[0]} is {mine}, expected "
                    f"{other}; only a dimension that is statically 1 broadcasts"
                )
        return super().settle(types, shapes, values)

    def reference(self, x, *sizes):
        """``np.broadcast_to``."""
        return np.broadcast_to(x, tuple(int(n) for n in fill_sizes(self.shape, sizes)))

    def vjp(self, inputs, outputs, cotangents):
        """dx = the sum over what was repeated."""
        (x, *sizes), (cotangent,) = inputs, cotangents
        repeated = repeated_axes(x.type.shape, self.shape)
        summed = cotangent.sum(axis=repeated) if repeated else cotangent
        return summed.reshape(shape(x)), *[None] * len(sizes)


@dataclass(frozen=True)
class Reshape(Op):
    """y = the elements of x, in row-major order, under another shape.

    Inputs are x and an int64 scalar for each None of ``shape``.
    """

    shape: StaticShape

    def infer_type(self, x, *sizes):
        """``shape``; where everything is known the counts must agree."""
        check_sizes(self, sizes, self.shape)
        mine, wanted = static_count(x.shape), static_count(self.shape)
        if None not in (mine, wanted) and mine != wanted:
            raise GraphError(
                f"{self}: cannot reshape {x}, {mine} elements, to {wanted} elements"
            )
        return x.with_shape(self.shape)

    def infer_shape(self, shapes, values):
        """``shape``, with the values of the sizes."""
        filled = fill_sizes(self.shape, values[1:])
        if all(isinstance(n, int) for n in (*shapes[0], *filled)):
            self._check_counts(prod(shapes[0]), filled)
        return filled

    def _check_counts(self, count: int, wanted: Sequence[int]) -> None:
        """Raise where ``wanted`` has not ``count`` elements."""
        if count != prod(wanted):
            raise GraphError(
                f"reshape: cannot give {count} elements the shape {list(wanted)}"
            )

    def reference(self, x, *sizes):
        """``np.reshape``."""
        return x.reshape(tuple(int(n) for n in fill_sizes(self.shape, sizes)))

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy in x's shape."""
        x, *sizes = inputs
        return cotangents[0].reshape(shape(x)), *[None] * len(sizes)


@dataclass(frozen=True)
class Transpose(Op):
    """y[i_0, i_1, ...] = x with its dimension ``axes[d]`` as dimension d."""

    axes: tuple[int, ...]

    def infer_type(self, x):
        """The dimensions in their new order."""
        if sorted(self.axes) != list(range(x.ndim)):
            raise GraphError(f"{self}: expected a permutation of {x.ndim} axes for {x}")
        return x.with_shape(x.shape[axis] for axis in self.axes)

    def infer_shape(self, shapes, values):
        """The dimensions in their new order."""
        return tuple(shapes[0][axis] for axis in self.axes)

    def reference(self, x):
        """``np.transpose``."""
        return x.transpose(self.axes)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy under the inverse permutation."""
        return (Transpose(tuple(int(a) for a in np.argsort(self.axes)))(cotangents[0]),)


def dim(x: Variable, axis: int) -> Size:
    """The size of one dimension: an int where known, else an int64 scalar."""
    known = x.type.shape[axis]
    return Dim(axis % x.ndim)(x) if known is None else known


def shape(x: TensorLike) -> tuple[Size, ...]:
    """The sizes of all dimensions, each an int where known, else an int64 scalar."""
    x = as_variable(x)
    return tuple(dim(x, axis) for axis in range(x.ndim))


def size_variable(size: Size) -> Variable:
    """A size as an int64 scalar variable."""
    return constant(size, dtype="int64") if isinstance(size, int) else size


def broadcast_to(x: TensorLike, shape: Sequence[Size]) -> Variable:
    """``x`` with the given shape, repeated where it is missing or statically 1.

    Raises ``GraphError`` where a known dimension of x is neither 1 nor the wanted one.
    """
    x = as_variable(x)
    static, sizes = split_sizes([as_size("broadcast_to", size) for size in shape])
    if static == x.type.shape and None not in static:
        return x
    return BroadcastTo(static)(x, *sizes)


def repeated_axes(mine: StaticShape, wanted: StaticShape) -> tuple[int, ...]:
    """The axes of the broadcast shape along which an operand is repeated."""
    lead = len(wanted) - len(mine)
    return tuple(
        axis
        for axis, size in enumerate(wanted)
        if axis < lead or (mine[axis - lead] == 1 and size != 1)
    )


def static_count(sizes: StaticShape) -> int | None:
    """The number of elements, or None where a size is not known."""
    if 0 in sizes:
        return 0
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def check_sizes(op: Op, sizes: Sequence[TensorType], static: StaticShape) -> None:
    """Raise unless there is one int64 scalar for each None of ``static``."""
    if len(sizes) != static.count(None):
        raise GraphError(
            f"{op}: expected {static.count(None)} sizes, one for each None, "
            f"got {len(sizes)}"
        )
    for size in sizes:
        if size != TensorType("int64", ()):
            raise TypeMismatch(f"{op}: a size must be an int64 scalar, got {size}")
