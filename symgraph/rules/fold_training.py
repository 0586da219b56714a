"""Affine maps that feed convolutions vanish in training too, where calls compute them.

In training an image of normalized numbers, x s + t for each channel, is wanted by the
convolution behind it and by the gradient of its filters. Both are linear in the image,
so they may read x itself, which is in memory anyway: its statistics were taken of it.
Neither s and t nor the filters are the same in two calls; what replaces a pass over
the images is done to the filters in each call. A map goes only where all its users can
take it, else its result would be stored all the same.

A product with a matrix keeps its map: a matrix has no pixels that share its elements,
so that scaling it costs as much as scaling a batch as large as its outputs are many.
"""

from __future__ import annotations

from math import prod

from symgraph.graph import Apply, Variable
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.conv import Conv2D, Conv2DBackwardWeights
from symgraph.ops.moments import Moments
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.shape import Dim
from symgraph.ops.statistics import unless_empty
from symgraph.ops.windows import NO_PADDING
from symgraph.rewriting import Context, Declined, Rule, node, rewrite, wildcards
from symgraph.rules.absorb import IMAGES, for_filters, into_filters, shared_along
from symgraph.rules.affine_map import Map, map_of
from symgraph.rules.batch_norm import normalization

x, gamma, beta, dy, b, c = wildcards("x gamma beta dy b c")
any_map = node(Affine, AddBias)(...)
biased = node(AddBias)(node(Conv2D)(...).named("conv"), b)

# The batch assumed where it is not known, to compare images with filters.
BATCH = 32


@rewrite(node(BatchNormTraining)(x, gamma, beta))
def write_batch_norm_as_affine(root, x, gamma, beta, context):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta  ->  x s + t

    With s = gamma / sqrt(variance + epsilon) and t = beta - mean s, of x's own moments.
    Done where the map can then be folded into all that uses it; the loss of accuracy is
    that of ``fold_affine_into_filters``.
    """
    mean, variance = Moments(root.op.axes)(x)
    map = normalization(root.op, gamma, beta, mean, variance)
    return _settles(root.outputs[0], map, context) or (map(x), mean, variance)


@rewrite(node(Conv2D)(any_map.named("inner"), ...))
def fold_affine_into_filters(root, inner, context):
    """conv(x s + t, w)  ->  conv(x, s w) + sum of t w over channels and taps

    Where t = beta - mean s, products w s x are summed and the sum of w s mean is taken
    away again, so that what is rounded is relative to sum |w s x| instead of
    sum |w s (x - mean)|. With n terms, u the unit roundoff, and what minimal filtering
    multiplies it by, the error is at most about

        (1 + |mean| / std) n u  sum |w| |s| std,

    as before where a channel's mean is not above its deviation, as behind a relu, else
    up to a digit more for each power of ten of |mean| / std. (A map that stays errs by
    u |mean s| in every number, as mean is rounded.)
    """
    problem = _is_foldable(inner, context)
    return problem or into_filters(root, map_of(inner), inner.inputs[0], context)


@rewrite(node(Conv2DBackwardWeights)(any_map.named("inner"), dy, ...))
def take_affine_out_of_gradient(root, inner, dy, context):
    """W(x s + t, dy)  ->  s W(x, dy) + t sum of dy over examples and pixels

    Without padding each tap meets every element of dy once. The sum is the gradient of
    the bias, where there is one. The error is as in ``fold_affine_into_filters``, n
    being how many elements of dy there are for each output channel. Of no examples
    both are 0, though s and t, if made of their moments, are NaN.
    """
    problem = _is_foldable(inner, context)
    fine = problem or shared_along(map_of(inner), IMAGES, inner.inputs[0])
    if isinstance(fine, Declined):
        return fine
    groups = root.op.groups
    scale, shift = (_of_examples(p, dy, context) for p in (fine.scale, fine.shift))
    result = root.op(inner.inputs[0], *root.inputs[1:])
    if scale is not None:
        result = result * for_filters(scale, result, groups)
    if shift is not None:
        total = expand_dims(dy.sum(axis=IMAGES), (1, 2, 3))
        result = result + total * for_filters(shift, result, groups)
    return result


@rewrite(node(AddBias)(biased.named("inner").once(), c))
def add_biases(root, inner, conv, b, c):
    """(conv(x, w) + b) + c  ->  conv(x, w) + (b + c), shared along the same axes"""
    if root.op != inner.op:
        return Declined(f"one is shared along {inner.op.axes}, one {root.op.axes}")
    return root.op(conv.outputs[0], b + c)


FOLD_TRAINING: tuple[Rule, ...] = (
    write_batch_norm_as_affine,
    fold_affine_into_filters,
    take_affine_out_of_gradient,
    add_biases,
)


def _of_examples(
    parameter: Variable | None, dy: Variable, context: Context
) -> Variable | None:
    """A parameter to multiply sums over dy: 0 where those are of nothing."""
    if parameter is None or context.is_invariant(parameter):
        return parameter
    return unless_empty(parameter, dy, IMAGES, 0.0)


def _is_foldable(inner: Apply, context: Context) -> Declined | None:
    """Why a map should stay; None where all its users can take it, and that saves."""
    before = context.owner(inner.inputs[0])
    if before is not None and context.uses(inner.inputs[0]) == 1:
        return Declined(
            f"the map can be applied by the kernel of {before.op} before it"
        )
    return _settles(inner.outputs[0], map_of(inner), context)


def _settles(variable: Variable, map: Map, context: Context) -> Declined | None:
    """Why not all users of ``variable`` can take the map before it, or None."""
    users = context.clients(variable)
    if not users:
        return Declined("nothing uses the result")
    for user, position in users:
        if user is None:
            return Declined("it is an output of the graph")
        problem = _takes(user, position, map)
        if problem is not None:
            return problem
    return None


def _takes(user: Apply, position: int, map: Map) -> Declined | None:
    """Why a user cannot take the map out of its input; None if it can."""
    op, images = user.op, user.inputs[position]
    if isinstance(op, Dim):
        return None
    if not isinstance(op, (Conv2D, Conv2DBackwardWeights)) or position != 0:
        return Declined(f"{op} uses it, and has no filters that it could go into")
    filters = user.inputs[1] if isinstance(op, Conv2D) else user.outputs[0]
    if not filters.type.is_static or images.type.shape[1] is None:
        return Declined(f"a size of {filters.type} or of the channels is not known")
    fine = shared_along(map, IMAGES, images)
    if isinstance(fine, Declined):
        return fine
    if fine.shift is not None and op.padding != NO_PADDING:
        return Declined("the convolution pads by zeros, the map gives its shift there")
    return _is_smaller(images, filters)


def _is_smaller(images: Variable, filters: Variable) -> Declined | None:
    """Declined where a pass over the filters costs as much as one over the images."""
    batch, *sizes = images.type.shape
    numbers = (BATCH if batch is None else batch) * prod(size or 1 for size in sizes)
    weights = prod(size or 1 for size in filters.type.shape)
    if weights <= numbers:
        return None
    return Declined(f"{weights} weights are more than {numbers} numbers of the images")
