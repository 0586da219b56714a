"""Sums that slide along a row: windows over single channels, forward and backward.

Where a lane has one input channel, a number that was loaded serves all the taps that
see it. So columns of the input pass one by one, and the sums that wait for them move
along. At step j the input column ``first + stride j + ahead`` is there for the output
``j - delay``, where a tap has its own ``ahead`` and ``delay``:

    first_of_axis + dilation t = first + stride delay + ahead

The output j - D, D the longest delay, is done after step j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from codegen import sizes
from codegen.convolution.geometry import Axis, Channels, Correlation
from codegen.sizes import Size
from codegen.target import Target

SPARE = 2  # registers for a number of the input and for a product
NOT_KEPT = 3  # of so many filters one may be read from a cache where it is wanted
LEAST_COLUMNS = 12  # of outputs of many taps; a tile holds shorter rows whole
FEW_TAPS = 3  # side by side


@dataclass(frozen=True)
class Tap:
    """``number`` among the filters; reads ``row`` of the input, seen from stride i."""

    number: int
    row: int
    ahead: int
    delay: int


@dataclass(frozen=True)
class Steps:
    """The steps along a row in which ``count`` outputs are made of an input row."""

    count: Size
    stride: int
    first: int
    extent: Size
    taps: tuple[Tap, ...]

    @property
    def delay(self) -> int:
        """How many steps after its first input an output is done, at most."""
        return max((tap.delay for tap in self.taps), default=0)

    @property
    def end(self) -> Size:
        """The number of steps."""
        return self.count + self.delay

    @property
    def rows(self) -> list[int]:
        """The rows of the input that are read, seen from stride times the row."""
        return sorted({tap.row for tap in self.taps})

    @property
    def columns(self) -> list[int]:
        """What ``ahead`` is for some tap."""
        return sorted({tap.ahead for tap in self.taps})

    def seeing(self, row: int, ahead: int) -> list[Tap]:
        """The taps that see the numbers of one row and column."""
        return [tap for tap in self.taps if (tap.row, tap.ahead) == (row, ahead)]

    def column(self, ahead: int, step: Size) -> Size:
        """The column of the input that ``step`` reads."""
        return self.first + ahead + self.stride * step

    @property
    def whole(self) -> tuple[Size, Size]:
        """The steps, from the first to the last + 1, that read no column outside."""
        ahead = self.columns or [0]
        low = -((self.first + ahead[0]) // self.stride)
        over = self.extent - self.first - ahead[-1] + (self.stride - 1)
        return max(low, 0), sizes.floordiv(over, self.stride)


def steps_of(rows: Axis, columns: Axis, first: int | None = None) -> Steps:
    """The steps of one correlation, which count columns from ``first`` on."""
    first = columns.first if first is None else first
    taps = []
    for r in range(len(rows.taps)):
        for s in range(len(columns.taps)):
            place = columns.first + columns.dilation * s - first
            delay, ahead = divmod(place, columns.stride)
            number = r * len(columns.taps) + s
            taps.append(Tap(number, rows.first + rows.dilation * r, ahead, delay))
    return Steps(columns.count, columns.stride, first, columns.extent, tuple(taps))


def together(parts: Sequence[Correlation]) -> list[Steps]:
    """The steps of parts of one image, which read the same column at the same step."""
    read = [c.columns.first for c in parts if c.columns.taps]
    return [steps_of(c.rows, c.columns, min(read, default=0)) for c in parts]


def most_rows(parts: Sequence[Correlation]) -> Size:
    """The rows of the part that has most."""
    return reduce(sizes.maximum, (c.rows.count for c in parts))


def slides(parts: Sequence[Correlation], target: Target) -> bool:
    """Whether filters, and sums that wait, of such parts fit in registers."""
    if any(c.channels.broadcast or c.channels.inputs != 1 or c.pool for c in parts):
        return False
    if any(_is_short(c.columns) for c in parts):
        return False
    every = together(parts)
    filters = sum(len(steps.taps) for steps in every)
    waiting = sum(steps.delay + 1 for steps in every)
    kept = filters - filters // NOT_KEPT
    return filters > 0 and kept + waiting + SPARE <= target.registers


def _is_short(columns: Axis) -> bool:
    """Whether a tile holds a whole row, and its sums wait less for each other.

    With few taps there is hardly a difference between the two.
    """
    close = columns.stride == columns.step == 1 and len(columns.taps) > FEW_TAPS
    return close and isinstance(columns.count, int) and columns.count < LEAST_COLUMNS


def weights_slide(
    channels: Channels, rows: Axis, columns: Axis, target: Target
) -> bool:
    """Whether the sums of all taps, and the gradients they want, fit in registers."""
    steps = steps_of(rows, columns)
    single = not channels.broadcast and channels.inputs == 1
    return single and len(steps.taps) + steps.delay + 1 + SPARE <= target.registers


def copied(axis: Axis) -> Axis:
    """``axis`` along a copy of what it reads."""
    return replace(axis, first=0, extent=axis.reach(axis.count))
