"""``Convolution`` -> C, and ``ConvolutionBackwardData``: correlations both."""

from __future__ import annotations

from codegen.convolution import correlation, winograd
from codegen.convolution.geometry import (
    Correlation,
    check,
    forward_axis,
)
from codegen.convolution.plan import plan
from codegen.convolution.residues import backward_axes
from codegen.convolution.results import results
from codegen.emission import Emission
from codegen.errors import CodegenError
from codegen.ir import Convolution, ConvolutionBackwardData, Image
from codegen.target import Target


def emit_convolution(step: Convolution, target: Target) -> Emission:
    """The C of ``y = epilogue(correlate(x, filters))``."""
    parts = [correlation_of(step, target)]
    return correlation.emission(parts, target, step.points)


def emit_convolution_backward_data(
    step: ConvolutionBackwardData, target: Target
) -> Emission:
    """The C of dx: a correlation for each residue of its position by the stride."""
    parts = _backward_parts(step, target)
    return correlation.emission(parts, target, step.points)


def winograd_points(
    step: Convolution | ConvolutionBackwardData, target: Target, ready: bool = False
) -> int:
    """The points of Winograd's filtering that would do ``step`` fastest, else 0.

    ``ready`` says that the filters are transformed once, not at each call.
    """
    if isinstance(step, Convolution):
        parts = [correlation_of(step, target)]
    else:
        parts = _backward_parts(step, target)
    if len(parts) != 1 or parts[0].empty:
        return 0
    direct = plan(parts[0], target).cost
    costs = winograd.costs_of(parts[0], direct, target, ready)
    return min(costs, key=lambda points: costs[points])


def correlation_of(step: Convolution, target: Target) -> Correlation:
    """``step`` as a correlation, checked."""
    x, y, window = step.x, step.y, step.window
    lanes = _checked("convolution", x, y, window.groups, target)
    height, width = results(step)
    c = Correlation(
        x,
        step.filters,
        y,
        forward_axis(window, 0, x.height, height),
        forward_axis(window, 1, x.width, width),
        window.groups,
        step.epilogue,
        lanes,
        pool=step.pool,
        before=step.before,
        places=step.places,
    )
    if step.pool and not (c.rows.known and c.columns.known):
        raise CodegenError("convolution: pooling needs images of known sizes")
    return c


def _backward_parts(step: ConvolutionBackwardData, target: Target) -> list[Correlation]:
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
    return parts


def _checked(who: str, source: Image, to: Image, groups: int, target: Target) -> int:
    """The vector width, once the two images agree with it and with each other."""
    lanes = target.lanes(source.buffer.dtype)
    check(who, source, source.channels, groups, lanes)
    check(who, to, to.channels, groups, lanes)
    if to.block != lanes:
        raise CodegenError(f"{who}: output block is {to.block}, expected {lanes}")
    return lanes
