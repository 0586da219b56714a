"""Expressions of an epilogue as C on vectors, where every part has a vector form."""

from __future__ import annotations

from codegen import expressions, sizes
from codegen.ir import Buffer, Call, Expression, Literal, Load, Result
from codegen.scalars import suffix
from codegen.sizes import Size

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
LOGIC = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}
EXTREMA = {"maximum": "larger", "minimum": "smaller"}


class _Scalar(Exception):
    """The expression has no vector form here."""


def vector_text(expression: Expression, dtype: str) -> str | None:
    """``expression`` of vectors of ``dtype``, or None where lanes must go alone."""
    try:
        return _vector(expression, dtype)
    except _Scalar:
        return None


def _vector(expression: Expression, dtype: str) -> str:
    if expression.dtype not in (dtype, "bool"):
        raise _Scalar
    match expression:
        case Result():
            return "value"
        case Literal(value, kind) if kind == dtype:
            return f"sg_splat_{suffix(dtype)}({expressions.literal_text(value, kind)})"
        case Load(buffer, position_) if buffer.dtype == dtype:
            return _loaded(buffer, position_)
        case Call():
            return _called(expression, dtype)
    raise _Scalar


def _loaded(buffer: Buffer, at: Size) -> str:
    kind, step = suffix(buffer.dtype), sizes.coefficient(at, "lane")
    start = sizes.text(sizes.substitute(at, {"lane": 0}))
    if step == 0:
        return f"sg_splat_{kind}({buffer.name}[{start}])"
    if step == 1:
        return f"sg_load_{kind}({buffer.name} + {start})"
    raise _Scalar


def _called(call: Call, dtype: str) -> str:
    kind, name = suffix(dtype), call.function
    if name in EXTREMA and call.dtype == dtype:
        return _extremum(call, dtype)
    a = [_vector(argument, dtype) for argument in call.arguments]
    on_masks = call.arguments[0].dtype == "bool"
    if name == "cast" and call.dtype == dtype:
        one, zero = f"sg_splat_{kind}(1)", f"sg_splat_{kind}(0)"
        return f"sg_select_{kind}v({a[0]}, {one}, {zero})" if on_masks else a[0]
    if name == "where" and call.dtype == dtype:
        return f"sg_select_{kind}v({', '.join(a)})"
    if name in LOGIC and on_masks:
        return f"({a[0]} {LOGIC[name]} {a[1]})"
    if name == "logical_not" and on_masks:
        return f"(~{a[0]})"
    if on_masks:
        raise _Scalar
    if name in OPERATORS:
        return f"({a[0]} {OPERATORS[name]} {a[1]})"
    if name in COMPARISONS:
        return f"({a[0]} {COMPARISONS[name]} {a[1]})"
    if name == "neg":
        return f"(-{a[0]})"
    if name == "square":
        return f"sg_square_{kind}v({a[0]})"
    raise _Scalar


def _extremum(call: Call, dtype: str) -> str:
    """The machine's own maximum gives its second operand at nan: enough beside a
    literal."""
    kind = suffix(dtype)
    first, second = call.arguments
    if isinstance(first, Literal):
        first, second = second, first
    a, b = _vector(first, dtype), _vector(second, dtype)
    if isinstance(second, Literal) and second.value == second.value:
        return f"sg_{EXTREMA[call.function]}_{kind}v({b}, {a})"
    return f"sg_{call.function}_{kind}v({a}, {b})"
