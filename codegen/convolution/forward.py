"""``Convolution`` -> C, and ``ConvolutionBackwardData``: correlations both."""

from __future__ import annotations

from codegen.convolution import correlation
from codegen.convolution.geometry import (
    Correlation,
    backward_axes,
    check,
    forward_axis,
)
from codegen.emission import Emission
from codegen.errors import CodegenError
from codegen.ir import Convolution, ConvolutionBackwardData, Image
from codegen.target import Target


def emit_convolution(step: Convolution, target: Target) -> Emission:
    """The C of ``y = epilogue(correlate(x, filters))``."""
    x, y, window = step.x, step.y, step.window
    lanes = _checked("convolution", x, y, window.groups, target)
    c = Correlation(
        x,
        step.filters,
        y,
        forward_axis(window, 0, x.height, y.height),
        forward_axis(window, 1, x.width, y.width),
        window.groups,
        step.epilogue,
        lanes,
    )
    return correlation.emission([c], target, step.winograd)


def emit_convolution_backward_data(
    step: ConvolutionBackwardData, target: Target
) -> Emission:
    """The C of dx: a correlation for each residue of its position by the stride."""
    dy, dx, window = step.dy, step.dx, step.window
    lanes = _checked("convolution gradient", dy, dx, window.groups, target)
    parts, first_filter = [], 0
    for rows in backward_axes(window, 0, dy.height, dx.height):
        for columns in backward_axes(window, 1, dy.width, dx.width):
            c = Correlation(
                dy,
                step.filters,
                dx,
                rows,
                columns,
                window.groups,
                step.epilogue,
                lanes,
                first_filter,
            )
            parts.append(c)
            taps = len(rows.taps) * len(columns.taps)
            first_filter += c.channels.vectors * c.channels.inputs * taps * lanes
    return correlation.emission(parts, target, step.winograd)


def _checked(who: str, source: Image, to: Image, groups: int, target: Target) -> int:
    """The vector width, once the two images agree with it and with each other."""
    lanes = target.lanes(source.buffer.dtype)
    check(who, source, source.channels, groups, lanes)
    check(who, to, to.channels, groups, lanes)
    if to.block != lanes:
        raise CodegenError(f"{who}: output block is {to.block}, expected {lanes}")
    return lanes
