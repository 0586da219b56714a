"""Algebra of single elements: neutral elements, powers, repeated operands, casts.

``ALGEBRA`` holds for every float, infinities and nans included, up to the sign of a
zero; what holds for finite numbers only is in ``real_algebra.py``.
"""

from __future__ import annotations

from math import frexp

import numpy as np

from symgraph.graph import Variable, is_bool, is_float
from symgraph.ops.arithmetic import Add, Div, Mul, Pow, Reciprocal, Square, Sub
from symgraph.ops.branching import IfElse
from symgraph.ops.cast import Cast, StopGradient
from symgraph.ops.checkpoint import Checkpoint
from symgraph.ops.exponential import Sqrt
from symgraph.ops.extrema import Maximum, Minimum
from symgraph.ops.logical import LogicalNot
from symgraph.ops.selection import Where
from symgraph.ops.special import Relu
from symgraph.rewriting import Declined, Rule, commutative, node, rewrite, wildcards
from symgraph.rules.signs import SIGNS
from symgraph.rules.values import (
    ONE,
    TWO,
    ZERO,
    filled,
    filled_like,
    floating,
    uniform_value,
    whole,
)

x, y = wildcards("x y")
(condition,) = wildcards("condition")
number = x.where(lambda v: not is_bool(v.dtype), "a number")


def _is_power_of_two(variable: Variable) -> bool:
    """Of a size whose reciprocal is a float too."""
    value = uniform_value(variable)
    return value is not None and (
        2.0**-100 < abs(value) < 2.0**100 and abs(frexp(value)[0]) == 0.5
    )


power_of_two = y.where(_is_power_of_two, "a power of two")


@rewrite(commutative(Add)(x, ZERO), node(Sub)(x, ZERO), label="exact")
def drop_zero(x):
    """x + 0  ->  x,  x - 0  ->  x"""
    return x


@rewrite(commutative(Mul)(x, ONE), node(Div)(x, ONE), label="exact")
def drop_one(x):
    """x 1  ->  x,  x / 1  ->  x"""
    return x


@rewrite(node(Mul)(number, number), label="exact")
def write_as_square(x):
    """x x  ->  x^2"""
    return Square()(x)


# A power of floats may be off by a unit in the last place; what these make is not.


@rewrite(node(Pow)(x, ONE), label="reassociating")
def drop_first_power(x):
    """x^1  ->  x"""
    return x


@rewrite(node(Pow)(x, TWO), label="reassociating")
def write_second_power_as_square(x):
    """x^2  ->  x x"""
    return Square()(x)


@rewrite(node(Pow)(floating("x"), filled(-1)), label="reassociating")
def write_as_reciprocal(x):
    """x^-1  ->  1 / x"""
    return Reciprocal()(x)


@rewrite(node(Pow)(floating("x"), filled(0.5)), label="reassociating")
def write_as_root(x):
    """x^(1/2)  ->  sqrt(x), also of -inf, whose power is inf and whose root is nan"""
    return Sqrt()(x)


@rewrite(node(Pow)(x, ZERO), label="exact")
def zeroth_power(x):
    """x^0  ->  1, also of 0, infinities and nan"""
    return filled_like(x, 1)


@rewrite(node(Div)(x, power_of_two), label="exact")
def divide_by_power_of_two(x, y):
    """x / 2^n  ->  x 2^-n, which is no less exact and much faster"""
    return Mul()(x, filled_like(y, 1 / uniform_value(y)))


@rewrite(node(Maximum, Minimum)(x, x), label="exact")
def extremum_of_equals(x):
    """max(x, x)  ->  x"""
    return x


@rewrite(commutative(Maximum)(number, ZERO), label="exact")
def write_as_relu(x):
    """max(x, 0)  ->  relu(x), of numbers"""
    return Relu()(x)


@rewrite(node(Relu)(node(Relu)(x).named("inner")), label="exact")
def rectify_once(inner):
    """relu(relu(x))  ->  relu(x)"""
    return inner.outputs[0]


@rewrite(node(Where)(ONE, x, y), node(Where)(ZERO, y, x), label="exact")
def decide_where(x):
    """where(true, x, y)  ->  x"""
    return x


@rewrite(node(Where)(condition, x, x), node(IfElse)(condition, x, x), label="exact")
def where_of_equals(x):
    """where(c, x, x)  ->  x, ifelse(c, x, x)  ->  x"""
    return x


@rewrite(node(IfElse)(ONE, x, y), node(IfElse)(ZERO, y, x), label="exact")
def decide_branch(x):
    """ifelse(true, x, y)  ->  x"""
    return x


@rewrite(
    commutative(Add)(
        node(IfElse)(condition, x, ZERO), node(IfElse)(condition, ZERO, y)
    ),
    label="exact",
)
def add_branches(condition, x, y):
    """ifelse(c, x, 0) + ifelse(c, 0, y)  ->  ifelse(c, x, y)"""
    return IfElse()(condition, x, y)


@rewrite(node(LogicalNot)(node(LogicalNot)(x)), label="exact")
def cancel_nots(x):
    """not not x  ->  x"""
    return x


@rewrite(
    node(Cast)(x).where(lambda n: n.inputs[0].dtype == n.outputs[0].dtype, "no change"),
    label="exact",
)
def drop_cast(x):
    """cast(x, its own dtype)  ->  x"""
    return x


@rewrite(node(Cast)(node(Cast)(x).named("inner")), label="exact")
def cast_once(x, inner, root):
    """cast(cast(x, wider), dtype)  ->  cast(x, dtype)"""
    wider = inner.op.dtype
    rounds = is_float(wider) and x.dtype in ("int64", "uint64")
    if rounds or not np.can_cast(x.dtype, wider, casting="safe"):
        return Declined(f"{wider} does not hold every {x.dtype}")
    return root.op(x)


@rewrite(node(StopGradient)(x), label="exact")
def drop_stop_gradient(x):
    """stop_gradient(x)  ->  x, once gradients are taken"""
    return x


@rewrite(node(Checkpoint)(x), label="exact")
def drop_checkpoint(x):
    """checkpoint(x)  ->  x, once gradients are taken"""
    return x


@rewrite(node(Sub)(whole("x"), whole("x")), label="exact")
def subtract_integer_from_itself(x):
    """n - n  ->  0"""
    return filled_like(x, 0)


@rewrite(commutative(Mul)(whole("x"), ZERO), label="exact")
def multiply_integer_by_zero(x):
    """n 0  ->  0"""
    return filled_like(x, 0)


ALGEBRA: tuple[Rule, ...] = (
    drop_zero,
    drop_one,
    *SIGNS,
    write_as_square,
    drop_first_power,
    write_second_power_as_square,
    write_as_reciprocal,
    write_as_root,
    zeroth_power,
    divide_by_power_of_two,
    extremum_of_equals,
    write_as_relu,
    rectify_once,
    decide_where,
    where_of_equals,
    decide_branch,
    add_branches,
    cancel_nots,
    drop_cast,
    cast_once,
    drop_stop_gradient,
    drop_checkpoint,
    subtract_integer_from_itself,
    multiply_integer_by_zero,
)
