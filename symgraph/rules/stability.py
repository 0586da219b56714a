"""Numerical stability: the same function, where the written form loses its digits.

log(softmax(x)) is -inf where softmax underflows, log(1 + x) is 0 for small x: each
theorem's right side is the function that does not, so errors become smaller.
"""

from __future__ import annotations

from symgraph.ops.arithmetic import Abs, Add, Div, Neg, Reciprocal, Square, Sub
from symgraph.ops.exponential import Exp, Expm1, Log, Log1p, Sqrt
from symgraph.ops.special import Sigmoid, Softplus
from symgraph.rewriting import (
    Rule,
    commutative,
    node,
    rewrite,
    wildcards,
)
from symgraph.rules.quotients import QUOTIENTS
from symgraph.rules.softmax import SOFTMAX
from symgraph.rules.values import ONE

x, y = wildcards("x y")
one_plus_exponential = commutative(Add)(ONE, node(Exp)(x))


@rewrite(node(Log)(commutative(Add)(ONE, x)))
def log_of_one_plus(x):
    """log(1 + x)  ->  log1p(x)"""
    return Log1p()(x)


@rewrite(node(Log)(node(Sub)(ONE, x)))
def log_of_one_minus(x):
    """log(1 - x)  ->  log1p(-x)"""
    return Log1p()(Neg()(x))


@rewrite(node(Sub)(node(Exp)(x), ONE))
def exponential_minus_one(x):
    """exp(x) - 1  ->  expm1(x)"""
    return Expm1()(x)


@rewrite(node(Log1p)(node(Exp)(x)))
def write_as_softplus(x):
    """log(1 + exp(x))  ->  softplus(x)"""
    return Softplus()(x)


@rewrite(
    node(Div)(ONE, commutative(Add)(ONE, node(Exp)(node(Neg)(x)))),
    node(Reciprocal)(commutative(Add)(ONE, node(Exp)(node(Neg)(x)))),
    node(Div)(node(Exp)(x), one_plus_exponential),
)
def write_as_sigmoid(x):
    """1 / (1 + exp(-x))  ->  sigmoid(x),  exp(x) / (1 + exp(x))  ->  sigmoid(x)"""
    return Sigmoid()(x)


@rewrite(node(Div)(ONE, one_plus_exponential), node(Reciprocal)(one_plus_exponential))
def write_as_sigmoid_of_negative(x):
    """1 / (1 + exp(x))  ->  sigmoid(-x)"""
    return Sigmoid()(Neg()(x))


@rewrite(node(Sub)(ONE, node(Sigmoid)(x).once()))
def one_minus_sigmoid(x):
    """1 - sigmoid(x)  ->  sigmoid(-x)"""
    return Sigmoid()(Neg()(x))


@rewrite(node(Log)(node(Sigmoid)(x)))
def log_of_sigmoid(x):
    """log(sigmoid(x))  ->  -softplus(-x)"""
    return Neg()(Softplus()(Neg()(x)))


@rewrite(node(Log1p)(node(Neg)(node(Sigmoid)(x))))
def log_of_one_minus_sigmoid(x):
    """log(1 - sigmoid(x))  ->  -softplus(x)"""
    return Neg()(Softplus()(x))


@rewrite(node(Log)(node(Exp)(x)))
def log_of_exponential(x):
    """log(exp(x))  ->  x, also where exp(x) overflows"""
    return x


@rewrite(node(Sqrt)(node(Square)(x)))
def root_of_square(x):
    """sqrt(x^2)  ->  |x|, also where x^2 overflows"""
    return Abs()(x)


STABILITY: tuple[Rule, ...] = (
    *QUOTIENTS,
    *SOFTMAX,
    log_of_exponential,
    log_of_one_plus,
    log_of_one_minus,
    exponential_minus_one,
    write_as_softplus,
    write_as_sigmoid,
    write_as_sigmoid_of_negative,
    one_minus_sigmoid,
    log_of_sigmoid,
    log_of_one_minus_sigmoid,
    root_of_square,
)
