"""Where the results of a convolution that pools lie: images, or a number a channel."""

from __future__ import annotations

from codegen import ir
from symgraph.graph import Variable
from symgraph.lowering import layouts
from symgraph.lowering.builder import Builder
from symgraph.lowering.failures import LoweringError
from symgraph.lowering.values import Stored


def allocate(builder: Builder, variable: Variable, lanes: int) -> Stored:
    """Memory for [N,C,H,W] in blocks, for [N,C] in plain order where that is the same.

    Whole vectors of channels with one pixel each lie as a matrix does.
    """
    shape = builder.shape(variable)
    channels = shape[1]
    plain = len(shape) == 2 and isinstance(channels, int) and channels % lanes == 0
    return builder.allocate(variable, 1 if plain else lanes)


def image_of(target: Stored, lanes: int) -> ir.Image:
    """Memory that ``allocate`` gave as images, [N,C] as those of one pixel."""
    if len(target.shape) == 4:
        return layouts.image_of(target)
    batch, channels = target.shape
    if not isinstance(channels, int):
        raise LoweringError("lower: the number of channels of an image must be known")
    return ir.Image(target.buffer, batch, channels, 1, 1, lanes)


def shaped(builder: Builder, variable: Variable, block: int) -> ir.Image:
    """Images, or a number a channel, of the variable's sizes, in no memory yet."""
    batch, channels, *size = builder.shape(variable)
    assert isinstance(channels, int)
    height, width = size or (1, 1)
    buffer = ir.Buffer("image", variable.dtype, ())
    return ir.Image(buffer, batch, channels, height, width, block)
