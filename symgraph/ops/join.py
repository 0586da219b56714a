"""Putting arrays together and cutting them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch, Variable, is_float
from symgraph.ops.arguments import (
    Size,
    TensorLike,
    as_size,
    as_variable,
    fill_sizes,
    promoted,
    split_sizes,
)
from symgraph.ops.checks import check_axes, check_axis
from symgraph.ops.creation import zeros
from symgraph.ops.shape import check_sizes, dim, shape


@dataclass(frozen=True)
class Concatenate(Op):
    """y = the inputs one after the other along ``axis``."""

    axis: int = 0

    def infer_type(self, *inputs: TensorType) -> TensorType:
        """The inputs' one shape, with the sum of their sizes along ``axis``."""
        if not inputs:
            raise GraphError("concatenate: expected at least one array")
        first = inputs[0]
        check_axes(str(self), (self.axis,), first.ndim)
        shape = list(first.shape)
        for position, x in enumerate(inputs[1:], start=1):
            if x.dtype != first.dtype:
                raise TypeMismatch(
                    f"concatenate: expected one dtype, got {first.dtype} and {x.dtype}"
                )
            self._join(shape, first, x, position)
        sizes = [x.shape[self.axis] for x in inputs]
        known = [size for size in sizes if size is not None]
        shape[self.axis] = sum(known) if len(known) == len(sizes) else None
        return first.with_shape(shape)

    def infer_shape(self, shapes, values):
        """The sum of the sizes along ``axis``, None where one is not known."""
        sizes = [dims[self.axis] for dims in shapes]
        total = None if any(size is None for size in sizes) else sum(sizes)
        return (*shapes[0][: self.axis], total, *shapes[0][self.axis + 1 :])

    def reference(self, *inputs):
        """``np.concatenate``."""
        return np.concatenate(inputs, axis=self.axis)

    def vjp(self, inputs, outputs, cotangents):
        """The pieces of dy."""
        static, sizes = split_sizes([dim(x, self.axis) for x in inputs])
        if len(inputs) == 1:
            return cotangents
        return Split(self.axis, static)(cotangents[0], *sizes)

    def _join(
        self, shape: list[int | None], first: TensorType, x: TensorType, position: int
    ) -> None:
        same_rank = x.ndim == first.ndim
        for axis, size in enumerate(x.shape if same_rank else ()):
            if axis == self.axis or size is None:
                continue
            same_rank = same_rank and shape[axis] in (None, size)
            shape[axis] = size
        if not same_rank:
            raise GraphError(
                f"concatenate: array {position} must have the shape of array 0, "
                f"{first}, but for dimension {self.axis}; got {x}"
            )


@dataclass(frozen=True)
class Split(Op):
    """y_0, y_1, ... = consecutive pieces of x along ``axis``, of the given ``sizes``.

    Inputs are x and an int64 scalar for each None of ``sizes``.
    """

    axis: int
    sizes: tuple[int | None, ...]

    def infer_type(self, x: TensorType, *sizes: TensorType) -> tuple[TensorType, ...]:
        """One type a piece."""
        check_axes(str(self), (self.axis,), x.ndim)
        check_sizes(self, sizes, self.sizes)
        known = [size for size in self.sizes if size is not None]
        whole, total = len(known) == len(self.sizes), x.shape[self.axis]
        fits = total is None or (sum(known) == total if whole else sum(known) <= total)
        if not fits or any(size < 0 for size in known):
            raise GraphError(
                f"split: sizes {list(self.sizes)} do not make up dimension "
                f"{self.axis} of {x}"
            )
        return tuple(x.with_shape(self._cut(x.shape, size)) for size in self.sizes)

    def infer_shape(self, shapes, values):
        """The shape of x, with each size in turn."""
        sizes = fill_sizes(self.sizes, values[1:])
        return tuple(self._cut(shapes[0], size) for size in sizes)

    def reference(self, x, *sizes):
        """``np.split``."""
        ends = list(accumulate(int(n) for n in fill_sizes(self.sizes, sizes)))
        if ends[-1] != x.shape[self.axis]:
            raise GraphError(
                f"split: sizes up to {ends[-1]} for a dimension of {x.shape[self.axis]}"
            )
        return tuple(np.split(x, ends[:-1], axis=self.axis))

    def vjp(self, inputs, outputs, cotangents):
        """dx = the dy put together, zeros for those that are missing."""
        parts = [
            zeros(shape(y), y.dtype) if dy is None else dy
            for y, dy in zip(outputs, cotangents, strict=True)
        ]
        return Concatenate(self.axis)(*parts), *[None] * (len(inputs) - 1)

    def _cut(self, dims, size):
        return (*dims[: self.axis], size, *dims[self.axis + 1 :])


