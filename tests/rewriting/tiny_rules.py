"""A few rules of the tiny language, for testing what the engine does with rules."""

from __future__ import annotations

import numpy as np

from symgraph.graph import constant
from symgraph.rewriting import (
    Declined,
    Filled,
    Stage,
    commutative,
    node,
    rewrite,
    wildcards,
)
from tests.rewriting.tiny import Minus, Plus, Power, Times

x, y = wildcards("x y")
zero = constant(np.zeros(3))


@rewrite(commutative(Plus)(x, Filled(0)), label="exact")
def drop_zero(x):
    """x + 0  ->  x"""
    return x


@rewrite(node(Minus)(node(Minus)(x)), label="exact")
def cancel_signs(x):
    """-(-x)  ->  x"""
    return x


@rewrite(node(Minus)(node(Plus)(x, y).once()))
def distribute_sign(x, y):
    """-(x + y)  ->  (-x) + (-y)"""
    return Plus()(Minus()(x), Minus()(y))


@rewrite(node(Power, exponent=2)(x))
def square_is_product(x, root):
    """x^2  ->  x x"""
    if root.inputs[0].name == "sacred":
        return Declined("x is sacred")
    return Times()(x, x)


SIMPLIFY = Stage("simplify", (drop_zero, cancel_signs))


def ops_of(graph):
    """The names of the ops, inputs before users."""
    return [type(n.op).__name__ for n in graph]
