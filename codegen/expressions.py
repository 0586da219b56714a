"""Scalar expressions as C text.

    text(expression, result="r[lane]") -> "sg_maximum_f32(r[lane] + b3[k], 0.0f)"

Every sub-expression is parenthesized or atomic, so that texts nest safely.
"""

from __future__ import annotations

import math

from codegen import sizes
from codegen.errors import CodegenError
from codegen.ir import (
    Call,
    Expression,
    Gather,
    Literal,
    Load,
    Local,
    Result,
    SizeValue,
)
from codegen.scalars import C_TYPES, SCALARS, call_text, is_float


def text(
    expression: Expression,
    result: str | None = None,
    fixed: sizes.Fixed | None = None,
) -> str:
    """``expression`` in C; ``result`` is the text that stands for ``Result``.

    With ``fixed``, sizes have the marks of ``sizes.text``.
    """
    match expression:
        case Literal(value, dtype):
            return literal_text(value, dtype)
        case SizeValue(size, dtype):
            # a constant stays one: it may be what an integer is divided by
            shown = sizes.text(size, None if isinstance(size, int) else fixed)
            return f"(({C_TYPES[dtype]})({shown}))"
        case Load(buffer, position):
            return f"{buffer.name}[{sizes.text(position, fixed)}]"
        case Gather(buffer, position, stride, index):
            at = gather_text(position, stride, text(index, result, fixed), fixed)
            return f"{buffer.name}[{at}]"
        case Local(name, _):
            return name
        case Result():
            if result is None:
                raise CodegenError("a Result stands outside an epilogue")
            return result
        case Call(function, arguments, dtype):
            texts = tuple(text(argument, result, fixed) for argument in arguments)
            return call_text(function, texts, arguments[0].dtype, dtype)


def gather_text(
    position: sizes.Size,
    stride: sizes.Size,
    index: str,
    fixed: sizes.Fixed | None = None,
) -> str:
    """``position + stride * index``, an element's place found from data."""
    scaled = index if stride == 1 else f"({sizes.text(stride, fixed)})*{index}"
    return scaled if position == 0 else f"{sizes.text(position, fixed)} + {scaled}"


def literal_text(value: float | int | bool, dtype: str) -> str:
    """A constant of ``dtype``: ``0.5f``, ``INFINITY``, ``INT64_C(3)``, ``true``."""
    if dtype == "bool":
        return "true" if value else "false"
    if is_float(dtype):
        return _float_text(float(value), "f" if dtype == "float32" else "")
    number = int(value)
    if number < 0:
        return f"(-{literal_text(-number - 1, dtype)} - 1)"
    if dtype in ("int8", "int16", "int32"):
        return str(number)
    return f"{dtype.upper()}_C({number})"


def cost(expression: Expression) -> int:
    """Rough scalar operations to compute ``expression``."""
    match expression:
        case Call(function, arguments, _):
            inner = sum(cost(argument) for argument in arguments)
            return SCALARS[function].cost + inner
        case Gather(index=index):
            return 2 + cost(index)
        case Load():
            return 1
    return 0


def _float_text(value: float, ending: str) -> str:
    if math.isnan(value):
        return f"(({'float' if ending else 'double'})NAN)"
    if math.isinf(value):
        kind = "float" if ending else "double"
        return f"(({kind}){'-' if value < 0 else ''}INFINITY)"
    shown = repr(value)
    if "." not in shown and "e" not in shown:
        shown += ".0"
    number = shown + ending
    return f"({number})" if shown.startswith("-") else number
