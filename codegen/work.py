"""How many floating-point operations a kernel does.

Counted are the additions, multiplications and functions of floats that the IR asks
for: each counts one, a sine like a sum. What moves, compares, selects or converts
counts nothing, nor does anything on integers. A convolution counts as the direct one,
however it is computed, so that shares of the peak can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codegen.ir import (
    Accumulate,
    Call,
    Convolution,
    ConvolutionBackwardData,
    Epilogue,
    Expression,
    Gemm,
    Image,
    Kernel,
    Loop,
    Pool,
    Scatter,
    Statement,
    Step,
    Store,
    Sums,
)
from codegen.scalars import is_float
from codegen.sizes import evaluate, symbols_of
from codegen.traverse import parts, values

Values = Mapping[str, int]
_FREE = frozenset(("cast", "where", "copy", "isnan", "isinf", "isfinite"))


def flops(kernel: Kernel, sizes: Values) -> int:
    """The operations of one run: of the family, of its epilogue, of a loop tree.

    ``sizes`` has the value of every run-time size.
    """
    step = kernel.step
    count = evaluate(kernel.flops, sizes) + _in_epilogue(step, sizes)
    if isinstance(step, Loop):
        count += _in_loops((step,), sizes)
    return count


def in_expression(expression: Expression) -> int:
    """The operations to compute ``expression`` once."""
    return sum(
        isinstance(part, Call) and is_float(part.dtype) and part.function not in _FREE
        for part in parts(expression)
    )


def _in_epilogue(step: Step, sizes: Values) -> int:
    match step:
        case (
            Convolution(y=image, epilogue=Epilogue() as epilogue)
            | ConvolutionBackwardData(dx=image, epilogue=Epilogue() as epilogue)
            | Pool(y=image, epilogue=Epilogue() as epilogue)
        ):
            each = in_expression(epilogue.value) + _in_sums(epilogue.sums)
            return each * _pixels(image, sizes)
        case Gemm(epilogue=Epilogue(value, also)):
            elements = step.m * step.n * step.batch
            each = in_expression(value) + sum(in_expression(s.value) for s in also)
            return each * evaluate(elements, sizes)
    return 0


def _in_sums(sums: Sums | None) -> int:
    """For each result: a product and two additions, and a pivot taken off or ``by``."""
    if sums is None:
        return 0
    return 3 + (in_expression(sums.by) if sums.by else 1)


def _pixels(image: Image, sizes: Values) -> int:
    elements = image.batch * image.channels * image.height * image.width
    return evaluate(elements, sizes)


def _in_loops(body: Iterable[Statement], sizes: Values) -> int:
    return sum(
        _in_loop(one, sizes) if isinstance(one, Loop) else _in_statement(one)
        for one in body
    )


def _in_statement(statement: Statement) -> int:
    """The operations of one statement; an addition to memory is one too."""
    count = sum(in_expression(value) for value in values(statement))
    if isinstance(statement, Accumulate):
        return count + is_float(statement.local.dtype)
    if isinstance(statement, Store | Scatter) and statement.add:
        return count + is_float(statement.buffer.dtype)
    return count


def _in_loop(loop: Loop, sizes: Values) -> int:
    start, stop = evaluate(loop.start, sizes), evaluate(loop.stop, sizes)
    if stop <= start:
        return 0
    if not _bounds_depend(loop):
        return (stop - start) * _in_loops(loop.body, {**sizes, loop.index: start})
    # the blocks of a loop that is cut are all alike, but for the last
    turns = [_in_loops(loop.body, {**sizes, loop.index: i}) for i in (start, stop - 1)]
    middle = _in_loops(loop.body, {**sizes, loop.index: (start + stop - 1) // 2})
    if stop - start <= 2 or middle == turns[0]:
        return (stop - start - 1) * turns[0] + turns[1]
    return sum(
        _in_loops(loop.body, {**sizes, loop.index: i}) for i in range(start, stop)
    )


def _bounds_depend(loop: Loop) -> bool:
    """Whether how often a loop inside runs depends on this loop's index."""
    waiting = [one for one in loop.body if isinstance(one, Loop)]
    while waiting:
        inner = waiting.pop()
        if any(loop.index in symbols_of(size) for size in (inner.start, inner.stop)):
            return True
        waiting.extend(one for one in inner.body if isinstance(one, Loop))
    return False
