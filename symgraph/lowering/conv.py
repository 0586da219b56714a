"""Convolutions to the kernels of the same names.

Their images come and go in the blocked layout (channels cut into vectors), so a chain
of convolutions, poolings and pointwise ops never reorders; only an image of fewer
channels than a vector, such as a photograph, is read as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from codegen import ir
from codegen.convolution import (
    at_points,
    by_two,
    flops,
    packed_shape,
    pools_faster,
    takes_places,
    transformed_shape,
    winograd_points,
)
from symgraph.graph import Apply, Variable
from symgraph.graph.config import config
from symgraph.lowering import general_conv, pooled
from symgraph.lowering.builder import Builder
from symgraph.lowering.channel_sums import emit_with_sums
from symgraph.lowering.failures import LoweringError
from symgraph.lowering.layouts import image_of
from symgraph.lowering.pool import places_of_maxima
from symgraph.lowering.tail import Tail, image_index
from symgraph.lowering.windows import pooling_of, windows_tile
from symgraph.ops.conv import Conv2D, Conv2DBackwardData, Conv2DBackwardWeights
from symgraph.ops.pool_places import MaxPool2DScatter

Step = TypeVar("Step", ir.Convolution, ir.ConvolutionBackwardData)


def lower_conv2d(builder: Builder, node: Apply, tail: Tail) -> None:
    """conv2d(x, filters), and what follows it, in one kernel."""
    x, filters = node.inputs
    if not _are_known(filters.type.shape) or x.type.shape[1] is None:
        general_conv.lower_conv2d(builder, node, tail)
        return
    window = _window(node.op, filters)
    image = _input(builder, x)
    packed = _packed(builder, filters, window, transposed=False)
    lanes = _lanes(builder, x)
    target = pooled.allocate(builder, tail.output, lanes)
    y = pooled.image_of(target, lanes)
    index = image_index(lanes)
    own = index[: len(target.shape)]
    step = ir.Convolution(image, packed, y, window, tail.epilogue(own, x.dtype))
    if tail.pooled is not None:
        pooling = tail.pooled.node
        step = replace(
            step,
            pool=pooling_of(pooling),
            before=tail.pooled.epilogue(index, x.dtype),
            places=places_of_maxima(builder, pooling, lanes),
        )
    emit_with_sums(builder, _quickest(builder, step, filters), tail, index)


def lower_conv2d_backward_data(builder: Builder, node: Apply, tail: Tail) -> None:
    """The gradient of conv2d with respect to its image."""
    dy, filters = node.inputs[:2]
    if not _are_known(filters.type.shape) or dy.type.shape[1] is None:
        general_conv.lower_conv2d_backward_data(builder, node, tail)
        return
    window = _window(node.op, filters)
    lanes = _lanes(builder, dy)
    packed = _packed(builder, filters, window, transposed=True)
    target = builder.allocate(tail.output, lanes)
    dx = image_of(target)
    index = image_index(lanes)
    epilogue = tail.epilogue(index, dy.dtype)
    image = builder.image(dy, lanes)
    step = ir.ConvolutionBackwardData(image, packed, dx, window, epilogue)
    emit_with_sums(builder, _quickest(builder, step, filters), tail, index)


def lower_conv2d_backward_weights(builder: Builder, node: Apply) -> None:
    """The gradient of conv2d with respect to its filters."""
    x, dy = node.inputs[:2]
    if not _are_known((*node.outputs[0].type.shape, x.type.shape[1])):
        general_conv.lower_conv2d_backward_weights(builder, node)
        return
    lanes = _lanes(builder, dy)
    target, places = builder.allocate(node.outputs[0]), None
    if is_unpooled_by(builder, dy, node):
        assert dy.owner is not None
        places = builder.blocked(dy.owner.inputs[0], lanes).buffer
        dy = dy.owner.inputs[1]
    step = ir.ConvolutionBackwardWeights(
        _input(builder, x),
        builder.image(dy, lanes),
        target.buffer,
        _window(node.op, node.outputs[0]),
        config.winograd,
        places,
    )
    builder.emit(step, "", flops(step))


def is_unpooled_by(builder: Builder, dy: Variable, user: Apply) -> bool:
    """Whether ``user`` alone reads dy, scattered from 2 by 2, and does so by itself."""
    node = dy.owner
    if node is None or not isinstance(node.op, MaxPool2DScatter):
        return False
    if not isinstance(user.op, Conv2DBackwardWeights) or user.inputs[1] is not dy:
        return False
    x, filters = user.inputs[0], user.outputs[0]
    if builder.users.get(dy, set()) != {user} or builder.is_delivered(dy):
        return False
    if not _are_known((*filters.type.shape, x.type.shape[1])) or user.inputs[0] is dy:
        return False
    if not windows_tile(node) or not by_two(pooling_of(node)):
        return False
    lanes = _lanes(builder, dy)
    step = ir.ConvolutionBackwardWeights(
        _input_shaped(builder, x),
        pooled.shaped(builder, dy, lanes),
        ir.Buffer("dw", dy.dtype, builder.shape(filters)),
        _window(user.op, filters),
        config.winograd,
    )
    return takes_places(step, builder.target)


def _input_shaped(builder: Builder, x: Variable) -> ir.Image:
    """The image that a convolution of x reads, in no memory yet."""
    channels, lanes = builder.shape(x)[1], _lanes(builder, x)
    assert isinstance(channels, int)
    return pooled.shaped(builder, x, 1 if channels < lanes else lanes)


def pools_faster_itself(builder: Builder, node: Apply, pooling: Apply) -> bool:
    """Whether a convolution of known sizes had better do the ``pooling`` after it."""
    x, filters = node.inputs
    lanes = _lanes(builder, x)
    step = ir.Convolution(
        _input_shaped(builder, x),
        ir.Buffer("filters", x.dtype, ()),
        pooled.shaped(builder, pooling.outputs[0], lanes),
        _window(node.op, filters),
        pool=pooling_of(pooling),
    )
    whole = pooled.shaped(builder, node.outputs[0], lanes)
    ready = filters in builder.invariant
    return pools_faster(step, whole, builder.target, config.winograd, ready)


def is_known(node: Apply) -> bool:
    """Whether the sizes of the images and filters of a convolution are known."""
    (_, *image), filters = node.inputs[0].type.shape, node.inputs[1].type.shape
    return _are_known((*image, *filters))


def _are_known(shape: tuple[int | None, ...]) -> bool:
    return None not in shape


def _lanes(builder: Builder, variable: Variable) -> int:
    return builder.target.lanes(variable.dtype)


def _window(
    op: Conv2D | Conv2DBackwardData | Conv2DBackwardWeights, filters: Variable
) -> ir.Window:
    rows, columns = filters.type.shape[2:]
    assert rows is not None and columns is not None
    return ir.Window((rows, columns), op.stride, op.dilation, op.padding, op.groups)


def _input(builder: Builder, x: Variable) -> ir.Image:
    """The image as it is where it has few channels or is blocked, else blocked."""
    lanes = _lanes(builder, x)
    channels = x.type.shape[1]
    few = channels is not None and channels < lanes
    blocked = builder.stored(x).block == lanes
    return builder.image(x, 1 if few and not blocked else lanes)


def _packed(
    builder: Builder, filters: Variable, window: ir.Window, transposed: bool
) -> ir.Buffer:
    """The filters in the order of the kernel; made once where they do not change."""
    plain = builder.contiguous(filters)
    lanes = _lanes(builder, filters)
    outputs, inputs = filters.type.shape[:2]
    if outputs is None or inputs is None:
        raise LoweringError(f"conv2d: filters of known sizes needed, got {filters!r}")
    channels = inputs * window.groups
    shape = packed_shape(window, channels, outputs, lanes, transposed)
    with builder.made_from(filters):
        packed = builder.buffer(filters.dtype, shape)
        step = ir.PackFilters(
            plain.buffer, packed, window, lanes, transposed, plain.shape
        )
        builder.emit(step, "pack_filters")
    return packed


def _quickest(builder: Builder, step: Step, filters: Variable) -> Step:
    """``step``, by Winograd's filtering where that is allowed and costs less."""
    ready = filters in builder.invariant
    points = winograd_points(step, builder.target, ready) if config.winograd else 0
    if not points:
        return step
    packed = [size for size in step.filters.shape if isinstance(size, int)]
    shape = transformed_shape(packed, step.window.kernel, points)
    with builder.made_from(filters):
        made = builder.buffer(step.filters.dtype, shape)
        transform, quick = at_points(step, points, made)
        builder.emit(transform, "transform_filters")
    return quick
