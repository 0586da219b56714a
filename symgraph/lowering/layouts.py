"""Blocked layouts: memory in which a dimension is cut in blocks, lanes innermost.

A convolution wants the channels of an image in blocks of the vector width, the last
block padded with zeros. Here is what such memory looks like, which index its loops are
at, and how values are copied into it and out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen import ir
from codegen.schedule import elementwise
from codegen.sizes import Size, floordiv
from symgraph.lowering.body import Body
from symgraph.lowering.failures import LoweringError
from symgraph.lowering.values import Index, Split, Stored, Value, plain_view


def blocked_shape(shape: Sequence[Size], block: int, channel: int) -> tuple[Size, ...]:
    """The shape of memory in which ``channel`` is cut in blocks, lanes innermost."""
    blocks = floordiv(shape[channel] + (block - 1), block)
    return (*shape[:channel], blocks, *shape[channel + 1 :], block)


def blocked_view(
    buffer: ir.Buffer, shape: Sequence[Size], block: int, channel: int
) -> Stored:
    """Memory of ``blocked_shape`` seen under its logical shape."""
    strides = plain_view(buffer).strides[:-1]
    return Stored(buffer, tuple(shape), strides, 0, channel, block)


def is_dense(stored: Stored, channel: int) -> bool:
    """Whether memory is all of ``blocked_shape``, cut along ``channel``."""
    physical = blocked_shape(stored.shape, stored.block, channel)
    return (
        stored.buffer.shape == physical
        and stored.offset == 0
        and (stored == blocked_view(stored.buffer, stored.shape, stored.block, channel))
    )


def image_of(stored: Stored) -> ir.Image:
    """Stored four-dimensional data as an image of the kernel IR."""
    batch, channels, height, width = stored.shape
    if not isinstance(channels, int):
        raise LoweringError("lower: the number of channels of an image must be known")
    return ir.Image(stored.buffer, batch, channels, height, width, stored.block)


def loop_extents(target: Stored) -> tuple[Size, ...]:
    """The loops over ``target`` in the order of its memory."""
    if target.block == 1:
        return target.shape
    return blocked_shape(target.shape, target.block, target.channel)


def logical_index(target: Stored, indices: Sequence[Size]) -> tuple[Index, ...]:
    """The index of the element that the loops over ``target`` are at."""
    if target.block == 1:
        return tuple(indices)
    index: list[Index] = list(indices[:-1])
    outer = indices[target.channel]
    index[target.channel] = Split(outer, indices[-1], target.block)
    return tuple(index)


def masked(
    element: ir.Expression, target: Stored, index: Sequence[Index]
) -> ir.Expression:
    """``element``, or zero in the padding lanes of a last block."""
    if target.block == 1:
        return element
    channels, entry = target.shape[target.channel], index[target.channel]
    if isinstance(channels, int) and channels % target.block == 0:
        return element
    at = entry.flat if isinstance(entry, Split) else entry
    inside = ir.Call("lt", (ir.SizeValue(at), ir.SizeValue(channels)), "bool")
    zero = ir.Literal(0, element.dtype)
    return ir.Call("where", (inside, element, zero), element.dtype)


def copy_loop(value: Value, target: Stored) -> ir.Step:
    """``target[i] = value[i]`` for every index i, padding lanes set to zero."""

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body, index = Body(), logical_index(target, indices)
        element = masked(value.at(index, body), target, index)
        body.store(target.buffer, target.position(index), element)
        return tuple(body.statements)

    return elementwise(loop_extents(target), statements)


def copy(value: Value, target: Stored) -> ir.Step:
    """``value`` brought to the memory of ``target``.

    Both have the same sizes. Where one was made before two sizes were found to agree,
    it may have another name for them.
    """
    if isinstance(value, Stored) and reorders(value, target):
        source, to = image_of(value), image_of(target)
        same = replace(source, batch=to.batch, height=to.height, width=to.width)
        return ir.Reorder(same, to)
    return copy_loop(value, target)


def reorders(value: Stored, target: Stored) -> bool:
    """Whether ``ir.Reorder`` can copy: whole images, to blocks or from them."""
    if len(target.shape) != 4:
        return False
    if target.dtype not in ("float32", "float64") or value.block == target.block:
        return False
    if not isinstance(target.shape[1], int):
        return False
    return _is_whole_image(value) and _is_whole_image(target)


def _is_whole_image(stored: Stored) -> bool:
    if stored.block == 1:
        return stored.is_plain
    return stored.channel == 1 and is_dense(stored, 1)
