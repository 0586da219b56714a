"""Loop trees as C: one ``Loop`` of the IR becomes one phase of an emission.

The outermost PARALLEL loop is shared out among threads. Where its body has no loop
of its own it is cut in blocks of ``GRAIN`` iterations and each range of blocks runs
as one SIMD loop, so that elementwise work streams through memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codegen import expressions, sizes
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import (
    Accumulate,
    Assign,
    Buffer,
    Check,
    Gather,
    Kind,
    Let,
    Load,
    Loop,
    Scatter,
    Statement,
    Store,
)
from codegen.scalars import C_TYPES, call_text
from codegen.sizes import Size
from codegen.target import Target

GRAIN = 1024
_CLAUSES = {"add": "+", "mul": "*", "maximum": "max", "minimum": "min"}


def emit_loop(step: Statement, target: Target) -> Emission:
    """The C of one loop tree (or of one statement that stands alone)."""
    buffers = tuple(dict.fromkeys(_buffers(step)))
    if isinstance(step, Loop) and step.kind is Kind.PARALLEL:
        return Emission((_parallel(step, buffers),))
    return Emission((Phase(tuple(_statement(step)), buffers, 1, 0, _cost(step)),))


def _parallel(loop: Loop, buffers: tuple[Buffer, ...]) -> Phase:
    extent = loop.stop - loop.start
    work = sum((_cost(inner) for inner in loop.body), 0)
    if any(isinstance(inner, Loop | Check) for inner in loop.body):
        first, last = _shifted(loop.start, "begin"), _shifted(loop.start, "end")
        lines = _counted(loop.index, first, last, _body(loop.body))
        return Phase(tuple(lines), buffers, extent, 0, work)
    start = sizes.text(loop.start + sizes.symbol("begin") * GRAIN)
    stop = sizes.text(loop.start + sizes.symbol("end") * GRAIN)
    lines = [
        f"const int64_t sg_stop = sg_min({stop}, {sizes.text(loop.stop)});",
        "#pragma omp simd",
        *_counted(loop.index, start, "sg_stop", _body(loop.body)),
    ]
    units = sizes.floordiv(extent + (GRAIN - 1), GRAIN)
    return Phase(tuple(lines), buffers, units, 0, work * GRAIN)


def _shifted(start: Size, name: str) -> str:
    return sizes.text(start + sizes.symbol(name))


def _counted(index: str, start: str, stop: str, body: list[str]) -> list[str]:
    head = f"for (int64_t {index} = {start}; {index} < {stop}; {index}++) {{"
    return [head, *(f"    {line}" for line in body), "}"]


def _body(statements: tuple[Statement, ...]) -> list[str]:
    changed = {
        inner.local.name
        for statement in statements
        for inner in _walk(statement)
        if isinstance(inner, Accumulate | Assign)
    }
    return [line for statement in statements for line in _statement(statement, changed)]


def _statement(statement: Statement, changed: set[str] = frozenset()) -> list[str]:
    match statement:
        case Let(name, value):
            const = "" if name in changed else "const "
            ctype = C_TYPES[value.dtype]
            return [f"{const}{ctype} {name} = {expressions.text(value)};"]
        case Accumulate(local, function, value):
            texts = (local.name, expressions.text(value))
            combined = call_text(function, texts, local.dtype, local.dtype)
            return [f"{local.name} = {combined};"]
        case Assign(local, value):
            return [f"{local.name} = {expressions.text(value)};"]
        case Store(buffer, position, value, add):
            place = f"{buffer.name}[{sizes.text(position)}]"
            return [_stored(place, buffer, value, add)]
        case Scatter(buffer, position, stride, index, value, add):
            at = expressions.gather_text(position, stride, expressions.text(index))
            return [_stored(f"{buffer.name}[{at}]", buffer, value, add)]
        case Check(condition, code):
            held = expressions.text(condition)
            return [
                f"if (!{held}) {{",
                f"    sg_fail(frame, {code});",
                "    return;",
                "}",
            ]
        case Loop():
            return _loop(statement)


def _stored(place: str, buffer: Buffer, value: Any, add: bool) -> str:
    shown = expressions.text(value)
    if add:
        shown = call_text("add", (place, shown), buffer.dtype, buffer.dtype)
    return f"{place} = {shown};"


def _loop(loop: Loop) -> list[str]:
    if loop.kind is Kind.PARALLEL:
        raise CodegenError(f"loop {loop.index}: only the outermost may be parallel")
    body = _body(loop.body)
    if loop.kind is Kind.UNROLL:
        return _unrolled(loop, body)
    start, stop = sizes.text(loop.start), sizes.text(loop.stop)
    lines = _counted(loop.index, start, stop, body)
    if loop.kind is Kind.SIMD and not _stops(loop):
        return ["#pragma omp simd" + _reductions(loop), *lines]
    return lines


def _unrolled(loop: Loop, body: list[str]) -> list[str]:
    if not (isinstance(loop.start, int) and isinstance(loop.stop, int)):
        raise CodegenError(f"loop {loop.index}: unrolling needs a constant extent")
    lines: list[str] = []
    for value in range(loop.start, loop.stop):
        inner = [f"const int64_t {loop.index} = {value};", f"(void){loop.index};"]
        lines += ["{", *(f"    {line}" for line in inner + body), "}"]
    return lines


def _reductions(loop: Loop) -> str:
    """The reduction clauses of a SIMD loop: what its body accumulates from outside."""
    own = {inner.name for inner in loop.body if isinstance(inner, Let)}
    names: dict[str, list[str]] = {}
    for inner in loop.body:
        if isinstance(inner, Accumulate) and inner.local.name not in own:
            names.setdefault(inner.function, []).append(inner.local.name)
    clauses = (f" reduction({_CLAUSES[f]}:{', '.join(n)})" for f, n in names.items())
    return "".join(clauses)


def _stops(loop: Loop) -> bool:
    return any(isinstance(inner, Check) for inner in _walk(loop))


def _walk(statement: Statement) -> Iterator[Statement]:
    yield statement
    if isinstance(statement, Loop):
        for inner in statement.body:
            yield from _walk(inner)


def _values(statement: Statement) -> tuple[Any, ...]:
    match statement:
        case Scatter(index=index, value=value):
            return index, value
        case Check(condition=condition):
            return (condition,)
        case Loop():
            return ()
    return (statement.value,)


def _buffers(step: Statement) -> Iterator[Buffer]:
    for statement in _walk(step):
        if isinstance(statement, Store | Scatter):
            yield statement.buffer
        for value in _values(statement):
            yield from loaded_buffers(value)


def loaded_buffers(expression: Any) -> Iterator[Buffer]:
    """The buffers that ``expression`` reads."""
    if isinstance(expression, Load | Gather):
        yield expression.buffer
    if isinstance(expression, Gather):
        yield from loaded_buffers(expression.index)
    for argument in getattr(expression, "arguments", ()):
        yield from loaded_buffers(argument)


def _cost(statement: Statement) -> Size:
    if isinstance(statement, Loop):
        inner: Size = sum((_cost(child) for child in statement.body), 0)
        return inner * (statement.stop - statement.start)
    return 1 + sum(expressions.cost(value) for value in _values(statement))
