"""The results of a convolution: how many it computes, and what pools them.

With pooling they are more than its image has; only windows of 2 by 2 are pooled before
they leave the registers.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution.vector_text import vector_text
from codegen.ir import (
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Epilogue,
    Load,
    Pooling,
)
from codegen.sizes import Size, symbols_of
from codegen.traverse import parts


def flops(
    step: Convolution | ConvolutionBackwardData | ConvolutionBackwardWeights,
) -> Size:
    """Multiplications and additions: 2 N K (C / groups) R S, for each output pixel."""
    match step:
        case Convolution(x=x, y=y):
            wide, narrow = y, x
        case ConvolutionBackwardData(dy=dy, dx=dx):
            wide, narrow = dy, dx
        case ConvolutionBackwardWeights(x=x, dy=dy):
            wide, narrow = dy, x
    pixels = wide.batch * wide.height * wide.width
    if isinstance(step, Convolution) and step.pool is not None:
        height, width = results(step)
        pixels = wide.batch * height * width
    elif isinstance(step, ConvolutionBackwardWeights) and step.places is not None:
        pixels = pixels * 4
    filters = wide.channels * (narrow.channels // step.window.groups)
    return pixels * (2 * filters * step.window.kernel[0] * step.window.kernel[1])


def results(step: Convolution) -> tuple[Size, Size]:
    """Rows and columns of the results that are computed, and then perhaps pooled."""
    x, y, window = step.x, step.y, step.window
    if step.pool is None:
        return y.height, y.width
    if in_registers(step.pool, step.before):  # a last odd one is in no window
        return y.height * 2, y.width * 2
    height, width = (
        sizes.floordiv(length + sum(pads) - dilation * (taps - 1) - 1, stride) + 1
        for length, pads, dilation, taps, stride in zip(
            (x.height, x.width),
            window.padding,
            window.dilation,
            window.kernel,
            window.stride,
            strict=True,
        )
    )
    return height, width


def in_registers(pooling: Pooling, before: Epilogue | None) -> bool:
    """Whether windows can be pooled on the registers, once ``before`` is done there.

    What it reads must not depend on the pixel: tiles may reach beyond the image.
    """
    if before is None or not by_two(pooling):
        return by_two(pooling)
    loads = [part for part in parts(before.value) if isinstance(part, Load)]
    moving = any(not {"y", "x"}.isdisjoint(symbols_of(p.position)) for p in loads)
    return not moving and vector_text(before.value, before.value.dtype) is not None


def by_two(pooling: Pooling) -> bool:
    """Whether windows are 2 by 2, side by side: those that fit in registers."""
    unpadded = pooling.padding == ((0, 0), (0, 0))
    plain = unpadded and not pooling.summed
    return plain and pooling.window == pooling.stride == (2, 2)
