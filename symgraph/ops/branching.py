"""``ifelse``: one of two values, of which the other is not computed.

What only one branch needs runs only where that branch is taken (``graph/guards.py``):
in NumPy, in native code, and in gradients, which leave a branch through an ``ifelse``
of their own (``branch_gradients.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch, Variable
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.cast import cast
from symgraph.ops.checks import join_shapes
from symgraph.ops.creation import zeros_like


@dataclass(frozen=True)
class IfElse(Op):
    """z = x where the condition, a bool scalar, holds, else y; both of one type."""

    def needs(self, place: int) -> bool | None:
        """x where the condition holds, y where it does not."""
        return (None, True, False)[place]

    def infer_type(self, condition: TensorType, x: TensorType, y: TensorType) -> Any:
        """What both branches know of their one type."""
        if condition != TensorType("bool", ()):
            raise TypeMismatch(
                f"ifelse: expected a bool scalar as condition, got {condition}"
            )
        if x.dtype != y.dtype:
            raise TypeMismatch(
                f"ifelse: expected branches of one dtype, got {x.dtype} and {y.dtype}"
            )
        like = "as the first branch is"
        return x.with_shape(join_shapes("ifelse", "second branch", x.shape, y, like))

    def infer_shape(self, shapes, values):
        """Each dimension from the branch that knows it."""
        pairs = zip(*shapes[1:], strict=True)
        return tuple(b if isinstance(b, int) else a for a, b in pairs)

    def reference(self, condition, x, y):
        """The branch that is taken; the other one is None."""
        return x if condition else y

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz where the condition holds, dy = dz where it does not, else zeros."""
        (condition, *_), (dz,) = inputs, cotangents
        return None, only_where(condition, True, dz), only_where(condition, False, dz)


def ifelse(condition: TensorLike, then_branch: Any, else_branch: Any) -> Any:
    """``then_branch`` where the scalar condition holds, else ``else_branch``.

    The branches are arrays of one shape, or two lists of as many arrays, whose result
    is a list. As in Theano, what only one branch needs is computed only where that is
    taken, gradients included. Sizes are checked in both, and what is made of shared
    variables alone may be prepared for both; what a step of a loop reads from outside
    is computed before the loop. ``sg.switch`` computes both for each element.

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
    truth = cast(condition, "bool")
    several = [isinstance(b, (list, tuple)) for b in (then_branch, else_branch)]
    if several == [False, False]:
        return _either(truth, then_branch, else_branch)
    if several == [True, True] and len(then_branch) == len(else_branch):
        pairs = zip(then_branch, else_branch, strict=True)
        return [_either(truth, x, y) for x, y in pairs]
    counts = " and ".join(map(_counted, (then_branch, else_branch)))
    raise GraphError(f"ifelse: expected as many arrays in each branch, got {counts}")


def only_where(
    condition: Variable, holds: bool, x: Variable, like: Variable | None = None
) -> Variable:
    """x where the condition holds, or where it does not, and zeros elsewhere.

    They are zeros like ``like``, whose shape can be known without computing x.
    """
    nothing = zeros_like(x if like is None else like)
    return IfElse()(condition, *((x, nothing) if holds else (nothing, x)))


def _either(condition: Variable, x: TensorLike, y: TensorLike) -> Variable:
    mine, theirs = promoted("ifelse", [x, y])
    if mine.ndim != theirs.ndim:
        raise GraphError(
            f"ifelse: expected branches of one shape, got {mine!r} and {theirs!r}"
        )
    return IfElse()(condition, mine, theirs)


def _counted(branch: Any) -> str:
    if isinstance(branch, Sequence):
        return f"a list of {len(branch)}"
    return f"{as_variable(branch)!r} alone"
