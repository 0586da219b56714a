"""Loop trees as C: one ``Loop`` of the IR becomes one phase of an emission.

PARALLEL loops that are nested one directly in another share out the product of their
extents. Where the body has no loop of its own, a single PARALLEL loop is cut in
blocks of ``GRAIN`` iterations, and each range of blocks runs as one SIMD loop. What
runs inside a unit is printed by ``statements.py``.

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
from codegen.ir import Check, Kind, Let, Loop, Role, Statement
from codegen.memory import aligned, buffer_bytes
from codegen.scalars import C_TYPES
from codegen.sizes import Fixed, Size
from codegen.statements import counted, indented, lines_of
from codegen.tails import with_tails
from codegen.target import Target
from codegen.traverse import buffers, values, walk

GRAIN = 1024


def emit_loop(step: Statement, target: Target) -> Emission:
    """The C of one loop tree, or of one statement that stands alone."""
    if isinstance(step, Loop):
        step = replace(step, body=with_tails(step.body, target.lanes("float32")))
    if isinstance(step, Loop) and step.kind is Kind.PARALLEL:
        phase = _parallel(step)
    else:
        lines = lines_of((step,), _fixed(step))
        phase = Phase(tuple(lines), (), 1, 0, cost(step))
    return Emission((_with_memory(phase, step) if phase.units != 0 else phase,))


def _with_memory(phase: Phase, step: Statement) -> Phase:
    """``phase`` with the buffers of ``step``, those in scratch one after another."""
    given, lines, names = [], [], [*_names(step)]
    taken: Size = 0
    for buffer in buffers(step):
        if buffer.role is not Role.SCRATCH:
            given.append(buffer)
            continue
        kind, start = f"{C_TYPES[buffer.dtype]} *", sizes.text(taken, sizes.FREE)
        lines.append(f"{kind}restrict {buffer.name} = ({kind})(scratch + {start});")
        names.append(buffer.name)
        taken = taken + aligned(buffer_bytes(buffer))
    return replace(
        phase,
        lines=(*lines, *phase.lines),
        buffers=tuple(given),
        scratch_bytes=taken,
        locals=tuple(names),
    )


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
    lines = _counted_units(nest, lines_of(body, _fixed(loop)))
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
    """Blocks of ``GRAIN`` iterations; a range of blocks is one vector loop."""
    start = sizes.text(loop.start + sizes.symbol("begin") * GRAIN)
    stop = sizes.text(loop.start + sizes.symbol("end") * GRAIN)
    body = lines_of(loop.body, _fixed(loop, loop.index))
    lines = [
        f"const int64_t sg_stop = sg_min({stop}, {sizes.text(loop.stop, sizes.FREE)});",
        "#pragma omp simd",
        *counted(loop.index, start, "sg_stop", body),
    ]
    extent = loop.stop - loop.start
    units = sizes.floordiv(extent + (GRAIN - 1), GRAIN)
    turns = min(extent, GRAIN) if isinstance(extent, int) else GRAIN
    return Phase(tuple(lines), (), units, 0, _total(loop.body) * turns)


def _counted_units(nest: Sequence[Loop], body: list[str]) -> list[str]:
    """The units ``begin`` to ``end``; several indices turn like an odometer."""
    first = nest[0]
    if len(nest) == 1:
        start = sizes.text(first.start + sizes.symbol("begin"), sizes.FREE)
        stop = sizes.text(first.start + sizes.symbol("end"), sizes.FREE)
        return counted(first.index, start, stop, body)
    lines: list[str] = []
    left = "begin"
    for loop in reversed(nest):
        extent = sizes.text(loop.stop - loop.start, sizes.FREE)
        at = f"sg_mod({left}, {extent})" if loop is not first else left
        if loop.start != 0:
            at = f"{sizes.text(loop.start, sizes.FREE)} + {at}"
        lines.append(f"int64_t {loop.index} = {at};")
        left = f"sg_floordiv({left}, {extent})"
    return lines + counted("sg_unit", "begin", "end", body + _turned(nest))


def _turned(nest: Sequence[Loop]) -> list[str]:
    first, *inner = nest
    lines = [f"{first.index}++;"]
    for loop in inner:
        again = f"{loop.index} = {sizes.text(loop.start, sizes.FREE)};"
        full = f"if (++{loop.index} == {sizes.text(loop.stop, sizes.FREE)}) {{"
        lines = [full, *indented([again, *lines]), "}"]
    return lines
