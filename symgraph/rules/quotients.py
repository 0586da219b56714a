"""Quotients x / p whose p is positive, but may be so small that it is zero as a float.

Gradients of log(softmax(x)) and log(sigmoid(x)) are made of them; p cancels.
"""

from __future__ import annotations

from symgraph.graph import Variable
from symgraph.ops.arithmetic import Div, Mul, Neg, Reciprocal, Sub
from symgraph.ops.exponential import Exp
from symgraph.ops.softmax import Softmax
from symgraph.ops.special import Sigmoid, Softplus
from symgraph.rewriting import (
    Declined,
    Rule,
    Wildcard,
    commutative,
    node,
    rewrite,
    wildcards,
)
from symgraph.rules.values import ONE, is_one

x, y = wildcards("x y")


def _is_small_positive(variable: Variable) -> bool:
    n = variable.owner
    if n is not None and isinstance(n.op, Sub) and is_one(n.inputs[0]):
        n = n.inputs[1].owner
        return n is not None and isinstance(n.op, Sigmoid)
    return n is not None and isinstance(n.op, (Softmax, Sigmoid, Softplus, Exp))


positive = Wildcard("p").where(
    _is_small_positive, "a softmax, sigmoid p, 1 - p, softplus or exponential"
)
quotient = node(Div)(x, positive)


@rewrite(
    commutative(Mul)(x, node(Div)(ONE, y)), commutative(Mul)(x, node(Reciprocal)(y))
)
def divide_at_once(x, y, context):
    """x (1 / y)  ->  x / y"""
    if context.is_invariant(y):
        return Declined("1 / y is computed once, outside the call")
    return Div()(x, y)


@rewrite(commutative(Mul)(positive, quotient))
def cancel_factor(x):
    """p (x / p)  ->  x, for p > 0"""
    return x


@rewrite(commutative(Mul)(positive, node(Sub)(quotient, y)))
def cancel_factor_of_difference(x, y, p):
    """p (x / p - y)  ->  x - p y, for p > 0"""
    return Sub()(x, Mul()(p, y))


@rewrite(commutative(Mul)(quotient, commutative(Mul)(positive, y)))
def cancel_factor_of_product(x, y):
    """(x / p) (p y)  ->  x y, for p > 0"""
    return Mul()(x, y)


small = node(Sigmoid)(node(Neg)(x))


@rewrite(commutative(Mul)(commutative(Mul)(y, small), node(Exp)(x)))
def cancel_exponential(x, y):
    """y sigmoid(-x) exp(x)  ->  y sigmoid(x)"""
    return Mul()(y, Sigmoid()(x))


QUOTIENTS: tuple[Rule, ...] = (
    divide_at_once,
    cancel_factor,
    cancel_factor_of_difference,
    cancel_factor_of_product,
    cancel_exponential,
)
