"""What happens to a tile of sums on its way to memory.

Arithmetic, comparisons, maxima and ``where`` stay in vector registers. Any other
expression is applied by a loop over the lanes of the tile, stored where it is hot.
Either way, the lanes after the last channel become zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import expressions, sizes
from codegen.convolution import text
from codegen.convolution.geometry import Correlation, position
from codegen.ir import Buffer, Call, Epilogue, Expression, Gather, Literal, Load, Result
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.traverse import expression_sizes, parts

INDEX: dict[str, Size] = {  # the epilogue's symbols, and the C that holds them
    "n": symbol("sample"),
    "block": symbol("vector"),
    "y": symbol("out_row"),
    "x": symbol("out_column"),
    "lane": symbol("lane"),
}
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
LOGIC = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}
EXTREMA = {"maximum": "larger", "minimum": "smaller"}


def buffers_of(epilogue: Epilogue | None) -> tuple[Buffer, ...]:
    """The buffers that an epilogue reads."""
    if epilogue is None:
        return ()
    reads = (p for p in parts(epilogue.value) if isinstance(p, Load | Gather))
    return tuple(dict.fromkeys(read.buffer for read in reads))


def cost(epilogue: Epilogue | None) -> int:
    """Rough operations for one output element."""
    return 1 + (expressions.cost(epilogue.value) if epilogue else 0)


@dataclass(frozen=True)
class Tile:
    """``sum[vectors][height * width]``, its corner at (row, column) of the outputs.

    ``bundle`` holds which bundle of vectors of ``sample`` it is. ``bounded`` says
    that the tile may reach beyond the last row and column.
    """

    vectors: int
    height: int
    width: int
    bounded: bool = False


def store_lines(c: Correlation, tile: Tile) -> list[str]:
    """Lines that send a tile of sums through the epilogue to memory."""
    if c.pool:
        half = Tile(tile.vectors, tile.height // 2, tile.width // 2, tile.bounded)
        return text.block("", [*_pooled(c, tile, half), *_stored(c, half)])
    return _stored(c, tile)


def _pooled(c: Correlation, tile: Tile, half: Tile) -> list[str]:
    """``sum`` is then the largest of each 2 by 2 of the sums."""
    kind, width = suffix(c.source.buffer.dtype), tile.width
    every = (("k", tile.vectors), ("i", half.height), ("j", half.width))
    corner = f"sum[k] + 2 * i * {width} + 2 * j"
    larger = f"sg_maximum_{kind}v"
    lines = [
        f"const sg_{kind}v *const at = {corner};",
        f"largest[k][i * {half.width} + j] = {larger}({larger}(at[0], at[1]),",
        f"    {larger}(at[{width}], at[{width + 1}]));",
    ]
    return [
        f"sg_{kind}v largest[{tile.vectors}][{half.height * half.width}];",
        *text.block(text.unrolled(every), lines),
        f"sg_{kind}v (*const sum)[{half.height * half.width}] = largest;",
    ]


def _stored(c: Correlation, tile: Tile) -> list[str]:
    dtype = c.source.buffer.dtype
    if c.epilogue is None:
        return _by_vectors(c, "value", tile)
    moved = expression_sizes(
        c.epilogue.value, lambda size: sizes.substitute(size, INDEX)
    )
    same = dtype == c.result.buffer.dtype
    value = vector_text(moved, dtype) if same else None
    if value is None:
        return _by_lanes(c, moved, tile)
    return _by_vectors(c, value, tile)


def _place(c: Correlation) -> str:
    at = position(c.result, *(INDEX[name] for name in ("n", "block", "y", "x")))
    return sizes.text(at)


def _indices(c: Correlation, tile: Tile) -> list[str]:
    at = (sizes.floordiv(symbol(name), c.pooled) for name in ("row", "column"))
    row, column = (
        axis.start + axis.step * (corner + symbol(index))
        for axis, corner, index in zip((c.rows, c.columns), at, "ij", strict=True)
    )
    lines = [
        f"const int64_t out_row = {sizes.text(row)};",
        f"const int64_t out_column = {sizes.text(column)};",
    ]
    if tile.bounded:
        height, width = sizes.text(c.result.height), sizes.text(c.result.width)
        lines += [f"if (out_row >= {height} || out_column >= {width})", "    continue;"]
    return lines


def _by_vectors(c: Correlation, value: str, tile: Tile) -> list[str]:
    kind = suffix(c.source.buffer.dtype)
    if c.result.channels % c.lanes:
        left = sizes.text(c.result.channels - c.lanes * symbol("vector"))
        value = f"sg_first_{kind}v({value}, {left})"
    pixel = [
        *_indices(c, tile),
        f"const sg_{kind}v value = sum[k][i * {tile.width} + j];",
        f"sg_store_{kind}({c.result.buffer.name} + {_place(c)}, {value});",
    ]
    inner = text.block(text.unrolled((("i", tile.height), ("j", tile.width))), pixel)
    body = [f"const int64_t vector = bundle * {tile.vectors} + k;", *inner]
    return text.block(text.unrolled((("k", tile.vectors),)), body)


def _by_lanes(c: Correlation, moved: Expression, tile: Tile) -> list[str]:
    kind, ctype = suffix(c.source.buffer.dtype), C_TYPES[c.source.buffer.dtype]
    pixels, lanes = tile.height * tile.width, c.lanes
    stored = text.block(
        text.unrolled((("k", tile.vectors), ("p", pixels))),
        [f"sg_store_{kind}(stored + (k * {pixels} + p) * {lanes}, sum[k][p]);"],
    )
    place = f"{c.result.buffer.name}[{_place(c)} + lane]"
    value = expressions.text(moved, "from[lane]")
    pixel = [
        *_indices(c, tile),
        f"const int64_t pixel = k * {pixels} + i * {tile.width} + j;",
        f"const {ctype} *from = stored + pixel * {lanes};",
        "#pragma omp simd",
        *text.loop("lane", lanes, [f"{place} = {value};"]),
        *_cleared(c, place),
    ]
    inner = text.loop("i", tile.height, text.loop("j", tile.width, pixel))
    body = [f"const int64_t vector = bundle * {tile.vectors} + k;", *inner]
    return [
        f"{ctype} stored[{tile.vectors * pixels * lanes}];",
        *stored,
        *text.loop("k", tile.vectors, body),
    ]


def _cleared(c: Correlation, place: str) -> list[str]:
    rest = c.result.channels % c.lanes
    if not rest:
        return []
    last = c.result.channels // c.lanes
    head = f"for (int64_t lane = {rest}; vector == {last} && lane < {c.lanes}; lane++)"
    return text.block(head, [f"{place} = 0;"])


# --- expressions in vector form -----------------------------------------------------


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
