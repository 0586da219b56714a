"""Signs: at most one, and as far out as it goes, where two of them can meet."""

from __future__ import annotations

from symgraph.ops.arithmetic import Abs, Add, Div, Mul, Neg, Square, Sub
from symgraph.ops.reduce import Sum
from symgraph.rewriting import Rule, commutative, node, rewrite, wildcards
from symgraph.rules.values import ZERO, filled

x, y = wildcards("x y")


@rewrite(node(Sub)(ZERO, x), commutative(Mul)(x, filled(-1)), label="exact")
def write_as_negative(x):
    """0 - x  ->  -x,  x (-1)  ->  -x"""
    return Neg()(x)


@rewrite(node(Neg)(node(Neg)(x)), label="exact")
def cancel_signs(x):
    """-(-x)  ->  x"""
    return x


@rewrite(commutative(Add)(x, node(Neg)(y)), label="exact")
def add_negative(x, y):
    """x + (-y)  ->  x - y"""
    return Sub()(x, y)


@rewrite(node(Sub)(x, node(Neg)(y)), label="exact")
def subtract_negative(x, y):
    """x - (-y)  ->  x + y"""
    return Add()(x, y)


@rewrite(node(Mul)(node(Neg)(x), node(Neg)(y)), label="exact")
def multiply_negatives(x, y):
    """(-x) (-y)  ->  x y"""
    return Mul()(x, y)


@rewrite(node(Div)(node(Neg)(x), node(Neg)(y)), label="exact")
def divide_negatives(x, y):
    """(-x) / (-y)  ->  x / y"""
    return Div()(x, y)


negative = node(Neg)(y).once()


@rewrite(
    commutative(Mul)(x, negative),
    node(Div)(x, negative),
    label="exact",
)
def negate_last(x, y, root):
    """x (-y)  ->  -(x y),  x / (-y)  ->  -(x / y)"""
    return Neg()(root.op(x, y))


@rewrite(node(Div)(negative, x), node(Sum)(negative), label="exact")
def negate_result(root, y):
    """(-y) / x  ->  -(y / x),  sum(-y)  ->  -sum(y)"""
    return Neg()(root.op(y, *root.inputs[1:]))


@rewrite(node(Square, Abs)(node(Neg, Abs)(x)).named("outer"), label="exact")
def drop_sign_under_even(x, outer):
    """|-x|  ->  |x|,  ||x||  ->  |x|,  (-x)^2  ->  x^2,  |x|^2  ->  x^2"""
    return outer.op(x)


SIGNS: tuple[Rule, ...] = (
    write_as_negative,
    cancel_signs,
    add_negative,
    subtract_negative,
    multiply_negatives,
    divide_negatives,
    negate_last,
    negate_result,
    drop_sign_under_even,
)
