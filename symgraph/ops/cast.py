"""Change of dtype, and the identity that gradients do not pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from symgraph.graph import (
    TensorType,
    Variable,
    constant,
    dtype_name,
    is_float,
)
from symgraph.ops.elementwise import Unary


@dataclass(frozen=True)
class Cast(Unary):
    """y = x in another dtype; floats to integers round toward zero.

    What a float outside the integer's range becomes is not defined.
    """

    scalar: ClassVar[str] = "cast"
    domain: ClassVar[str] = "any"
    dtype: str = "float32"

    def infer_type(self, *inputs: TensorType) -> TensorType:
        """The same shape with the new dtype."""
        return super().infer_type(*inputs).with_dtype(self.dtype)

    def reference(self, x):
        """``x.astype(dtype)``."""
        return x.astype(self.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """The cotangent in x's own dtype, if that is a float."""
        (x,) = inputs
        return (cast(cotangents[0], x.dtype) if is_float(x.dtype) else None,)


class StopGradient(Unary):
    """y = x, with a derivative of zero by decree."""

    scalar: ClassVar[str] = "cast"
    domain: ClassVar[str] = "any"

    def reference(self, x):
        """x itself."""
        return x


def cast(x: Variable | ArrayLike, dtype: str) -> Variable:
    """``x`` in another dtype; ``x`` itself where it already has it."""
    dtype = dtype_name("cast", dtype)
    if not isinstance(x, Variable):
        return constant(x, dtype=dtype)
    return x if x.dtype == dtype else Cast(dtype)(x)


def stop_gradient(x: Variable) -> Variable:
    """``x``, taken as a constant by every derivative."""
    return StopGradient()(x)
