"""Max-pooling and its gradient: what can be done to one number a window is."""

from __future__ import annotations

from symgraph.ops.affine import AddBias
from symgraph.ops.comparison import Gt
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad
from symgraph.ops.reduce import Sum
from symgraph.ops.selection import Where
from symgraph.ops.special import Relu
from symgraph.rewriting import Declined, Rule, node, rewrite, wildcards
from symgraph.rules.values import ZERO, filled_like

x, y, dy, bias = wildcards("x y dy bias")
scattered = node(MaxPool2DGrad)(x, y, dy).named("grad")
IMAGE_AXES = {2, 3}


@rewrite(node(Where)(node(Gt)(x, ZERO), scattered.once(), ZERO), label="exact")
def mask_before_scattering(grad, x, y, dy):
    """where(x > 0, max_pool_grad(x, y, dy), 0)
    ->  max_pool_grad(x, y, where(y > 0, dy, 0))

    An element that dy goes to equals its window's maximum, y.
    """
    positive = Gt()(y, filled_like(y, 0))
    return grad.op(x, y, Where()(positive, dy, filled_like(dy, 0)))


@rewrite(node(Sum)(scattered), label="reassociating")
def sum_before_scattering(root, dy):
    """sum(max_pool_grad(x, y, dy))  ->  sum(dy) over rows and columns, among others

    Each window's dy goes to exactly one element.
    """
    if not IMAGE_AXES.issubset(root.op.axes):
        return Declined("rows or columns are kept, and dy has others than x")
    return root.op(dy)


@rewrite(node(MaxPool2D)(node(Relu)(x).once()), label="exact")
def pool_before_relu(root, x):
    """max_pool(relu(x))  ->  relu(max_pool(x)), as relu never decreases"""
    return Relu()(root.op(x))


@rewrite(node(MaxPool2D)(node(AddBias)(x, bias).named("sum").once()))
def pool_before_bias(root, sum, x, bias):
    """max_pool(x + b)  ->  max_pool(x) + b, as the sum never decreases in x

    The same to the bit but where b is infinite.
    """
    if not IMAGE_AXES.issubset(sum.op.axes):
        return Declined("the bias differs inside a window")
    return sum.op(root.op(x), bias)


POOLING: tuple[Rule, ...] = (mask_before_scattering, sum_before_scattering)
POOLING_FIRST: tuple[Rule, ...] = (pool_before_relu, pool_before_bias)
