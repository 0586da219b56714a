"""Correlations of single channels as C: columns pass, sums move along (``slides.py``).

The steps at either end of a row may read outside the image, and have no output yet or
no longer; so may rows at its edges. They ask before everything that they do. All other
steps are a loop of their own that asks for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

from codegen import sizes
from codegen.convolution import epilogue, outlets, slides, streams, sweeps, text
from codegen.convolution.plan import Plan
from codegen.convolution.slides import Steps, copied
from codegen.convolution.sweeps import Moment, Rows
from codegen.sizes import Size, symbol


@dataclass(frozen=True)
class Part:
    """One of the correlations that slide together, and its ``number`` among them."""

    number: int
    plan: Plan
    steps: Steps

    @property
    def pixel(self) -> tuple[list[str], list[str], list[str]]:
        """Lines before a row, for each of its outputs, and after it."""
        return outlets.one_by_one(epilogue.outlet_of(self.plan.correlation))


def parts_of(plans: Sequence[Plan]) -> list[Part]:
    """``plans`` of one image as parts; a single one may read a copy of its rows."""
    correlations = [plan.correlation for plan in plans]
    if plans[0].view.copy:
        (c,) = correlations
        rows, columns = copied(c.rows), copied(c.columns)
        correlations = [replace(c, rows=rows, columns=columns)]
    every = zip(plans, slides.together(correlations), strict=True)
    return [Part(number, plan, steps) for number, (plan, steps) in enumerate(every)]


def unit_lines(plans: Sequence[Plan]) -> list[str]:
    """The rows ``top`` to ``bottom`` of a bundle, which is one vector of channels."""
    parts, view, ctype = parts_of(plans), plans[0].view, plans[0].ctype
    rows = _rows(parts)
    before, _, after = parts[0].pixel
    row = rows.above([*_opened(parts), *before, *_steps(parts, rows), *after])
    return [
        *view.copy,
        f"const {ctype} *const in = {view.pointer};",
        *text.block("for (int64_t row = top; row < bottom; row++)", row),
    ]


def _rows(parts: list[Part]) -> Rows:
    """The rows of the input that any part reads for one of its own."""
    plan = parts[0].plan
    offsets = sorted({row for part in parts for row in part.steps.rows})
    axis = replace(plan.correlation.rows, count=_most_rows(parts))
    return Rows(axis, plan.view, plan.ctype, tuple(offsets))


def _most_rows(parts: list[Part]) -> Size:
    return slides.most_rows([part.plan.correlation for part in parts])


def _opened(parts: list[Part]) -> list[str]:
    """The filters of the row, and no sums yet."""
    lines = []
    for part in parts:
        c, kind, taps = part.plan.correlation, part.plan.kind, part.plan.taps
        at = c.first_filter + symbol("bundle") * part.plan.filter_step
        at = at + symbol("tap") * c.lanes
        if taps:
            lines += [
                f"sg_{kind}v weight_{part.number}[{taps}];",
                text.unrolled((("tap", taps),)),
                f"    weight_{part.number}[tap] ="
                f" sg_load_{kind}({c.filters.name} + {sizes.text(at)});",
            ]
        lines.append(
            f"sg_{kind}v waiting_{part.number}[{part.steps.delay + 1}] = {{{{0}}}};"
        )
    return lines


# --- its steps ----------------------------------------------------------------------


def _steps(parts: list[Part], rows: Rows) -> list[str]:
    """The steps of a row: first those that ask for nothing."""
    span: tuple[Size, Size] = 0, parts[0].steps.end
    for part in parts:
        low, high = part.steps.whole
        span = (
            sizes.maximum(span[0], sizes.maximum(low, part.steps.delay)),
            sizes.minimum(span[1], sizes.minimum(high, part.steps.end)),
        )
    end = reduce(sizes.maximum, (part.steps.end for part in parts))
    asked = rows.doubtful + [line for part in parts for line in _ends(parts, part)]
    return sweeps.swept(span, end, asked, partial(_step, parts, rows))


def _ends(parts: list[Part], part: Part) -> list[str]:
    """What to ask where other parts have a row more than this one."""
    count = part.plan.correlation.rows.count
    return [] if count == _most_rows(parts) else [f"row < {sizes.text(count)}"]


def _step(parts: list[Part], rows: Rows, moment: Moment) -> list[str]:
    """Add what one step reads to the sums that wait; store those that are done."""
    lines = _asked(parts, moment.step)
    columns = sorted({ahead for part in parts for ahead in part.steps.columns})
    for ahead in columns:
        products = partial(_products, parts, ahead)
        kind, steps = parts[0].plan.kind, parts[0].steps
        lines += sweeps.read(rows, kind, steps, ahead, products, moment)
    for part in parts:
        lines += _done(parts, part, moment)
    return lines


def _asked(parts: list[Part], step: Size) -> list[str]:
    """What is asked for ahead of ``step``."""
    c, steps = parts[0].plan.correlation, parts[0].steps
    lines: list[str] = []
    if not parts[0].plan.view.copy:
        by = c.rows.stride, c.columns.stride
        lines += streams.asked(c.source, by, step, steps.count, written=False)
    if len(parts) == 1:
        return lines
    by = c.rows.step, c.columns.step
    return lines + streams.asked(c.result, by, step, steps.count, written=True)


def _products(parts: list[Part], ahead: int, row: int) -> list[str]:
    """Those of a number of the input, added to the sums that wait for them."""
    return [
        f"waiting_{part.number}[{tap.delay}] +="
        f" weight_{part.number}[{tap.number}] * value;"
        for part in parts
        for tap in part.steps.seeing(row, ahead)
    ]


def _done(parts: list[Part], part: Part, moment: Moment) -> list[str]:
    """The output that waited longest leaves, and all others move on."""
    steps, name = part.steps, f"waiting_{part.number}"
    return [
        *_stored(parts, part, moment),
        *(f"{name}[{at}] = {name}[{at - 1}];" for at in range(steps.delay, 0, -1)),
        f"{name}[0] = (sg_{part.plan.kind}v){{0}};",
    ]


def _stored(parts: list[Part], part: Part, moment: Moment) -> list[str]:
    """The output that is done, where there is one."""
    steps, done = part.steps, moment.step - part.steps.delay
    asked = moment.asked(done, steps.count)
    if asked is None:
        return []
    if not moment.rows:
        asked = [*asked, *_ends(parts, part)]
    waited = f"{{{{waiting_{part.number}[{steps.delay}]}}}}"
    lines = [
        f"const int64_t column = {sizes.text(done)};",
        f"const sg_{part.plan.kind}v sum[1][1] = {waited};",
        *part.pixel[1],
    ]
    return text.block(f"if ({' && '.join(asked)})" if asked else "", lines)
