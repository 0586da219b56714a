"""``Convolution`` -> C, and ``ConvolutionBackwardData``: correlations both."""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution import correlation, winograd
from codegen.convolution.geometry import (
    Correlation,
    check,
    forward_axis,
)
from codegen.convolution.outlets import has_sums_in_vectors
from codegen.convolution.plan import plan
from codegen.convolution.residues import backward_axes
from codegen.convolution.results import results
from codegen.emission import Emission
from codegen.errors import CodegenError
from codegen.ir import Convolution, ConvolutionBackwardData, Image
from codegen.target import Target

LEAST_PIXELS = 32  # of a band or unit, beside which its record of sums is small
NEAR_BYTES = 1 << 21  # of results that a pass after them still finds in a cache


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
    parts = _parts_of(step, target)
    if len(parts) != 1 or parts[0].empty:
        return 0
    direct = plan(parts[0], target).cost
    costs = winograd.costs_of(parts[0], direct, target, ready)
    return min(costs, key=lambda points: costs[points])


def takes_sums(step: Convolution | ConvolutionBackwardData, target: Target) -> bool:
    """Whether ``step`` should sum its results as its epilogue says, on the way.

    It cannot where that takes more than vectors can do, and each sum leaves a record
    behind for each part of the results that is made in one go. Where such a part has
    few pixels, or nobody knows how many, a pass over the results costs no more. Nor
    does it where these are near: then it is quicker than what tiles do for their sums.
    """
    epilogue = step.epilogue
    some = [part for part in _parts_of(step, target) if not part.empty]
    known = all(part.rows.known and part.columns.known for part in some)
    if epilogue is None or not some or not known:
        return False
    if any(part.banded for part in some):
        return False
    if not has_sums_in_vectors(epilogue, some[0].source.buffer.dtype):
        return False
    pixels, turns = 0, 0
    for part in some:
        pixels += part.rows.lengths[0] * part.columns.lengths[0] // part.pooled**2
        turns += _turns(part, target, step.points)
    return pixels >= LEAST_PIXELS * turns and not _is_near(some[0].result)


def _is_near(image: Image) -> bool:
    """Whether an image is known to stay in a cache."""
    numbers = sizes.product(image.buffer.shape)
    item = np.dtype(image.buffer.dtype).itemsize
    return isinstance(numbers, int) and numbers * item <= NEAR_BYTES


def _turns(part: Correlation, target: Target, points: int) -> int:
    """How many bands, or units of tiles, one sample is made in, at least one."""
    if not points:
        return plan(part, target).bands
    found = winograd.cut(part, points, target)
    return -(-found.sample_tiles // found.tiles)


def _parts_of(
    step: Convolution | ConvolutionBackwardData, target: Target
) -> list[Correlation]:
    if isinstance(step, Convolution):
        return [correlation_of(step, target)]
    return _backward_parts(step, target)


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
