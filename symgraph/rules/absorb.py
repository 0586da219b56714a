"""Where an affine map vanishes: in the weights of a convolution or matrix product.

Every function gives the expression without the map, or ``Declined`` with the reason.
To ``absorb_before`` and ``absorb_after`` weights and maps must not depend on the inputs
of a call, so that what is done to them is done once, outside it.
"""

from __future__ import annotations

from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.affine import AddBias
from symgraph.ops.conv import Conv2D
from symgraph.ops.linalg import MatMul
from symgraph.ops.reshaping import expand_dims, reshape
from symgraph.ops.shape import broadcast_to
from symgraph.ops.windows import NO_PADDING
from symgraph.rewriting import Context, Declined
from symgraph.rules.affine_map import Map

Result = Variable | Declined

IMAGES = (0, 2, 3)  # the axes of images that share a channel's parameters
ROWS = (0,)  # the axis of a matrix whose rows are examples


def absorb_before(producer: Apply, after: Map, context: Context) -> Result:
    """after(f(x, w))  ->  f(x, w') + b, for a convolution or matrix product f."""
    if not _is_linear(producer):
        return Declined(f"{producer.op} has no weights")
    x, weights = producer.inputs
    problem = _invariance(weights, after, context)
    if problem is not None:
        return problem
    axes = IMAGES if isinstance(producer.op, Conv2D) else ROWS
    fine = shared_along(after, axes, producer.outputs[0])
    if isinstance(fine, Declined):
        return fine
    if fine.scale is not None:
        places = (1, 2, 3) if isinstance(producer.op, Conv2D) else (0,)
        weights = weights * expand_dims(fine.scale, places)
    return Map(axes, None, fine.shift)(producer.op(x, weights))


def absorb_after(
    consumer: Apply, position: int, before: Map, x: Variable, context: Context
) -> Result:
    """f(before(x), w)  ->  f(x, w') + b, for a convolution or matrix product f."""
    if not _is_linear(consumer) or position != 0:
        return Declined(f"{consumer.op} has no weights for input {position}")
    problem = _invariance(consumer.inputs[1], before, context)
    if problem is not None:
        return problem
    if isinstance(consumer.op, Conv2D):
        return into_filters(consumer, before, x, context)
    return _into_matrix(consumer, before, x)


def _into_matrix(product: Apply, before: Map, x: Variable) -> Result:
    """(x s + t) W  =  x (s W) + t W."""
    fine = shared_along(before, ROWS, x)
    if isinstance(fine, Declined):
        return fine
    weights = scaled = product.inputs[1]
    if fine.scale is not None:
        scaled = weights * expand_dims(fine.scale, 1)
    y = product.op(x, scaled)
    if fine.shift is None:
        return y
    return AddBias(ROWS)(y, (weights * expand_dims(fine.shift, 1)).sum(axis=0))


def into_filters(conv: Apply, before: Map, x: Variable, context: Context) -> Result:
    """conv(x s + t, w)  =  conv(x, s w) + sum of w t over channels and taps."""
    fine = shared_along(before, IMAGES, x)
    if isinstance(fine, Declined):
        return fine
    filters = scaled = conv.inputs[1]
    op: Any = conv.op
    if not filters.type.is_static:
        return Declined(f"a size of the filters {filters.type} is not known")
    if fine.scale is not None:
        scaled = filters * for_filters(fine.scale, filters, op.groups)
    y = conv.op(x, scaled)
    if fine.shift is None:
        return y
    if op.padding == NO_PADDING:
        shifts = filters * for_filters(fine.shift, filters, op.groups)
        return AddBias(IMAGES)(y, shifts.sum(axis=(1, 2, 3)))
    return _with_border(conv, fine.shift, x, y, context)


def _with_border(
    conv: Apply, shift: Variable, x: Variable, y: Variable, context: Context
) -> Result:
    """conv(x s, w) + conv(image of t, w): the border, padded by zeros, sees less of t.

    The second term is an image of its own, the same in every call. Where a kernel
    before the map can apply the map as it writes x, that is cheaper.
    """
    host = context.owner(x)
    if host is not None:
        return Declined(
            "the convolution pads by zeros, the map gives its shift there; it can be "
            f"applied by the kernel of {host.op} before it"
        )
    _, channels, height, width = x.type.shape
    if channels is None or height is None or width is None:
        return Declined("the border depends on a size that is not known")
    image = broadcast_to(expand_dims(shift, IMAGES), (1, channels, height, width))
    border = conv.op(image, conv.inputs[1])
    return AddBias(ROWS)(y, reshape(border, border.type.shape[1:]))


def for_filters(parameter: Variable, filters: Variable, groups: int) -> Variable:
    """A parameter of each input channel, to multiply [outputs, channels/groups, 1, 1].

    Outputs come in groups, each of which sees its own block of channels.
    """
    if groups == 1:
        return expand_dims(parameter, (0, 2, 3))
    outputs, channels, *_ = (size or 0 for size in filters.type.shape)
    blocks = reshape(parameter, (groups, 1, channels))
    spread = broadcast_to(blocks, (groups, outputs // groups, channels))
    return reshape(spread, (outputs, channels, 1, 1))


def _is_linear(node: Apply) -> bool:
    if isinstance(node.op, MatMul):
        return node.inputs[0].ndim == 2
    return isinstance(node.op, Conv2D)


def _invariance(weights: Variable, map: Map, context: Context) -> Declined | None:
    if not context.is_invariant(weights):
        return Declined("the weights depend on the call's inputs")
    if not all(context.is_invariant(p) for p in map.parameters):
        return Declined("the scale or shift depends on the call's inputs")
    return None


def shared_along(map: Map, axes: tuple[int, ...], x: Variable) -> Map | Declined:
    """The map with parameters shared along exactly ``axes`` of x."""
    map = map.without_ones(x.type.shape)
    if not set(axes) <= set(map.axes):
        finer = sorted(set(axes) - set(map.axes))
        return Declined(f"the map differs along axes {finer}, the weights do not")
    fine = map.finer(axes, x.type.shape)
    if fine is None:
        return Declined(f"a size of {x.type} is not known")
    return fine
