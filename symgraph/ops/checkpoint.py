"""What a gradient keeps of the forward pass, and what it computes a second time.

Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost" (2016).
``checkpoint(x)`` marks x to be kept; a gradient computes what lies before it anew when
it gets there (see ``autodiff/recomputation.py``), from values behind a ``Barrier``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from symgraph.graph import Op, Variable
from symgraph.ops.elementwise import Unary


class Checkpoint(Unary):
    """y = x; gradients keep y, and recompute what x was computed from."""

    scalar: ClassVar[str] = "cast"
    domain: ClassVar[str] = "any"

    def reference(self, x):
        """x itself."""
        return x

    def vjp(self, inputs, outputs, cotangents):
        """The cotangent as it is."""
        return (cotangents[0],)


@dataclass(frozen=True)
class Barrier(Op):
    """y = x, but not before ``after`` is known.

    What is computed from y is not the same expression as what is computed from x, so
    it is not merged with it, and runs later.
    """

    def infer_type(self, x, after):
        """The type of x."""
        return x

    def reference(self, x, after):
        """x itself."""
        return x

    def vjp(self, inputs, outputs, cotangents):
        """The cotangent as it is; none for what only has to come before."""
        return cotangents[0], None


def checkpoint(x: Variable) -> Variable:
    """``x``, kept for the gradient, which recomputes what comes between checkpoints.

    Training a chain of n layers takes the memory of about 2 sqrt(n) of them where every
    sqrt(n)-th is a checkpoint, and one more forward pass. What comes after the last
    checkpoint is kept as ever.
    """
    return Checkpoint()(x)
