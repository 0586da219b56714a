"""Algebra of real numbers, which infinities and nans do not obey.

``REAL_ALGEBRA`` holds for finite numbers only (x - x is nan where x is infinite), so it
is in no default stage; a pipeline of one's own may take it.
"""

from __future__ import annotations

from symgraph.ops.arithmetic import Div, Mul, Sub
from symgraph.ops.exponential import Exp, Log
from symgraph.rewriting import Rule, commutative, node, rewrite, wildcards
from symgraph.rules.values import ZERO, filled_like, floating

(x,) = wildcards("x")


@rewrite(node(Sub)(floating("x"), floating("x")))
def subtract_from_itself(x):
    """x - x  ->  0, for finite x"""
    return filled_like(x, 0)


@rewrite(node(Div)(x, x))
def divide_by_itself(x):
    """x / x  ->  1, for finite x other than 0"""
    return filled_like(x, 1)


@rewrite(commutative(Mul)(floating("x"), ZERO))
def multiply_by_zero(x):
    """x 0  ->  0, for finite x"""
    return filled_like(x, 0)


@rewrite(node(Exp)(node(Log)(x)))
def exponential_of_logarithm(x):
    """exp(log(x))  ->  x, for x > 0"""
    return x


REAL_ALGEBRA: tuple[Rule, ...] = (
    subtract_from_itself,
    divide_by_itself,
    multiply_by_zero,
    exponential_of_logarithm,
)
