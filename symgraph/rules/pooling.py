"""Max-pooling and its gradient: what can be done to one number a window is."""

from __future__ import annotations

from collections.abc import Mapping

from symgraph.graph import Apply, Graph, Variable, inherit_site
from symgraph.ops.affine import AddBias
from symgraph.ops.arguments import split_sizes
from symgraph.ops.comparison import Gt
from symgraph.ops.conv import spatial
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad, MaxPool2DSelect, Pooling
from symgraph.ops.pool_places import (
    MOST_ELEMENTS,
    MaxPool2DGather,
    MaxPool2DScatter,
    MaxPool2DWithPlaces,
)
from symgraph.ops.reduce import Sum
from symgraph.ops.selection import Where
from symgraph.ops.special import Relu
from symgraph.ops.windows import Padding, Pair
from symgraph.rewriting import (
    Declined,
    GraphPass,
    Rule,
    graph_pass,
    node,
    rewrite,
    wildcards,
)
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


@graph_pass("exact")
def keep_places(graph: Graph) -> Mapping[Variable, Variable]:
    """max_pool_grad(x, max_pool(x), dy)  ->  scatter(dy at the places of the maxima)

    The image x need not be kept for the gradient, nor searched again.
    """
    found: dict[Variable, Variable] = {}
    pooled: dict[Apply, tuple[Variable, Variable]] = {}
    for user in graph.nodes:
        pool = _pool_of(user)
        if pool is None:
            continue
        if pool not in pooled:
            with inherit_site(pool.site):
                pooled[pool] = MaxPool2DWithPlaces(*_windows(pool.op))(*pool.inputs)
        values, places = pooled[pool]
        found[pool.outputs[0]] = values
        with inherit_site(user.site):
            found[user.outputs[0]] = _through(user, places)
    return found


def _pool_of(node: Apply) -> Apply | None:
    """The pooling that ``node`` is the gradient, or the derivative, of."""
    if not isinstance(node.op, MaxPool2DGrad | MaxPool2DSelect):
        return None
    x, y = node.inputs[:2]
    pool = MaxPool2D(*_windows(node.op))
    if y.owner is None or y.owner.op != pool or y.owner.inputs[0] is not x:
        return None
    return y.owner if pool.window[0] * pool.window[1] <= MOST_ELEMENTS else None


def _through(node: Apply, places: Variable) -> Variable:
    """What ``node`` computes, from the places."""
    x, _, other = node.inputs
    windows = _windows(node.op)
    if isinstance(node.op, MaxPool2DSelect):
        return MaxPool2DGather(*windows)(places, other)
    (height, width), sizes = split_sizes(spatial(x))
    return MaxPool2DScatter(*windows, (height, width))(places, other, *sizes)


def _windows(op: Pooling) -> tuple[Pair, Pair, Padding]:
    return op.window, op.stride, op.padding


PLACES: tuple[GraphPass, ...] = (keep_places,)
POOLING: tuple[Rule, ...] = (mask_before_scattering, sum_before_scattering)
POOLING_FIRST: tuple[Rule, ...] = (pool_before_relu, pool_before_bias)
