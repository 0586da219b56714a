"""The steps along a row as C: straight lines at its ends, a loop between them.

Steps at either end of a row may read outside the image, and have no output yet or no
longer. Where sizes are known, so is which of these are there: what a step at an end
does is written out, without a branch. Where they are not, such steps ask.
``sliding.py`` and ``weight_slides.py`` say what is done at each step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import Axis
from codegen.convolution.reading import View
from codegen.convolution.slides import Steps
from codegen.sizes import Size, symbol

MOST_ENDS = 16  # steps that are written out
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Moment:
    """``step`` of a row, a number where it is known.

    ``inner`` says that it reads no column outside the image and that all its outputs
    are there, ``rows`` that it reads no row outside.
    """

    step: Size
    inner: bool
    rows: bool

    def asked(self, at: Size, count: Size) -> list[str] | None:
        """What to ask whether 0 <= at < count; None where it is known not to be so."""
        if self.inner:
            return []
        asked = []
        for left, question in (
            (at, f"{sizes.text(at)} >= 0"),
            (count - 1 - at, f"{sizes.text(at)} < {sizes.text(count)}"),
        ):
            if not isinstance(left, int):
                asked.append(question)
            elif left < 0:
                return None
        return asked


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

    def above(self, body: list[str]) -> list[str]:
        """``body`` below where they begin after ``in``, and if doubtful ones exist.

        It reads none of them where all its columns lie outside the image.
        """
        lines, top = [], self.view.top if self.view.copy else 0
        words = set(_WORD.findall("\n".join(body)))
        for name, offset in self.names.items():
            row = symbol("row") * self.axis.stride + offset + top
            at = sizes.text(row * self.view.row)
            lines.append(f"const {self.ctype} *const {name} = in + {at};")
            if name not in words:
                lines.append(f"(void){name};")
            asked = self.asks(offset)
            if asked:
                lines.append(f"const bool is_{name} = {' && '.join(asked)};")
        return [*lines, *body]


def read(
    rows: Rows,
    kind: str,
    steps: Steps,
    ahead: int,
    products: Callable[[int], list[str]],
    moment: Moment,
) -> list[str]:
    """What is made of each ``value`` in the column that ``ahead`` means: ``products``.

    These are of its row. What was read before SG_REREAD is not read again for each of
    them, as compilers else have it: loads are then as many as multiply-adds.
    """
    column = steps.column(ahead, moment.step)
    asked = moment.asked(column, steps.extent)
    if asked is None:
        return []
    at, lines = f"const int64_t at = {sizes.text(column)};", []
    for name, row in rows.names.items():
        made = products(row)
        if not made:
            continue
        load = f"sg_load_{kind}({name} + at * {rows.view.column})"
        head = f"if (is_{name})" if not moment.rows and rows.asks(row) else ""
        value = [f"const sg_{kind}v value = {load};", "SG_REREAD;"]
        lines += text.block(head, [*value, *made])
    if not lines:
        return []
    return text.block(f"if ({' && '.join(asked)})" if asked else "", [at, *lines])


def swept(
    span: tuple[Size, Size],
    end: Size,
    asked: list[str],
    step: Callable[[Moment], list[str]],
) -> list[str]:
    """Steps up to ``end``, of which those of ``span`` are inner ones.

    Rows are known to be there where what is ``asked`` holds.
    """
    if not asked:
        return _swept(span, end, step, rows=True)
    there, doubtful = (_swept(span, end, step, rows) for rows in (True, False))
    return [
        *text.block(f"if ({' && '.join(asked)})", there),
        *text.block("else", doubtful),
    ]


def _swept(
    span: tuple[Size, Size],
    end: Size,
    step: Callable[[Moment], list[str]],
    rows: bool,
) -> list[str]:
    first, last = span
    inner = step(Moment(symbol("step"), True, rows))
    if isinstance(first, int) and isinstance(last, int) and isinstance(end, int):
        first, last = (first, last) if first < last else (end, end)
        if first + end - last <= MOST_ENDS:
            numbers = *range(first), *range(last, end)
            ends = {at: step(Moment(at, False, rows)) for at in numbers}
            return _written_out(ends, (first, last), inner)
    return _asking(span, end, inner, step(Moment(symbol("step"), False, rows)))


def _written_out(
    ends: dict[int, list[str]], span: tuple[int, int], inner: list[str]
) -> list[str]:
    """The steps of ``span`` between those whose lines are known each by itself."""
    first, last = span
    before = [line for at, lines in ends.items() if at < first for line in lines]
    after = [line for at, lines in ends.items() if at >= last for line in lines]
    head = f"for (int64_t step = {first}; step < {last}; step++)"
    return [*before, *(text.block(head, inner) if first < last else ()), *after]


def _asking(
    span: tuple[Size, Size], end: Size, inner: list[str], other: list[str]
) -> list[str]:
    """The steps of ``span`` in one go, one by one the others."""
    first, last = map(sizes.text, span)
    sweep = text.block(f"for (; step < {last}; step++)", inner)
    body = [
        *text.block(f"if (step >= {first} && step < {last})", [*sweep, "continue;"]),
        *other,
        "step++;",
    ]
    head = f"while (step < {sizes.text(end)})"
    return ["int64_t step = 0;", *text.block(head, body)]
