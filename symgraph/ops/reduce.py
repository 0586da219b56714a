"""Reductions: sums, products and extrema over some axes, which are then gone.

Keeping the axes (``keepdims``) is a reshape of the result, made by the builders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any as AnyType
from typing import ClassVar

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch
from symgraph.ops import products
from symgraph.ops.cast import cast
from symgraph.ops.checks import check_axes
from symgraph.ops.comparison import eq
from symgraph.ops.elementwise import DOMAINS
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.selection import where
from symgraph.ops.shape import broadcast_to, shape


@dataclass(frozen=True)
class Reduction(Op):
    """y = all elements of x along ``axes`` made one; ``axes`` increase."""

    compute: ClassVar[Callable[..., AnyType]]
    domain: ClassVar[str] = "number"
    needs_elements: ClassVar[bool] = False

    axes: tuple[int, ...]

    def infer_type(self, x: TensorType) -> TensorType:
        """The dimensions that are not in ``axes``."""
        check_axes(str(self), self.axes, x.ndim)
        description, belongs = DOMAINS[self.domain]
        if not belongs(x.dtype):
            raise TypeMismatch(f"{self}: expected {description}, got {x.dtype}")
        if self.needs_elements and 0 in [x.shape[axis] for axis in self.axes]:
            raise GraphError(f"{self}: {x} has no elements to choose from")
        return x.with_shape(self._kept(x.shape))

    def infer_shape(self, shapes, values):
        """The dimensions that are not in ``axes``."""
        return self._kept(shapes[0])

    def reference(self, x):
        """The NumPy function of the same name, keeping the dtype."""
        return type(self).compute(x, axis=self.axes).astype(x.dtype)

    def spread(self, reduced, x):
        """A reduced array repeated along ``axes`` to the shape of x."""
        return broadcast_to(expand_dims(reduced, self.axes), shape(x))

    def _kept(self, dims):
        return tuple(dim for axis, dim in enumerate(dims) if axis not in self.axes)


class Sum(Reduction):
    """y = sum of x over ``axes``; 0 over none."""

    def reference(self, x):
        """``np.sum`` in the dtype of x."""
        return np.sum(x, axis=self.axes, dtype=x.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy, repeated."""
        return (self.spread(cotangents[0], inputs[0]),)


class Prod(Reduction):
    """y = product of x over ``axes``; 1 over none."""

    def reference(self, x):
        """``np.prod`` in the dtype of x."""
        return np.prod(x, axis=self.axes, dtype=x.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """dx_i = dy times the product of all others, also where some are 0."""
        (x,), (dy,) = inputs, cotangents
        return (self.spread(dy, x) * products.product_of_others(x, self.axes),)


@dataclass(frozen=True)
class Extreme(Reduction):
    """The gradient is divided equally among the elements that attain the extremum."""

    domain: ClassVar[str] = "any"
    needs_elements: ClassVar[bool] = True

    def vjp(self, inputs, outputs, cotangents):
        """dx_i = [x_i = y] dy / the number of such i."""
        (x,), (y,), (dy,) = inputs, outputs, cotangents
        attained = eq(x, self.spread(y, x))
        count = Sum(self.axes)(cast(attained, dy.dtype))
        return (where(attained, self.spread(dy / count, x), 0.0),)


class Max(Extreme):
    """y = the largest of x over ``axes``; NaN where any is."""

    compute = staticmethod(np.max)


class Min(Extreme):
    """y = the smallest of x over ``axes``; NaN where any is."""

    compute = staticmethod(np.min)


@dataclass(frozen=True)
class Truth(Reduction):
    """A truth value has no derivative."""

    domain: ClassVar[str] = "any"

    def infer_type(self, x: TensorType) -> TensorType:
        """bool, without ``axes``."""
        if x.dtype != "bool":
            raise TypeMismatch(f"{self}: expected bool, got {x.dtype}")
        return super().infer_type(x)

    def vjp(self, inputs, outputs, cotangents):
        """None: constant almost everywhere."""
        return (None,)


class Any(Truth):
    """y = whether any of x over ``axes`` is true; false over none."""

    compute = staticmethod(np.any)


class All(Truth):
    """y = whether all of x over ``axes`` are true; true over none."""

    compute = staticmethod(np.all)


@dataclass(frozen=True)
class ArgExtreme(Op):
    """y = the first index along ``axis`` at which x has its extremum, an int64.

    A NaN is an extremum, as in NumPy.
    """

    compute: ClassVar[Callable[..., AnyType]]

    axis: int

    def infer_type(self, x: TensorType) -> TensorType:
        """int64 without the axis."""
        check_axes(str(self), (self.axis,), x.ndim)
        if x.shape[self.axis] == 0:
            raise GraphError(f"{self}: {x} has no elements to choose from")
        return TensorType("int64", self._kept(x.shape))

    def infer_shape(self, shapes, values):
        """The dimensions but ``axis``."""
        return self._kept(shapes[0])

    def reference(self, x):
        """The NumPy function of the same name."""
        return np.asarray(type(self).compute(x, axis=self.axis), "int64")

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: an index is an integer."""
        return (None,)

    def _kept(self, dims):
        return (*dims[: self.axis], *dims[self.axis + 1 :])


class ArgMax(ArgExtreme):
    """y = the first index along ``axis`` of the largest element."""

    compute = staticmethod(np.argmax)


class ArgMin(ArgExtreme):
    """y = the first index along ``axis`` of the smallest element."""

    compute = staticmethod(np.argmin)
