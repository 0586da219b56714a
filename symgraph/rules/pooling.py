"""The gradient of max-pooling: what can be done to one number a window is."""

from __future__ import annotations

from symgraph.ops.comparison import Gt
from symgraph.ops.pool import MaxPool2DGrad
from symgraph.ops.reduce import Sum
from symgraph.ops.selection import Where
from symgraph.rewriting import Declined, Rule, node, rewrite, wildcards
from symgraph.rules.values import ZERO, filled_like

x, y, dy = wildcards("x y dy")
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


POOLING: tuple[Rule, ...] = (mask_before_scattering, sum_before_scattering)
