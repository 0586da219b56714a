"""A program checked before it is printed: names, scopes, dtypes, roles.

The lowering is what makes programs, so a complaint here is a fault of ours; it is far
easier to understand than what a C compiler would say of the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from codegen import sizes
from codegen.errors import CodegenError
from codegen.ir import (
    FOUND,
    Accumulate,
    Assign,
    Buffer,
    Call,
    Check,
    Expression,
    Kernel,
    Let,
    Local,
    Loop,
    Program,
    Repeat,
    Role,
    Scatter,
    Statement,
    Store,
)
from codegen.repeats import indices, leaves
from codegen.scalars import C_TYPES
from codegen.sizes import Size
from codegen.traverse import buffers, parts, sizes_of, values, walk

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_KEYWORDS = """
    auto break case char const continue default do double else enum extern float for
    goto if inline int long register restrict return short signed sizeof static struct
    switch typedef union unsigned void volatile while bool true false NULL INFINITY
    NAN I
"""
_OURS = "frame begin end scratch shared call buffers error"  # in scope in every phase
_TAKEN = frozenset(_KEYWORDS.split() + _OURS.split())
_ALIKE = "add sub mul div floordiv mod pow neg abs maximum minimum sqrt exp log tanh"
_SAME = frozenset(_ALIKE.split())  # operands of the dtype of the result
_COMPARISONS = "eq ne lt le gt ge isnan isinf isfinite"
_TRUTHS = frozenset(_COMPARISONS.split())


def verify(program: Program) -> None:
    """Raise CodegenError where ``program`` cannot be printed as meant."""
    _names(program)
    given = {buffer.name: buffer for buffer in program.arguments}
    given |= {buffer.name: buffer for buffer, _ in program.constants}
    _kernels(program, program.kernels, set(program.sizes), given)


def _kernels(
    program: Program,
    kernels: Iterable[Kernel],
    known: set[str],
    given: dict[str, Buffer],
) -> None:
    for kernel in kernels:
        step = kernel.step
        try:
            _buffers((buffer for buffer, _ in kernel.guard), given)
            for buffer, _ in kernel.guard:
                _agree(f"condition {buffer.name}", "bool", buffer.dtype)
            if isinstance(step, Repeat):
                _known(step.count, known)
                own = _strands(step, known)
                _kernels(program, step.body, known | own | {step.index}, given)
            elif isinstance(step, Loop | Let | Store | Check):
                _buffers(buffers(step), given)
                _scope((step,), known, {})
            # the families check themselves
        except CodegenError as error:
            raise CodegenError(f"{program.name}, {kernel.label}: {error}") from None


def _strands(step: Repeat, known: set[str]) -> set[str]:
    """The names of a loop's strands, whose kernels never end a call."""
    if not step.strands:
        return set()
    _known(step.strands.total, known)
    _known(step.strands.count, known)
    for leaf in leaves(step.body):
        own = leaf.kernel.step
        statements = walk(own) if isinstance(own, Loop | Check) else ()
        if any(isinstance(inner, Check) for inner in statements):
            raise CodegenError("a check in a strand, of which many run at once")
    return {step.strands.first, step.strands.rows}


def _names(program: Program) -> None:
    names = [program.name, *program.sizes]
    names += indices(program.kernels)
    names += [buffer.name for buffer in program.arguments]
    names += [buffer.name for buffer, _ in program.constants]
    for name in names:
        _name(name)
    for name in names[1:]:
        if names[1:].count(name) > 1:
            raise CodegenError(f"{program.name}: two things are called {name}")


def _name(name: str) -> None:
    if not _NAME.match(name) or name in _TAKEN or name.startswith("sg_"):
        raise CodegenError(f"{name!r} cannot be a name in C")


def _buffers(used: Iterable[Buffer], given: dict[str, Buffer]) -> None:
    for buffer in used:
        _name(buffer.name)
        if buffer.dtype not in C_TYPES:
            raise CodegenError(f"buffer {buffer.name}: no dtype {buffer.dtype}")
        ours = buffer.role in (Role.TEMPORARY, Role.SCRATCH)
        if not ours and buffer.name not in given:
            raise CodegenError(f"buffer {buffer.name}: not listed by the program")
        if given.setdefault(buffer.name, buffer) != buffer:
            raise CodegenError(f"buffer {buffer.name}: two buffers have this name")


def _scope(body: tuple[Statement, ...], known: set[str], held: dict[str, str]) -> None:
    """Every symbol and local of ``body`` is known before it is used."""
    known, held = set(known), dict(held)
    for statement in body:
        own = (statement.start, statement.stop) if isinstance(statement, Loop) else ()
        alone = () if isinstance(statement, Loop) else (statement,)
        for size in (*own, *sizes_of(*alone)):
            _known(size, known)
        for value in values(statement):
            _expression(value, held)
        _statement(statement, known, held)


def _known(size: Size, known: set[str]) -> None:
    unknown = sizes.symbols_of(size) - known
    if unknown:
        raise CodegenError(f"{', '.join(sorted(unknown))}: no such index here")


def _statement(statement: Statement, known: set[str], held: dict[str, str]) -> None:
    match statement:
        case Let(name, value):
            _name(name)
            held[name] = value.dtype
            if value.dtype == "int64":
                known.add(name)
        case Accumulate(local, _, value) | Assign(local, value):
            _agree(f"local {local.name}", held.get(local.name), local.dtype)
            _agree(f"local {local.name}", local.dtype, value.dtype)
        case Store(buffer=buffer, value=value) | Scatter(buffer=buffer, value=value):
            _agree(f"buffer {buffer.name}", buffer.dtype, value.dtype)
        case Check(condition=condition, found=found):
            _agree("a check", "bool", condition.dtype)
            if len(found) > FOUND:
                raise CodegenError(
                    f"a check: at most {FOUND} numbers, got {len(found)}"
                )
            for number in found:
                _agree("a number of a check", "int64", number.dtype)
        case Loop(index=index, body=body):
            _name(index)
            _scope(body, known | {index}, held)


def _expression(value: Expression, held: dict[str, str]) -> None:
    for part in parts(value):
        if isinstance(part, Local):
            _agree(f"local {part.name}", held.get(part.name), part.dtype)
        if not isinstance(part, Call):
            continue
        operands = {argument.dtype for argument in part.arguments}
        if part.function in _SAME and operands != {part.dtype}:
            got = ", ".join(argument.dtype for argument in part.arguments)
            raise CodegenError(f"{part.function}: expected {part.dtype}, got {got}")
        if part.function in _TRUTHS and (part.dtype != "bool" or len(operands) > 1):
            raise CodegenError(f"{part.function}: gives bool of two operands alike")


def _agree(what: str, expected: str | None, got: str) -> None:
    if expected is None:
        raise CodegenError(f"{what}: used before it is declared")
    if expected != got:
        raise CodegenError(f"{what}: expected {expected}, got {got}")
