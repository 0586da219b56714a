"""Reading and writing at arrays of positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch, is_integer
from symgraph.ops.creation import zeros_like


@dataclass(frozen=True)
class Take(Op):
    """y[..., j, ...] = x[..., i_1[j], ..., i_count[j], ...], from ``axis`` on.

    Inputs are x and ``count`` integer arrays of one shape, whose dimensions take the
    place of dimensions axis, ..., axis + count - 1. Positions may count from the end;
    one outside its dimension is an ``IndexError`` when the function runs.
    """

    axis: int = 0
    count: int = 1

    def infer_type(self, x: TensorType, *indices: TensorType) -> TensorType:
        """The dimensions before, those of the indices, those after."""
        return x.with_shape(self.placed(x.shape, indices_shape(self, x, indices)))

    def infer_shape(self, shapes, values):
        """The dimensions before, those of the indices, those after."""
        return self.placed(shapes[0], shapes[1])

    def reference(self, x, *indices):
        """NumPy's advanced indexing."""
        return x[self.numpy_index(indices)]

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy added up at the positions it was read from."""
        x, *indices = inputs
        dx = Put(self.axis, self.count, True)(zeros_like(x), cotangents[0], *indices)
        return dx, *[None] * len(indices)

    def placed(self, dims, middle):
        """``dims`` with those that are indexed replaced by ``middle``."""
        return (*dims[: self.axis], *middle, *dims[self.axis + self.count :])

    def numpy_index(self, indices):
        """The index as NumPy takes it."""
        if any(i.shape != indices[0].shape for i in indices):
            raise GraphError(f"{self}: expected indices of one shape")
        return (slice(None),) * self.axis + tuple(indices)


@dataclass(frozen=True)
class Put(Op):
    """y = x with value written, or with ``increment`` added, where ``Take`` would read.

    Inputs are x, value and the indices. Where a position comes twice, increments add
    up; of values written there, the last in row-major order stays.
    """

    axis: int = 0
    count: int = 1
    increment: bool = False

    def infer_type(
        self, x: TensorType, value: TensorType, *indices: TensorType
    ) -> TensorType:
        """The type of x."""
        part = self._take.infer_type(x, *indices)
        if value.dtype != x.dtype:
            raise TypeMismatch(f"{self}: expected a value of {x.dtype}, got {value}")
        pairs = zip(value.shape, part.shape, strict=False)
        if value.ndim != part.ndim or any(
            None not in (a, b) and a != b for a, b in pairs
        ):
            raise GraphError(f"{self}: expected a value {part}, got {value}")
        return x

    def reference(self, x, value, *indices):
        """``np.add.at`` or assignment, on a copy."""
        y = x.copy()
        where = self._take.numpy_index(indices)
        if y[where].shape != value.shape:
            raise GraphError(
                f"{self}: expected a value of shape {list(y[where].shape)}, "
                f"got {list(value.shape)}"
            )
        if self.increment:
            np.add.at(y, where, value)
        else:
            y[where] = value
        return y

    def vjp(self, inputs, outputs, cotangents):
        """dvalue = dy at the positions; dx = dy, zero there unless ``increment``.

        Positions that are written twice are not provided for.
        """
        (_, value, *indices), (dy,) = inputs, cotangents
        dx = dy
        if not self.increment:
            dx = Put(self.axis, self.count)(dy, zeros_like(value), *indices)
        return dx, self._take(dy, *indices), *[None] * len(indices)

    @property
    def _take(self) -> Take:
        return Take(self.axis, self.count)


def indices_shape(
    op: Take, x: TensorType, indices: tuple[TensorType, ...]
) -> tuple[int | None, ...]:
    """The one shape of the indices, which are checked against x."""
    if len(indices) != op.count or op.count < 1:
        raise GraphError(f"{op}: expected {op.count} indices, got {len(indices)}")
    if op.axis < 0 or op.axis + op.count > x.ndim:
        raise GraphError(f"{op}: {x} has too few dimensions")
    first = indices[0]
    for index in indices:
        if not is_integer(index.dtype):
            raise TypeMismatch(f"{op}: expected integers as index, got {index}")
        if index.dtype != first.dtype or index.ndim != first.ndim:
            raise GraphError(f"{op}: expected indices of one type, got {indices}")
    columns = [
        {dim for dim in dims if dim is not None}
        for dims in zip(*(index.shape for index in indices), strict=True)
    ]
    if any(len(known) > 1 for known in columns):
        shapes = ", ".join(map(str, indices))
        raise GraphError(f"{op}: expected indices of one shape, got {shapes}")
    return tuple(next(iter(known), None) for known in columns)
