"""The filter gradient of single channels: dy moves along, columns of x pass by.

All taps are summed at once, so every number of x and of dy is read but once a row.
``slides.py`` has the steps. At either end of a row some products do not exist: nor may
they be made from zeros, which infinities would turn into nan.
"""

from __future__ import annotations

from functools import partial

from codegen import sizes
from codegen.convolution import fetching, slides, text
from codegen.convolution.slides import Rows, Steps, Tap
from codegen.convolution.weight_plan import Kernel


def pixels(kernel: Kernel) -> list[str]:
    """The sweep over the rows ``top`` to ``bottom`` of one sample."""
    axes = kernel.rows, kernel.columns
    if kernel.view.copy:
        axes = slides.copied(axes[0]), slides.copied(axes[1])
    steps = slides.steps_of(*axes)
    rows = Rows(axes[0], kernel.view, kernel.ctype, tuple(steps.rows))
    low, high = steps.whole
    span = sizes.maximum(low, steps.delay), sizes.minimum(high, steps.count)
    whole, other = (_step(kernel, steps, rows, one) for one in (True, False))
    body = [
        f"const {kernel.ctype} *const from = {kernel.dy.base} +"
        f" {sizes.text(kernel.dy.start)};",
        *rows.lines,
        *fetching.next_sample(kernel),
        f"sg_{kernel.kind}v gradient[{steps.delay + 1}] = {{{{0}}}};",
        *slides.swept(span, steps.end, rows.doubtful, whole, other),
    ]
    return [
        f"const {kernel.ctype} *const in = {kernel.view.pointer};",
        *text.block("for (int64_t row = top; row < bottom; row++)", body),
    ]


def _step(kernel: Kernel, steps: Steps, rows: Rows, whole: bool) -> list[str]:
    """The products of the columns that one step reads."""
    load = f"sg_load_{kernel.kind}(from + step * {kernel.channels.lanes});"
    lines = [
        f"gradient[{at}] = gradient[{at - 1}];" for at in range(steps.delay, 0, -1)
    ]
    fresh = [f"gradient[0] = {load}"]
    if not whole:
        fresh = text.block(f"if (step < {sizes.text(steps.count)})", fresh)
    lines += fresh
    for ahead in steps.columns:
        products = partial(_products, steps, ahead, whole)
        lines += slides.read(rows, kernel.kind, steps, ahead, products, whole)
    return lines


def _products(steps: Steps, ahead: int, whole: bool, row: int) -> list[str]:
    """Those of a number of x, added to the sums of the taps that see it."""
    taps = steps.seeing(row, ahead)
    return [line for tap in taps for line in _product(steps, tap, whole)]


def _product(steps: Steps, tap: Tap, whole: bool) -> list[str]:
    add = f"sum[0][{tap.number}] += gradient[{tap.delay}] * value;"
    if whole:
        return [add]
    last = sizes.text(steps.count + tap.delay)
    return [f"if (step >= {tap.delay} && step < {last})", f"    {add}"]