@dataclass(frozen=True)
class Pad(Op):
    """y = x with ``widths[d]`` = (before, after) elements of ``value`` around it."""

    widths: tuple[tuple[int, int], ...]
    value: float = 0.0

    def infer_type(self, x: TensorType) -> TensorType:
        """Each dimension longer by its widths."""
        if len(self.widths) != x.ndim or any(
            w < 0 for pair in self.widths for w in pair
        ):
            raise GraphError(
                f"pad: expected {x.ndim} pairs of widths >= 0 for {x}, "
                f"got {self.widths}"
            )
        if not (is_float(x.dtype) or _holds(x.dtype, self.value)):
            raise TypeMismatch(f"pad: {self.value} does not fit in {x.dtype}")
        return x.with_shape(self._padded(x.shape))

    def infer_shape(self, shapes, values):
        """Each dimension longer by its widths."""
        return self._padded(shapes[0])

    def reference(self, x):
        """``np.pad``."""
        return np.pad(x, self.widths, constant_values=x.dtype.type(self.value))

    def vjp(self, inputs, outputs, cotangents):
        """dx = the inside of dy."""
        sizes = shape(inputs[0])
        inside = tuple(
            slice(before, before + size)
            for (before, _), size in zip(self.widths, sizes, strict=True)
        )
        return (cotangents[0][inside],)

    def _padded(self, dims):
        pairs = zip(dims, self.widths, strict=True)
        return tuple(None if d is None else d + (w[0] + w[1]) for d, w in pairs)


def concatenate(arrays: Sequence[TensorLike], axis: int = 0) -> Variable:
    """The arrays one after the other along an axis they all have."""
    variables = promoted("concatenate", list(arrays))
    if not variables:
        raise GraphError("concatenate: expected at least one array")
    check_axis("concatenate", axis, variables[0].ndim)
    return Concatenate(axis % variables[0].ndim)(*variables)


def split(
    x: TensorLike, sections: int | Sequence[int], axis: int = 0
) -> tuple[Variable, ...]:
    """``x`` in so many equal pieces along ``axis``, or cut before the given indices."""
    x = as_variable(x)
    check_axis("split", axis, x.ndim)
    along = axis % x.ndim
    total = dim(x, along)
    if isinstance(sections, int):
        sizes = _equal_sizes(x, total, sections)
    else:
        edges = [0, *sections, total]
        sizes = [after - before for before, after in pairwise(edges)]
    if len(sizes) == 1:
        return (x,)
    static, inputs = split_sizes([as_size("split", size) for size in sizes])
    return Split(along, static)(x, *inputs)


def _equal_sizes(x: Variable, total: Size, sections: int) -> list[Size]:
    if sections < 1 or (isinstance(total, int) and total % sections):
        raise GraphError(f"split: {x.type} has no {sections} equal pieces")
    return [total // sections] * sections


def _holds(dtype: str, value: float) -> bool:
    """Whether ``value`` is an integer, or a truth value, of ``dtype``."""
    if dtype == "bool":
        return value in (0, 1)
    limits = np.iinfo(dtype)
    return limits.min <= value <= limits.max and value == int(value)
