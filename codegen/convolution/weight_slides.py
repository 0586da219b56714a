"""The filter gradient of single channels: dy moves along, columns of x pass by.

All taps are summed at once, so every number of x and of dy is read but once a row.
``slides.py`` has the steps. At either end of a row some products do not exist: nor may
they be made from zeros, which infinities would turn into nan.
"""

from __future__ import annotations

from functools import partial

from codegen import sizes
from codegen.convolution import slides, streams, sweeps, text
from codegen.convolution.slides import Steps, Tap
from codegen.convolution.sweeps import Moment, Rows
from codegen.convolution.weight_plan import Kernel
from codegen.sizes import Size


def pixels(kernel: Kernel) -> list[str]:
    """The sweep over the rows ``top`` to ``bottom`` of one sample."""
    axes = kernel.rows, kernel.columns
    if kernel.view.copy:
        axes = slides.copied(axes[0]), slides.copied(axes[1])
    steps = slides.steps_of(*axes)
    rows = Rows(axes[0], kernel.view, kernel.ctype, tuple(steps.rows))
    low, high = steps.whole
    span = sizes.maximum(low, steps.delay), sizes.minimum(high, steps.count)
    step = partial(_step, kernel, steps, rows)
    sweep = [
        f"sg_{kernel.kind}v gradient[{steps.delay + 1}] = {{{{0}}}};",
        *sweeps.swept(span, steps.end, rows.doubtful, step),
    ]
    body = [
        f"const {kernel.ctype} *const from = {kernel.dy.base} +"
        f" {sizes.text(kernel.dy.start)};",
        *rows.above(sweep),
    ]
    return [
        f"const {kernel.ctype} *const in = {kernel.view.pointer};",
        *text.block("for (int64_t row = top; row < bottom; row++)", body),
    ]


def _step(kernel: Kernel, steps: Steps, rows: Rows, moment: Moment) -> list[str]:
    """The products of the columns that one step reads."""
    at = sizes.text(moment.step * kernel.channels.lanes)
    fresh = f"gradient[0] = sg_load_{kernel.kind}(from + {at});"
    lines = [
        *_asked(kernel, moment.step, steps.count),
        *(f"gradient[{at}] = gradient[{at - 1}];" for at in range(steps.delay, 0, -1)),
        *_where(moment.asked(moment.step, steps.count), fresh),
    ]
    for ahead in steps.columns:
        products = partial(_products, steps, ahead, moment)
        lines += sweeps.read(rows, kernel.kind, steps, ahead, products, moment)
    return lines


def _asked(kernel: Kernel, step: Size, count: Size) -> list[str]:
    """What is asked for ahead of a step."""
    if kernel.view.copy:
        return []
    by = kernel.rows.stride, kernel.columns.stride
    return streams.asked(kernel.step.x, by, step, count)


def _products(steps: Steps, ahead: int, moment: Moment, row: int) -> list[str]:
    """Those of a number of x, added to the sums of the taps that see it."""
    taps = steps.seeing(row, ahead)
    return [line for tap in taps for line in _product(steps, tap, moment)]


def _product(steps: Steps, tap: Tap, moment: Moment) -> list[str]:
    add = f"sum[0][{tap.number}] += gradient[{tap.delay}] * value;"
    return _where(moment.asked(moment.step - tap.delay, steps.count), add)


def _where(asked: list[str] | None, line: str) -> list[str]:
    """``line`` where what is asked holds."""
    if asked is None:
        return []
    return [f"if ({' && '.join(asked)})", f"    {line}"] if asked else [line]
