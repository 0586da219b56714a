"""Choosing between values: where, switch and ifelse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from symgraph.graph import GraphError, TensorType, TypeMismatch, Variable, is_bool
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


def ifelse(condition: TensorLike, then_branch: Any, else_branch: Any) -> Any:
    """``then_branch`` where the scalar condition holds, else ``else_branch``.

    The branches are arrays of one shape, or two lists of as many arrays, whose result
    is a list. Unlike Theano's, both are computed: use it to choose, not to save work.

    >>> from symgraph.ops import scalar
    >>> x = scalar("x")
    >>> ifelse(x > 0, [x, 1], [-x, 0])[0].eval({x: -2.0}).item()
    2.0
    """
    condition = as_variable(condition)
    if condition.ndim:
        raise GraphError(
            f"ifelse: expected a scalar condition, got {condition!r}; sg.switch "
            "chooses element by element"
        )
    several = [isinstance(b, (list, tuple)) for b in (then_branch, else_branch)]
    if several == [False, False]:
        return _either(condition, then_branch, else_branch)
    if several == [True, True] and len(then_branch) == len(else_branch):
        pairs = zip(then_branch, else_branch, strict=True)
        return [_either(condition, x, y) for x, y in pairs]
    counts = " and ".join(map(_counted, (then_branch, else_branch)))
    raise GraphError(f"ifelse: expected as many arrays in each branch, got {counts}")


def _either(condition: Variable, x: TensorLike, y: TensorLike) -> Variable:
    mine, theirs = as_variable(x), as_variable(y)
    if mine.ndim != theirs.ndim:
        raise GraphError(
            f"ifelse: expected branches of one shape, got {mine!r} and {theirs!r}"
        )
    return where(condition, x, y)


def _counted(branch: Any) -> str:
    if isinstance(branch, Sequence):
        return f"a list of {len(branch)}"
    return f"{as_variable(branch)!r} alone"
