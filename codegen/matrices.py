"""Factors and solutions of square matrices: one matrix of a batch a unit of work."""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.ir import Buffer, Cholesky, Determinant, Solve
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size
from codegen.target import Target

_NUMBER = 8  # bytes of an index


def emit_cholesky(step: Cholesky, target: Target) -> Emission:
    """The C of a ``Cholesky``; the same on every target."""
    n, square, kind = sizes.text(step.n), step.n * step.n, suffix(step.a.dtype)
    call = f"sg_cholesky_{kind}(result, (void *)scratch, {n})"
    lines = [_place("result", step.factor, square), *_copied("result", step.a, square)]
    lines += _failing(call, step.code, step.batch)
    return _emission(lines, (step.a, step.factor), step, step.n * _NUMBER, step.n)


def emit_solve(step: Solve, target: Target) -> Emission:
    """The C of a ``Solve``; triangular matrices are read where they are."""
    n, m, kind = sizes.text(step.n), sizes.text(step.columns), suffix(step.a.dtype)
    square, whole = step.n * step.n, step.n * step.columns
    lines = [_place("result", step.x, whole)]
    if step.lower is None:
        lines += _factored(step.a, square, n)
        b = f"{step.b.name} + at * ({sizes.text(whole)})"
        call = f"sg_solve_{kind}(matrix, {b}, result, order, {n}, {m})"
    else:
        lines += _copied("result", step.b, whole)
        t = f"{step.a.name} + at * ({sizes.text(square)})"
        lower = "true" if step.lower else "false"
        call = f"sg_substitute_{kind}({t}, result, {n}, {m}, {lower}, false)"
    lines += _failing(call, step.code, step.batch)
    scratch = 0 if step.lower is not None else (square + step.n) * _NUMBER
    depth = step.n + step.columns
    return _emission(lines, (step.a, step.b, step.x), step, scratch, depth)


def emit_determinant(step: Determinant, target: Target) -> Emission:
    """The C of a ``Determinant``."""
    n, kind = sizes.text(step.n), suffix(step.a.dtype)
    lines = _factored(step.a, step.n * step.n, n)
    if step.sign is None:
        lines.append(f"{step.value.name}[at] = sg_det_{kind}(matrix, order, {n});")
    else:
        sign = f"{step.sign.name} + at"
        call = f"sg_slogdet_{kind}(matrix, order, {n}, {sign})"
        lines.append(f"{step.value.name}[at] = {call};")
    buffers = tuple(b for b in (step.a, step.value, step.sign) if b is not None)
    scratch = (step.n * step.n + step.n) * _NUMBER
    return _emission(lines, buffers, step, scratch, step.n)


def _emission(
    lines: list[str],
    buffers: tuple[Buffer, ...],
    step: Cholesky | Solve | Determinant,
    scratch: Size,
    depth: Size,
) -> Emission:
    """``lines`` for each matrix, which are so many operations for each element."""
    loop = "for (int64_t at = begin; at < end; at++) {"
    body = (loop, *(f"    {line}" for line in lines), "}")
    phase = Phase(body, buffers, step.batch, scratch, step.n * step.n * depth)
    return Emission((phase,), headers=("matrices.h",))


def _place(name: str, buffer: Buffer, size: Size) -> str:
    """Where the matrix of this turn lies."""
    return (
        f"{C_TYPES[buffer.dtype]} *const {name} = "
        f"{buffer.name} + at * ({sizes.text(size)});"
    )


def _copied(name: str, source: Buffer, size: Size) -> list[str]:
    """A matrix of ``source`` to where ``name`` points."""
    count = sizes.text(size)
    place = f"{source.name} + at * ({count})"
    return [f"memcpy({name}, {place}, ({count}) * sizeof *{name});"]


def _factored(a: Buffer, square: Size, n: str) -> list[str]:
    """A copy of the matrix, and room for the order of its rows, in scratch."""
    return [
        "int64_t *const order = (void *)scratch;",
        f"{C_TYPES[a.dtype]} *const matrix = (void *)(order + ({n}));",
        *_copied("matrix", a, square),
    ]


def _failing(call: str, code: int, batch: Size) -> list[str]:
    """A call that may fail, for one matrix of how many."""
    return [
        f"if (!{call}) {{",
        f"    sg_fail(frame, begin, {sizes.marked(code)}, at, {sizes.text(batch)}, 0);",
        "    return;",
        "}",
    ]
