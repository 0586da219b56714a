"""The larger and the smaller of two numbers, and what keeps a number between two."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike, as_variable
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.comparison import eq, gt
from symgraph.ops.elementwise import Binary
from symgraph.ops.selection import where


class Extremum(Binary):
    """The gradient goes to the operand chosen, half to each where they are equal."""

    domain: ClassVar[str] = "any"

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz [x chosen], dy = dz [y chosen]."""
        (x, y), (dz,) = inputs, cotangents
        above, below = (x, y) if isinstance(self, Maximum) else (y, x)
        chosen, tie, half = gt(above, below), eq(x, y), 0.5 * dz
        dx = where(tie, half, where(chosen, dz, 0.0))
        return dx, where(tie, half, where(chosen, 0.0, dz))


class Maximum(Extremum):
    """z = the larger of x and y; NaN where either is."""

    scalar: ClassVar[str] = "maximum"
    compute = staticmethod(np.maximum)


class Minimum(Extremum):
    """z = the smaller of x and y; NaN where either is."""

    scalar: ClassVar[str] = "minimum"
    compute = staticmethod(np.minimum)


def maximum(x: TensorLike, y: TensorLike) -> Variable:
    """The larger of x and y, NaN where either is."""
    return elementwise(Maximum(), x, y)


def minimum(x: TensorLike, y: TensorLike) -> Variable:
    """The smaller of x and y, NaN where either is."""
    return elementwise(Minimum(), x, y)


def clip(
    x: TensorLike, low: TensorLike | None = None, high: TensorLike | None = None
) -> Variable:
    """``x`` kept between ``low`` and ``high``, either of which may be None."""
    result = as_variable(x) if low is None else maximum(x, low)
    return result if high is None else minimum(result, high)
