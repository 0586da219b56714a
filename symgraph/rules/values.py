"""What a rule can know of values without running anything: constants and signs."""

from __future__ import annotations

import numpy as np

from symgraph.graph import Constant, Op, Variable, is_float, is_integer
from symgraph.ops.arithmetic import Abs, Add, Div, Mul, Reciprocal, Square
from symgraph.ops.exponential import Exp, Exp2, Sqrt
from symgraph.ops.extrema import Maximum
from symgraph.ops.join import Concatenate
from symgraph.ops.shape import BroadcastTo, Reshape, Transpose, broadcast_to, shape
from symgraph.ops.special import Relu, Sigmoid, Softplus
from symgraph.ops.subtensor import Subtensor
from symgraph.rewriting import Filled, Wildcard

# Ops that only repeat or rearrange the elements of their first input.
ARRANGING: tuple[type[Op], ...] = (BroadcastTo, Reshape, Transpose)


def filled(value: float) -> Filled:
    """The pattern of a constant that is ``value`` everywhere, however spread."""
    return Filled(value, through=ARRANGING)


ZERO, ONE, TWO = filled(0), filled(1), filled(2)


def floating(name: str) -> Wildcard:
    """A wildcard for a float32 or float64."""
    return Wildcard(name).where(lambda v: is_float(v.dtype), "a float")


def whole(name: str) -> Wildcard:
    """A wildcard for an integer."""
    return Wildcard(name).where(lambda v: is_integer(v.dtype), "an integer")


def uniform_value(variable: Variable) -> float | None:
    """The one value of a constant's elements, however spread; None if they differ."""
    while variable.owner is not None and isinstance(variable.owner.op, ARRANGING):
        variable = variable.owner.inputs[0]
    if not isinstance(variable, Constant) or variable.data.size == 0:
        return None
    first = variable.data.flat[0]
    return float(first) if np.all(variable.data == first) else None


def is_zero(variable: Variable) -> bool:
    """Whether ``variable`` is a constant zero everywhere."""
    return ZERO.holds_for(variable)


def is_one(variable: Variable) -> bool:
    """Whether ``variable`` is a constant one everywhere."""
    return ONE.holds_for(variable)


def filled_like(x: Variable, value: float) -> Variable:
    """An array like ``x`` with every element ``value``."""
    return broadcast_to(_scalar(value, x.dtype), shape(x))


def is_positive(variable: Variable) -> bool:
    """Whether every element is proven > 0, or else nan, or beyond the largest float.

    Constants are looked at; positive functions, and sums, products, quotients and
    arrangements of positives are recognized; of everything else nothing is known.
    """
    stack = [(variable, True)]  # to be proven: > 0, or with False >= 0
    while stack:
        current, strictly = stack.pop()
        if isinstance(current, Constant):
            held = current.data > 0 if strictly else current.data >= 0
            if not np.all(held):
                return False
            continue
        node = current.owner
        if node is None:
            return False
        kind = type(node.op)
        if kind in _NEVER_NEGATIVE and not strictly:
            continue
        if kind not in _POSITIVE_IF:
            return False
        needed = node.inputs[_POSITIVE_IF[kind]]
        divisor = needed[-1:] if kind in (Div, Reciprocal) else ()
        stack += [(v, strictly) for v in needed[: len(needed) - len(divisor)]]
        stack += [(v, False) for v in divisor]  # 1 / 0 is beyond the largest float
    return True


_NEVER_NEGATIVE = (Sqrt, Square, Abs, Relu)

# For each op the inputs that must be positive for its output to be so.
_POSITIVE_IF: dict[type[Op], slice] = {
    Exp: slice(0),
    Exp2: slice(0),
    Sigmoid: slice(0),
    Softplus: slice(0),
    Sqrt: slice(1),
    Square: slice(1),
    Abs: slice(1),
    Relu: slice(1),
    Reciprocal: slice(1),
    Add: slice(2),
    Mul: slice(2),
    Div: slice(2),
    Maximum: slice(2),
    Concatenate: slice(None),
    **dict.fromkeys((*ARRANGING, Subtensor), slice(1)),
}


def _scalar(value: float, dtype: str) -> Constant:
    return Constant(np.array(value, dtype))
