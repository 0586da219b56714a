"""Statements as lines of C, and the loops that run inside one unit of work.

``expressions.py`` prints what they are made of; ``loops.py`` shares out the loops
around them.
"""

from __future__ import annotations

from codegen import expressions, sizes
from codegen.errors import CodegenError
from codegen.ir import (
    FOUND,
    Accumulate,
    Assign,
    Buffer,
    Check,
    Expression,
    Kind,
    Let,
    Loop,
    Scatter,
    Statement,
    Store,
)
from codegen.scalars import C_TYPES, call_text, is_float
from codegen.sizes import Fixed
from codegen.traverse import substituted, walk

FEW_TURNS = {Kind.SERIAL: 16, Kind.SIMD: 256}  # loops worth a constant number of turns
_CLAUSES = {"add": "+", "mul": "*", "maximum": "max", "minimum": "min"}
_DECLARED = ("maximum", "minimum", "larger")  # in floats.h, for what nan does
_BOOLEAN_CLAUSES = {"add": "|", "mul": "&", "maximum": "|", "minimum": "&"}


def lines_of(statements: tuple[Statement, ...], fixed: Fixed) -> list[str]:
    """``statements`` in C, with marks but for the numbers that are ``fixed``."""
    changed = {
        inner.local.name
        for inner in walk(*statements)
        if isinstance(inner, Accumulate | Assign)
    }
    return [line for one in statements for line in _statement(one, changed, fixed)]


def _statement(statement: Statement, changed: set[str], fixed: Fixed) -> list[str]:
    """``statement`` as lines; the locals in ``changed`` are not constant."""

    def text(value: Expression) -> str:
        return expressions.text(value, fixed=fixed)

    match statement:
        case Let(name, value):
            const = "" if name in changed else "const "
            shown = text(value)
            return [f"{const}{C_TYPES[value.dtype]} {name} = {shown};"]
        case Accumulate(local, function, value):
            texts = (local.name, text(value))
            combined = call_text(function, texts, local.dtype, local.dtype)
            return [f"{local.name} = {combined};"]
        case Assign(local, value):
            return [f"{local.name} = {text(value)};"]
        case Store(buffer, position, value, add):
            return [_stored(buffer, sizes.text(position, fixed), text(value), add)]
        case Scatter(buffer, position, stride, index, value, add):
            at = expressions.gather_text(position, stride, text(index), fixed)
            return [_stored(buffer, at, text(value), add)]
        case Check(condition, code, found):
            return _checked(text(condition), code, [text(one) for one in found])
        case Loop():
            return _loop(statement, fixed)


def _stored(buffer: Buffer, position: str, shown: str, add: bool) -> str:
    place = f"{buffer.name}[{position}]"
    if add:
        shown = call_text("add", (place, shown), buffer.dtype, buffer.dtype)
    return f"{place} = {shown};"


def _checked(held: str, code: int, found: list[str]) -> list[str]:
    rest = ["0"] * (FOUND - len(found))
    given = ", ".join([sizes.marked(code), *found, *rest])
    return [
        f"if (!{held}) {{",
        f"    sg_fail(frame, begin, {given});",
        "    return;",
        "}",
    ]


def _loop(loop: Loop, fixed: Fixed) -> list[str]:
    if loop.kind is Kind.PARALLEL:
        raise CodegenError(f"loop {loop.index}: parallel inside another kind of loop")
    if loop.kind is Kind.UNROLL:
        return _unrolled(loop, fixed)
    turns = loop.stop - loop.start
    if turns == 0:
        return []
    few = isinstance(turns, int) and turns < FEW_TURNS[loop.kind]
    start, stop = (
        sizes.text(bound, None if few else fixed) for bound in (loop.start, loop.stop)
    )
    lines = counted(loop.index, start, stop, lines_of(loop.body, fixed))
    if loop.kind is Kind.SIMD and _independent(loop):
        return ["#pragma omp simd" + _reductions(loop), *lines]
    return lines


def _unrolled(loop: Loop, fixed: Fixed) -> list[str]:
    if not (isinstance(loop.start, int) and isinstance(loop.stop, int)):
        raise CodegenError(f"loop {loop.index}: unrolling needs a constant extent")
    lines: list[str] = []
    for value in range(loop.start, loop.stop):
        body = substituted(loop.body, loop.index, value)
        lines += ["{", *indented(lines_of(body, fixed)), "}"]
    return lines


# --- vector loops -----------------------------------------------------------------


def _independent(loop: Loop) -> bool:
    """Whether vectors are allowed: nothing stops the loop, no local is carried on."""
    own = _declared(loop)
    return not any(
        isinstance(inner, Check)
        or (isinstance(inner, Assign) and inner.local.name not in own)
        for inner in walk(*loop.body)
    )


def _reductions(loop: Loop) -> str:
    """The reduction clauses of a SIMD loop: what its body accumulates from outside."""
    own = _declared(loop)
    clauses: dict[str, dict[str, None]] = {}
    for inner in walk(*loop.body):
        if isinstance(inner, Accumulate) and inner.local.name not in own:
            clause = _clause(inner.function, inner.local.dtype)
            clauses.setdefault(clause, {})[inner.local.name] = None
    return "".join(f" reduction({c}: {', '.join(n)})" for c, n in clauses.items())


def _clause(function: str, dtype: str) -> str:
    if is_float(dtype) and function in _DECLARED:
        return f"sg_{function}"
    if function not in _CLAUSES:
        raise CodegenError(f"{function}: not a function to accumulate with")
    return (_BOOLEAN_CLAUSES if dtype == "bool" else _CLAUSES)[function]


def _declared(loop: Loop) -> set[str]:
    return {inner.name for inner in walk(*loop.body) if isinstance(inner, Let)}


# --- lines ------------------------------------------------------------------------


def counted(index: str, start: str, stop: str, body: list[str]) -> list[str]:
    """``for index from start to stop: body``."""
    head = f"for (int64_t {index} = {start}; {index} < {stop}; {index}++) {{"
    return [head, *indented(body), "}"]


def indented(lines: list[str]) -> list[str]:
    """``lines`` inside a block."""
    return [f"    {line}" for line in lines]
