"""Choosing between values element by element: where and switch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import TensorType, TypeMismatch, Variable, is_bool
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.broadcasting import broadcast_together
from symgraph.ops.cast import cast
from symgraph.ops.elementwise import Elementwise


class Where(Elementwise):
    """z = x where the condition holds, else y."""

    scalar: ClassVar[str] = "where"
    domain: ClassVar[str] = "any"
    arity: ClassVar[int] = 3
    compute = staticmethod(np.where)

    def _check_dtypes(self, inputs: tuple[TensorType, ...]) -> None:
        if not is_bool(inputs[0].dtype):
            raise TypeMismatch(f"{self}: expected a bool condition, got {inputs[0]}")
        super()._check_dtypes(inputs[1:])

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz where the condition holds, dy = dz where it does not."""
        condition, (dz,) = inputs[0], cotangents
        return None, where(condition, dz, 0.0), where(condition, 0.0, dz)


def where(condition: TensorLike, x: TensorLike, y: TensorLike) -> Variable:
    """``x`` where the condition holds, else ``y``; both are computed everywhere."""
    truth = cast(as_variable(condition), "bool")
    operands = [truth, *promoted("where", [x, y])]
    return Where()(*broadcast_together("where", operands))


switch = where
