"""Sums that slide along a row: windows over single channels, forward and backward.

Where a lane has one input channel, a number that was loaded serves all the taps that
see it. So columns of the input pass one by one, and the sums that wait for them move
along. At step j the input column ``first + stride j + ahead`` is there for the output
``j - delay``, where a tap has its own ``ahead`` and ``delay``:

    first_of_axis + dilation t = first + stride delay + ahead

The output j - D, D the longest delay, is done after step j.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Axis, Channels, Correlation
from codegen.convolution.reading import View
from codegen.sizes import Size, symbol
from codegen.target import Target

SPARE = 2  # registers for a number of the input and for a product
LEAST_COLUMNS = 12  # of outputs side by side; a tile holds shorter rows whole


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
    used = sum(len(steps.taps) + steps.delay + 1 for steps in every)
    return any(steps.taps for steps in every) and used + SPARE <= target.registers


def _is_short(columns: Axis) -> bool:
    """Whether a row is known to be all ends: most of its steps would have to ask."""
    close = columns.stride == columns.step == 1
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


# --- as C: ``sliding.py`` and ``weight_slides.py`` ------------------------------------


@dataclass(frozen=True)
class Rows:
    """The rows of the input that ``row`` reads: ``offsets`` from stride times it."""

    axis: Axis
    view: View
    ctype: str
    offsets: tuple[int, ...]

    @property
    def names(self) -> dict[str, int]:
        """The offsets by the names of their pointers."""
        return {f"row_{number}": offset for number, offset in enumerate(self.offsets)}

    @property
    def doubtful(self) -> list[str]:
        """What says of the rows that may lie outside the image whether they do not."""
        return [
            f"is_{name}" for name, offset in self.names.items() if self.asks(offset)
        ]

    def asks(self, offset: int) -> list[str]:
        """What to ask where a row may lie outside."""
        axis, found = self.axis, []
        if self.view.copy:
            return []
        at = sizes.text(symbol("row") * axis.stride + offset)
        if offset < 0:
            found.append(f"{at} >= 0")
        over = axis.stride * (axis.count - 1) + offset - axis.extent
        if not (isinstance(over, int) and over < 0):
            found.append(f"{at} < {sizes.text(axis.extent)}")
        return found

    @property
    def lines(self) -> list[str]:
        """Where they begin, after ``in``, and whether the doubtful ones exist."""
        lines, top = [], self.view.top if self.view.copy else 0
        for name, offset in self.names.items():
            row = symbol("row") * self.axis.stride + offset + top
            at = sizes.text(row * self.view.row)
            lines.append(f"const {self.ctype} *const {name} = in + {at};")
            asked = self.asks(offset)
            if asked:
                lines.append(f"const bool is_{name} = {' && '.join(asked)};")
        return lines


def read(
    rows: Rows,
    kind: str,
    steps: Steps,
    ahead: int,
    products: Callable[[int], list[str]],
    whole: bool,
) -> list[str]:
    """What is made of each ``value`` in the column that ``ahead`` means: ``products``.

    These are of its row. A step that is not ``whole`` asks whether it exists.
    """
    at, extent = map(sizes.text, (steps.column(ahead, symbol("step")), steps.extent))
    lines: list[str] = []
    for name, row in rows.names.items():
        made = products(row)
        if not made:
            continue
        load = f"sg_load_{kind}({name} + at * {rows.view.column})"
        head = f"if (is_{name})" if not whole and rows.asks(row) else ""
        lines += text.block(head, [f"const sg_{kind}v value = {load};", *made])
    if not whole:
        lines = text.block(f"if (at >= 0 && at < {extent})", lines)
    return text.block("", [f"const int64_t at = {at};", *lines])


def swept(
    span: tuple[Size, Size],
    end: Size,
    asked: list[str],
    whole: list[str],
    other: list[str],
) -> list[str]:
    """Steps up to ``end``: those of ``span`` in one go, one by one the others.

    The first need not ask anything, but are only there where ``asked`` holds.
    """
    first, last = map(sizes.text, span)
    inner = [f"step >= {first}", f"step < {last}", *asked]
    sweep = text.block(f"for (; step < {last}; step++)", whole)
    body = [
        *text.block(f"if ({' && '.join(inner)})", [*sweep, "continue;"]),
        *other,
        "step++;",
    ]
    head = f"while (step < {sizes.text(end)})"
    return ["int64_t step = 0;", *text.block(head, body)]
