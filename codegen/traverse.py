"""Walking and rewriting loop trees: what is read and written, every size in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from codegen import sizes
from codegen.ir import (
    Accumulate,
    Assign,
    Buffer,
    Call,
    Check,
    Expression,
    Gather,
    Let,
    Load,
    Loop,
    Scatter,
    SizeValue,
    Statement,
    Store,
)
from codegen.sizes import Size

Rewrite = Callable[[Size], Size]


def walk(*statements: Statement) -> Iterator[Statement]:
    """Every statement, outer before inner, in the order of the text."""
    waiting = list(reversed(statements))
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, Loop):
            waiting.extend(reversed(statement.body))


def has_check(*statements: Statement) -> bool:
    """Whether a ``Check`` among the statements may end the call."""
    return any(isinstance(one, Check) for one in walk(*statements))


def values(statement: Statement) -> tuple[Expression, ...]:
    """The expressions of ``statement`` itself, not of the loops inside it."""
    match statement:
        case Let() | Accumulate() | Assign() | Store():
            return (statement.value,)
        case Scatter():
            return (statement.index, statement.value)
        case Check():
            return (statement.condition, *statement.found)
        case Loop():
            return ()


def parts(expression: Expression) -> Iterator[Expression]:
    """``expression`` and every expression inside it."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Call):
            waiting.extend(part.arguments)
        elif isinstance(part, Gather):
            waiting.append(part.index)


def reads(*statements: Statement) -> Iterator[Load | Gather]:
    """Every load and gather."""
    for statement in walk(*statements):
        for value in values(statement):
            for part in parts(value):
                if isinstance(part, Load | Gather):
                    yield part


def writes(*statements: Statement) -> Iterator[Store | Scatter]:
    """Every store and scatter."""
    for statement in walk(*statements):
        if isinstance(statement, Store | Scatter):
            yield statement


def buffers(*statements: Statement) -> tuple[Buffer, ...]:
    """Every buffer read or written, once each."""
    found = [write.buffer for write in writes(*statements)]
    found += [read.buffer for read in reads(*statements)]
    return tuple(dict.fromkeys(found))


def sizes_of(*statements: Statement) -> Iterator[Size]:
    """Every size: positions, strides, bounds of loops, sizes used as values."""
    for statement in walk(*statements):
        if isinstance(statement, Loop):
            yield from (statement.start, statement.stop)
        elif isinstance(statement, Store):
            yield statement.position
        elif isinstance(statement, Scatter):
            yield from (statement.position, statement.stride)
        for value in values(statement):
            yield from _sizes_in(value)


def with_sizes(statement: Statement, rewrite: Rewrite) -> Statement:
    """``statement`` with ``rewrite`` applied to every size in it."""
    match statement:
        case Let() | Accumulate() | Assign():
            return replace(statement, value=expression_sizes(statement.value, rewrite))
        case Store():
            value = expression_sizes(statement.value, rewrite)
            return replace(statement, value=value, position=rewrite(statement.position))
        case Scatter():
            return Scatter(
                statement.buffer,
                rewrite(statement.position),
                rewrite(statement.stride),
                expression_sizes(statement.index, rewrite),
                expression_sizes(statement.value, rewrite),
                statement.add,
            )
        case Check():
            condition = expression_sizes(statement.condition, rewrite)
            found = tuple(expression_sizes(one, rewrite) for one in statement.found)
            return replace(statement, condition=condition, found=found)
        case Loop():
            body = tuple(with_sizes(inner, rewrite) for inner in statement.body)
            start, stop = rewrite(statement.start), rewrite(statement.stop)
            return replace(statement, start=start, stop=stop, body=body)


def substituted(
    statements: tuple[Statement, ...], name: str, value: Size
) -> tuple[Statement, ...]:
    """``statements`` with the index ``name`` replaced by ``value`` in every size."""
    replaced = {name: value}

    def rewrite(size: Size) -> Size:
        return sizes.substitute(size, replaced)

    return tuple(with_sizes(statement, rewrite) for statement in statements)


def expression_sizes(expression: Expression, rewrite: Rewrite) -> Expression:
    """``expression`` with ``rewrite`` applied to every size in it."""
    match expression:
        case SizeValue(size, dtype):
            return SizeValue(rewrite(size), dtype)
        case Load(buffer, position):
            return Load(buffer, rewrite(position))
        case Gather(buffer, position, stride, index):
            moved = expression_sizes(index, rewrite)
            return Gather(buffer, rewrite(position), rewrite(stride), moved)
        case Call(function, arguments, dtype):
            moved_all = tuple(expression_sizes(a, rewrite) for a in arguments)
            return Call(function, moved_all, dtype)
    return expression


def _sizes_in(expression: Expression) -> Iterator[Size]:
    for part in parts(expression):
        match part:
            case SizeValue(size, _):
                yield size
            case Load(_, position):
                yield position
            case Gather(_, position, stride, _):
                yield from (position, stride)
