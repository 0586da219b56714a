"""Affine maps that feed convolutions and their gradients in training are gone too.

In training an image of normalized numbers, x s + t for each channel, is wanted by the
convolution behind it and by the gradient of its filters. Both are linear in the image,
so they may read x itself, which is in memory anyway: it was needed for the statistics.
Neither s and t nor the filters are the same in two calls; what replaces a pass over
the images is done to the filters in each call.

A map goes only where all its users can take it, else its result would be stored all
the same. Batch normalization becomes two maps, x - mean and then s x + beta, folded one
after the other: so mean is multiplied by the filters as rounded when s went into them,
and this rounding cancels where x is near its mean.

Error: a result sums the products w s x, and then sum w s mean is taken away, so that its
rounding is relative to sum |w s x| instead of sum |w s (x - mean)|. With n terms and
the unit roundoff u (and with what minimal filtering adds) it is at most about
(1 + |mean| / std) n u sum |w| |s| std: as much as before where a channel's mean is not
above its deviation (as behind a relu), and a digit less for each power of ten of
|mean| / std. Not folded, mean itself is rounded: u |mean| s in every number.

A product with a matrix keeps its map: a matrix has no pixels that share its elements,
so that scaling it costs as much as scaling a batch as large as its outputs are many.
"""

from __future__ import annotations

from math import prod

from symgraph.graph import Apply, Variable
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.conv import Conv2D, Conv2DBackwardWeights
from symgraph.ops.exponential import sqrt
from symgraph.ops.moments import Moments
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.shape import Dim
from symgraph.ops.windows import NO_PADDING
from symgraph.rewriting import Context, Declined, Rule, node, rewrite, wildcards
from symgraph.rules.absorb import IMAGES, for_filters, into_filters, shared_along
from symgraph.rules.affine_map import Map, is_map, map_of

x, gamma, beta, dy, b, c = wildcards("x gamma beta dy b c")
any_map = node(Affine, AddBias)(...)

# The batch assumed where it is not known, to compare images with filters.
BATCH = 32


@rewrite(node(BatchNormTraining)(x, gamma, beta))
def write_batch_norm_as_maps(root, x, gamma, beta, context):
    """batch_norm(x)  ->  (x - mean) s + beta, s = gamma / sqrt(variance + epsilon)

    Done where the two maps can be folded into all that uses the result.
    """
    op = root.op
    mean, variance = Moments(op.axes)(x)
    scale = gamma if op.mean_only else gamma / sqrt(variance + op.epsilon)
    maps = (Map(op.axes, None, -mean), Map(op.axes, scale, beta))
    problem = _settles(root.outputs[0], maps, context)
    if problem is not None:
        return problem
    return Affine(op.axes)(AddBias(op.axes)(x, -mean), scale, beta), mean, variance


@rewrite(node(Conv2D)(any_map.named("inner"), ...))
def fold_affine_into_filters(root, inner, context):
    """conv(x s + t, w)  ->  conv(x, s w) + sum of t w over channels and taps

    The error is stated at the head of ``fold_training.py``.
    """
    problem = _is_foldable(inner, context)
    return problem or into_filters(root, map_of(inner), inner.inputs[0], context)


@rewrite(node(Conv2DBackwardWeights)(any_map.named("inner"), dy, ...))
def take_affine_out_of_gradient(root, inner, dy, context):
    """W(x s + t, dy)  ->  s W(x, dy) + t sum of dy over examples and pixels

    Without padding each tap meets every element of dy once. The sum is the gradient of
    the bias, where there is one. The error is stated at the head of
    ``fold_training.py``.
    """
    problem = _is_foldable(inner, context)
    if problem is not None:
        return problem
    fine = shared_along(map_of(inner), IMAGES, inner.inputs[0])
    if isinstance(fine, Declined):
        return fine
    groups = root.op.groups
    result = root.op(inner.inputs[0], *root.inputs[1:])
    if fine.scale is not None:
        result = result * for_filters(fine.scale, result, groups)
    if fine.shift is not None:
        total = expand_dims(dy.sum(axis=IMAGES), (1, 2, 3))
        result = result + total * for_filters(fine.shift, result, groups)
    return result


@rewrite(node(AddBias)(node(AddBias)(x, b).named("inner").once(), c))
def add_biases(root, inner, x, b, c):
    """(x + b) + c  ->  x + (b + c), where both are shared along the same axes"""
    if root.op != inner.op:
        return Declined(f"one is shared along {inner.op.axes}, one {root.op.axes}")
    return root.op(x, b + c)


FOLD_TRAINING: tuple[Rule, ...] = (
    write_batch_norm_as_maps,
    fold_affine_into_filters,
    take_affine_out_of_gradient,
    add_biases,
)


def _is_foldable(inner: Apply, context: Context) -> Declined | None:
    """Why a map should stay; None where it can go into all its users, and that saves."""
    if _is_free(inner, context):
        return Declined("the map is applied by the kernel before it")
    return _settles(inner.outputs[0], (map_of(inner),), context)


def _is_free(map: Apply, context: Context) -> bool:
    """Whether what the map reads is computed for it alone, so that it costs no pass."""
    variable = map.inputs[0]
    before = context.owner(variable)
    while before is not None and is_map(before) and context.uses(variable) == 1:
        variable = before.inputs[0]
        before = context.owner(variable)
    return before is not None and context.uses(variable) == 1


def _settles(
    variable: Variable, maps: tuple[Map, ...], context: Context
) -> Declined | None:
    """Why not all users of ``variable`` can take the maps that it is the result of."""
    waiting = [(variable, maps)]
    if not context.uses(variable):
        return Declined("nothing uses the result")
    while waiting:
        current, maps = waiting.pop()
        for user, position in context.clients(current):
            if user is None:
                return Declined("it is an output of the graph")
            if isinstance(user.op, Dim):
                continue
            if is_map(user) and position == 0:
                waiting.append((user.outputs[0], (*maps, map_of(user))))
                continue
            problem = _takes(user, position, maps)
            if problem is not None:
                return problem
    return None


def _takes(user: Apply, position: int, maps: tuple[Map, ...]) -> Declined | None:
    """Why a user cannot take the maps out of its input; None if it can."""
    op, images = user.op, user.inputs[position]
    if not isinstance(op, (Conv2D, Conv2DBackwardWeights)) or position != 0:
        return Declined(f"{op} uses it, which has no filters for it to go into")
    filters = user.inputs[1] if isinstance(op, Conv2D) else user.outputs[0]
    if not filters.type.is_static or images.type.shape[1] is None:
        return Declined(f"a size of the filters {filters.type} or channels is not known")
    for map in maps:
        fine = shared_along(map, IMAGES, images)
        if isinstance(fine, Declined):
            return fine
        if fine.shift is not None and op.padding != NO_PADDING:
            return Declined("the convolution pads by zeros, where there is no shift")
    return _is_smaller(images, filters)


def _is_smaller(images: Variable, filters: Variable) -> Declined | None:
    """Declined where a pass over the filters costs as much as one over the images."""
    batch, *sizes = images.type.shape
    count = (BATCH if batch is None else batch) * prod(size or 1 for size in sizes)
    weights = prod(size or 1 for size in filters.type.shape)
    if weights <= count:
        return None
    return Declined(f"{weights} weights are more than {count} numbers of the images")
