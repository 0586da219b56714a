"""The scalar functions of the kernel IR and the C of each, by dtype.

``SCALARS[name]`` says how many arguments a function takes, what it costs in rough
scalar operations, and how its C is written. A template names its arguments ``{0}``,
``{1}``, ... once each; ``{T}`` is the C type of the result, ``{U}`` the unsigned type
in which integers wrap around as NumPy's do, and ``{s}`` the suffix (``f32``, ``i64``,
...) of the helpers in ``include/``. Operands have the dtype of the result unless the
function says otherwise; the lowering puts the casts.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.errors import CodegenError

C_TYPES = {
    "bool": "bool",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "float32": "float",
    "float64": "double",
}


@dataclass(frozen=True)
class Scalar:
    """A scalar function: templates of C for each kind of its first operand.

    ``unsigned`` and ``boolean`` say ``integer`` where empty, if ``everywhere``.
    """

    arity: int
    cost: int = 1
    floating: str = ""
    integer: str = ""
    unsigned: str = ""
    boolean: str = ""


def _floats(arity: int, cost: int, template: str) -> Scalar:
    return Scalar(arity, cost, floating=template)


def _numbers(arity: int, floating: str, integer: str, cost: int = 1) -> Scalar:
    return Scalar(arity, cost, floating, integer, integer)


def _all(arity: int, template: str, boolean: str = "", cost: int = 1) -> Scalar:
    return Scalar(arity, cost, template, template, template, boolean or template)


def _bits(template: str, boolean: str) -> Scalar:
    return Scalar(2, 1, "", template, template, boolean)


def _helper(name: str, arity: int) -> str:
    arguments = ", ".join(f"{{{index}}}" for index in range(arity))
    return f"sg_{name}_{{s}}({arguments})"


def _library(name: str, cost: int, arity: int = 1) -> Scalar:
    return _floats(arity, cost, _helper(name, arity))


_HELPED = {name: _helper(name, 2) for name in ("floordiv", "mod", "pow")}

ARITHMETIC = {
    "add": Scalar(
        2,
        1,
        "({0} + {1})",
        "({T})(({U}){0} + ({U}){1})",
        "({T})({0} + {1})",
        "({0} | {1})",
    ),
    "sub": Scalar(
        2, 1, "({0} - {1})", "({T})(({U}){0} - ({U}){1})", "({T})({0} - {1})"
    ),
    "mul": Scalar(
        2,
        1,
        "({0} * {1})",
        "({T})(({U}){0} * ({U}){1})",
        "({T})(({U}){0} * {1})",
        "({0} & {1})",
    ),
    "div": _floats(2, 4, "({0} / {1})"),
    "floordiv": _numbers(2, _HELPED["floordiv"], _HELPED["floordiv"], cost=10),
    "mod": _numbers(2, _HELPED["mod"], _HELPED["mod"], cost=12),
    "pow": _numbers(2, _HELPED["pow"], _HELPED["pow"], cost=40),
    "neg": _numbers(1, "(-{0})", "({T})(0 - ({U}){0})"),
    "abs": Scalar(1, 1, _helper("abs", 1), _helper("abs", 1), "{0}", "{0}"),
    "sign": _numbers(1, _helper("sign", 1), _helper("sign", 1), cost=3),
    "square": _numbers(1, _helper("square", 1), _helper("square", 1)),
    "reciprocal": _floats(1, 4, "(1 / {0})"),
    "relu": Scalar(1, 1, _helper("relu", 1), _helper("relu", 1), "{0}", "{0}"),
    "maximum": Scalar(
        2,
        2,
        _helper("maximum", 2),
        _helper("maximum", 2),
        _helper("maximum", 2),
        "({0} | {1})",
    ),
    # b if it is larger than a, else a: a nan is passed over
    "larger": _floats(2, 1, _helper("larger", 2)),
    "minimum": Scalar(
        2,
        2,
        _helper("minimum", 2),
        _helper("minimum", 2),
        _helper("minimum", 2),
        "({0} & {1})",
    ),
}

COMPARISONS = {
    "eq": _all(2, "({0} == {1})"),
    "ne": _all(2, "({0} != {1})"),
    "lt": _all(2, "({0} < {1})"),
    "le": _all(2, "({0} <= {1})"),
    "gt": _all(2, "({0} > {1})"),
    "ge": _all(2, "({0} >= {1})"),
    "isnan": Scalar(1, 1, _helper("isnan", 1), *["sg_never({0})"] * 3),
    "isinf": Scalar(1, 1, _helper("isinf", 1), *["sg_never({0})"] * 3),
    "isfinite": Scalar(1, 1, _helper("isfinite", 1), *["sg_always({0})"] * 3),
}

LOGIC = {
    "logical_and": _all(2, "(({0} != 0) & ({1} != 0))", "({0} & {1})"),
    "logical_or": _all(2, "(({0} != 0) | ({1} != 0))", "({0} | {1})"),
    "logical_xor": _all(2, "(({0} != 0) ^ ({1} != 0))", "({0} ^ {1})"),
    "logical_not": _all(1, "({0} == 0)", "(!{0})"),
    "bitwise_and": _bits("({T})({0} & {1})", "({0} & {1})"),
    "bitwise_or": _bits("({T})({0} | {1})", "({0} | {1})"),
    "bitwise_xor": _bits("({T})({0} ^ {1})", "({0} ^ {1})"),
    "invert": Scalar(1, 1, "", "({T})~{0}", "({T})~{0}", "(!{0})"),
    "left_shift": _numbers(2, "", _helper("left_shift", 2)),
    "right_shift": _numbers(2, "", _helper("right_shift", 2)),
    "where": _all(3, "({0} ? {1} : {2})"),
    "keep": _numbers(
        2, "sg_keep_{s}({0}, {1})", "({1} ? {0} : 0)"
    ),  # a, a bool; else 0
    "cast": _all(1, "({T}){0}"),
}

ROUNDING = {
    "floor": Scalar(1, 1, _helper("floor", 1), "{0}", "{0}", "{0}"),
    "ceil": Scalar(1, 1, _helper("ceil", 1), "{0}", "{0}", "{0}"),
    "trunc": Scalar(1, 1, _helper("trunc", 1), "{0}", "{0}", "{0}"),
    "round": Scalar(1, 1, _helper("round", 1), "{0}", "{0}", "{0}"),
}

# by name: rough cost of the float functions of one operand in include/
_FUNCTIONS = {
    "sqrt": 6,
    "exp": 12,
    "exp_fall": 9,  # e^x for x <= 0
    "exp2": 12,
    "expm1": 14,
    "log": 14,
    "log2": 20,
    "log10": 20,
    "log1p": 18,
    "sigmoid": 16,
    "softplus": 30,
    "tanh": 18,
    "sin": 25,
    "cos": 25,
    "tan": 40,
    "asin": 25,
    "acos": 25,
    "atan": 40,
    "sinh": 40,
    "cosh": 25,
    "asinh": 60,
    "acosh": 60,
    "atanh": 40,
    "erf": 40,
    "erfc": 40,
}

SCALARS: dict[str, Scalar] = {
    **ARITHMETIC,
    **COMPARISONS,
    **LOGIC,
    **ROUNDING,
    **{name: _library(name, cost) for name, cost in _FUNCTIONS.items()},
    "atan2": _library("atan2", 50, arity=2),
    # key, high and low half of the counter (uint64), which of the four words (uint32)
    "philox4x32": Scalar(4, 40, unsigned="sg_philox4x32({0}, {1}, {2}, {3})"),
}


def suffix(dtype: str) -> str:
    """``f32`` for float32, ``i64`` for int64, ``u8`` for uint8, ``b`` for bool."""
    return dtype[0] + "".join(digit for digit in dtype if digit.isdigit())


def is_float(dtype: str) -> bool:
    """Whether ``dtype`` is a floating-point dtype."""
    return dtype.startswith("float")


def template(function: str, operand: str) -> str:
    """The C template of ``function`` on operands of dtype ``operand``."""
    if function not in SCALARS:
        raise CodegenError(f"{function}: no such scalar function")
    scalar = SCALARS[function]
    if operand == "bool":
        found = scalar.boolean
    elif is_float(operand):
        found = scalar.floating
    else:
        found = scalar.unsigned if operand.startswith("u") else scalar.integer
    if not found:
        raise CodegenError(f"{function}: not defined on {operand}")
    return found


def call_text(function: str, arguments: tuple[str, ...], operand: str, to: str) -> str:
    """The C of ``function`` on argument texts; ``operand`` their dtype, ``to`` its."""
    form = template(function, operand)
    if len(arguments) != SCALARS[function].arity:
        expected = SCALARS[function].arity
        raise CodegenError(
            f"{function}: expected {expected} arguments, got {len(arguments)}"
        )
    if function == "cast":
        return _cast_text(arguments[0], operand, to)
    wrapping = "uint64_t" if to.endswith("64") else "uint32_t"
    return form.format(*arguments, T=C_TYPES[to], U=wrapping, s=suffix(operand))


def _cast_text(value: str, source: str, to: str) -> str:
    if source == to:
        return value
    return f"({value} != 0)" if to == "bool" else f"(({C_TYPES[to]}){value})"
