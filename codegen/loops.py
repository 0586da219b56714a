"""Loop trees as C: one ``Loop`` of the IR becomes one phase of an emission.

PARALLEL loops that are nested one directly in another share out the product of their
extents. Where the body has no loop of its own, a single PARALLEL loop is cut in
blocks of ``GRAIN`` iterations, and each range of blocks runs as one SIMD loop.

Numbers are marked where it does not matter to the compiler whether it knows them, so
that loop trees that differ in these become one function (``sharing.py``). It matters
in strides of vectors, in divisors, and in loops of few turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from codegen import expressions, sizes
from codegen.emission import Emission, Phase
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
from codegen.sizes import Fixed, Size
from codegen.target import Target
from codegen.traverse import buffers, substituted, values, walk

GRAIN = 1024
FEW_TURNS = {Kind.SERIAL: 16, Kind.SIMD: 256}  # loops worth a constant number of turns
_CLAUSES = {"add": "+", "mul": "*", "maximum": "max", "minimum": "min"}
_BOOLEAN_CLAUSES = {"add": "|", "mul": "&", "maximum": "|", "minimum": "&"}


def emit_loop(step: Statement, target: Target) -> Emission:
    """The C of one loop tree, or of one statement that stands alone."""
    if isinstance(step, Loop) and step.kind is Kind.PARALLEL:
        phase = _parallel(step)
    else:
        lines = _body((step,), _fixed(step))
        phase = Phase(tuple(lines), (), 1, 0, cost(step))
    named = replace(phase, buffers=buffers(step), locals=_names(step))
    return Emission((named if phase.units != 0 else phase,))


def _names(step: Statement) -> tuple[str, ...]:
    """What is declared in ``step``: indices of loops, and scalars."""
    names = (
        inner.index if isinstance(inner, Loop) else inner.name
        for inner in walk(step)
        if isinstance(inner, Loop | Let)
    )
    return tuple(dict.fromkeys(names))


def _fixed(step: Statement, *more: str) -> Fixed:
    """What needs constants: the indices of SIMD loops, and ``more``, in strides of
    vectors; all indices where they are divided."""
    loops = [inner for inner in walk(step) if isinstance(inner, Loop)]
    vectors = (loop.index for loop in loops if loop.kind is Kind.SIMD)
    indices = (loop.index for loop in loops)
    return Fixed(frozenset((*vectors, *more)), frozenset(indices))


def cost(statement: Statement) -> Size:
    """Rough scalar operations of ``statement``."""
    if isinstance(statement, Loop):
        extent = statement.stop - statement.start
        return _total(statement.body) * extent
    return 1 + sum(expressions.cost(value) for value in values(statement))


def _total(body: Iterable[Statement]) -> Size:
    total: Size = 0
    for statement in body:
        total = total + cost(statement)
    return total


# --- parallel loops ---------------------------------------------------------------


def _parallel(loop: Loop) -> Phase:
    nest = _collapsed(loop)
    body = nest[-1].body
    extents = tuple(one.stop - one.start for one in nest)
    if 0 in extents:
        return Phase((), (), 0)
    if len(nest) == 1 and not any(_runs_alone(inner) for inner in walk(*body)):
        return _streamed(loop)
    lines = _counted_units(nest, _body(body, _fixed(loop)))
    # bounds may depend on the indices outside: an outer index counts as its start
    outer = {one.index: one.start for one in nest}
    work = sizes.substitute(_total(body), outer)
    return Phase(tuple(lines), (), sizes.product(extents), 0, work)


def _collapsed(loop: Loop) -> list[Loop]:
    """``loop`` and the PARALLEL loops that are the whole body of the one before."""
    nest = [loop]
    while len(nest[-1].body) == 1:
        (inner,) = nest[-1].body
        if not isinstance(inner, Loop) or inner.kind is not Kind.PARALLEL:
            break
        if sizes.symbols_of(inner.stop) & {one.index for one in nest}:
            raise CodegenError(f"loop {inner.index}: parallel, but not rectangular")
        nest.append(inner)
    return nest


def _runs_alone(statement: Statement) -> bool:
    """Whether ``statement`` keeps the loop around it from becoming vectors."""
    if isinstance(statement, Loop):
        return statement.kind is not Kind.UNROLL
    return isinstance(statement, Check)


def _streamed(loop: Loop) -> Phase:
    start = sizes.text(loop.start + sizes.symbol("begin") * GRAIN)
    stop = sizes.text(loop.start + sizes.symbol("end") * GRAIN)
    body = _body(loop.body, _fixed(loop, loop.index))
    lines = [
        f"const int64_t sg_stop = sg_min({stop}, {sizes.text(loop.stop, sizes.FREE)});",
        "#pragma omp simd",
        *_counted(loop.index, start, "sg_stop", body),
    ]
    units = sizes.floordiv(loop.stop - loop.start + (GRAIN - 1), GRAIN)
    return Phase(tuple(lines), (), units, 0, _total(loop.body) * GRAIN)


def _counted_units(nest: Sequence[Loop], body: list[str]) -> list[str]:
    """The units ``begin`` to ``end``; several indices turn like an odometer."""
    first = nest[0]
    if len(nest) == 1:
        start = sizes.text(first.start + sizes.symbol("begin"), sizes.FREE)
        stop = sizes.text(first.start + sizes.symbol("end"), sizes.FREE)
        return _counted(first.index, start, stop, body)
    lines: list[str] = []
    left = "begin"
    for loop in reversed(nest):
        extent = sizes.text(loop.stop - loop.start, sizes.FREE)
        at = f"sg_mod({left}, {extent})" if loop is not first else left
        if loop.start != 0:
            at = f"{sizes.text(loop.start, sizes.FREE)} + {at}"
        lines.append(f"int64_t {loop.index} = {at};")
        left = f"sg_floordiv({left}, {extent})"
    return lines + _counted("sg_unit", "begin", "end", body + _turned(nest))


def _turned(nest: Sequence[Loop]) -> list[str]:
    first, *inner = nest
    lines = [f"{first.index}++;"]
    for loop in inner:
        again = f"{loop.index} = {sizes.text(loop.start, sizes.FREE)};"
        full = f"if (++{loop.index} == {sizes.text(loop.stop, sizes.FREE)}) {{"
        lines = [full, *_indented([again, *lines]), "}"]
    return lines


# --- statements -------------------------------------------------------------------


def _body(statements: tuple[Statement, ...], fixed: Fixed) -> list[str]:
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
            held = text(condition)
            numbers = [text(one) for one in found]
            rest = ["0"] * (FOUND - len(found))
            given = ", ".join([sizes.marked(code), *numbers, *rest])
            return [
                f"if (!{held}) {{",
                f"    sg_fail(frame, begin, {given});",
                "    return;",
                "}",
            ]
        case Loop():
            return _loop(statement, fixed)


def _stored(buffer: Buffer, position: str, shown: str, add: bool) -> str:
    place = f"{buffer.name}[{position}]"
    if add:
        shown = call_text("add", (place, shown), buffer.dtype, buffer.dtype)
    return f"{place} = {shown};"


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
    lines = _counted(loop.index, start, stop, _body(loop.body, fixed))
    if loop.kind is Kind.SIMD and _independent(loop):
        return ["#pragma omp simd" + _reductions(loop), *lines]
    return lines


def _unrolled(loop: Loop, fixed: Fixed) -> list[str]:
    if not (isinstance(loop.start, int) and isinstance(loop.stop, int)):
        raise CodegenError(f"loop {loop.index}: unrolling needs a constant extent")
    lines: list[str] = []
    for value in range(loop.start, loop.stop):
        body = substituted(loop.body, loop.index, value)
        lines += ["{", *_indented(_body(body, fixed)), "}"]
    return lines


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
    if function not in _CLAUSES:
        raise CodegenError(f"{function}: not a function to accumulate with")
    if is_float(dtype) and function in ("maximum", "minimum"):
        return f"sg_{function}"  # declared in floats.h: it keeps nan
    return (_BOOLEAN_CLAUSES if dtype == "bool" else _CLAUSES)[function]


def _declared(loop: Loop) -> set[str]:
    return {inner.name for inner in walk(*loop.body) if isinstance(inner, Let)}


def _counted(index: str, start: str, stop: str, body: list[str]) -> list[str]:
    head = f"for (int64_t {index} = {start}; {index} < {stop}; {index}++) {{"
    return [head, *_indented(body), "}"]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
