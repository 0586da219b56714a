"""The tiles that Winograd's filtering cuts results in, or the gradient of results.

Where every tap sees every input, as in the gradient of an image that was not padded,
the transposed transforms serve: tiles are of the input, and what each makes of its
outputs overlaps with what others make and is added up.
"""

from __future__ import annotations

from codegen.convolution.bands import UNITS, Bands
from codegen.convolution.geometry import Axis, Correlation, blocks

LEAST_TAPS = {6: 3, 8: 5}  # by the number of points in one dimension
INPUT_BYTES = 1 << 18  # what the transformed inputs of a unit may take


def sides(rows: Axis, columns: Axis) -> tuple[int, ...]:
    """The numbers of points that serve windows of this form."""
    if not all(a.stride == a.dilation == 1 and a.known for a in (rows, columns)):
        return ()
    few, many = sorted((len(rows.taps), len(columns.taps)))
    return tuple(s for s, least in LEAST_TAPS.items() if least <= few and many < s)


def outputs_of(side: int, rows: Axis, columns: Axis) -> tuple[int, int]:
    """Rows and columns of outputs of a tile."""
    return side + 1 - len(rows.taps), side + 1 - len(columns.taps)


def grid_of(side: int, rows: Axis, columns: Axis) -> tuple[int, int]:
    """Tiles down and across one sample."""
    down, across = outputs_of(side, rows, columns)
    return -(-rows.lengths[0] // down), -(-columns.lengths[0] // across)


def banded_grid(
    side: int, rows: Axis, columns: Axis, bands: Bands | None
) -> tuple[int, int]:
    """The same for one band, where there are any."""
    down, across = grid_of(side, rows, columns)
    if bands is None:
        return down, across
    length = bands.step or bands.most
    return -(-length // outputs_of(side, rows, columns)[0]), across


def inputs_grid(side: int, c: Correlation) -> tuple[int, int]:
    """Tiles down and across the input of one sample."""
    down, across = outputs_of(side, c.rows, c.columns)
    return -(-c.rows.lengths[1] // down), -(-c.columns.lengths[1] // across)


def sees_all(c: Correlation) -> bool:
    """Whether all taps see all inputs."""
    return all(
        axis.first == 1 - len(axis.taps)
        and axis.lengths[0] == axis.lengths[1] + len(axis.taps) - 1
        for axis in (c.rows, c.columns)
    )


def is_transposed(c: Correlation, side: int) -> bool:
    """Whether all taps see all inputs, whose tiles are fewer than those of results.

    Tiles whose results overlap are all in one unit, so that samples must be many.
    """
    if c.pool is not None or not sees_all(c):
        return False
    number, others = (
        down * across
        for down, across in (inputs_grid(side, c), grid_of(side, c.rows, c.columns))
    )
    if number == 1:
        return True
    size = side * side * blocks(c.source) * c.lanes * c.item
    many = are_many(c) or not isinstance(c.source.batch, int)
    return many and number < others and number * size <= INPUT_BYTES


def are_many(c: Correlation) -> bool:
    """Whether samples are enough to share out."""
    return isinstance(c.source.batch, int) and c.source.batch >= UNITS
