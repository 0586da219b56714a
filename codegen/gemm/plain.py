"""Products as plain loops: integers, booleans, and floats too few for a call.

    out[i, :] = 0; for p: out[i, :] += left[i, p] right[p, :]; out = epilogue(out)

or, where sums may not lie in the output, one scalar sum for each element.
"""

from __future__ import annotations

from codegen import loops
from codegen.emission import Emission
from codegen.gemm.epilogue import works_in_place
from codegen.gemm.product import Matrix, Product
from codegen.ir import (
    Accumulate,
    Call,
    Epilogue,
    Expression,
    Gather,
    Kind,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    Result,
    Statement,
    Store,
)
from codegen.sizes import Size, symbol
from codegen.target import Target

BATCH, ROW, COLUMN, DEPTH = symbol("b"), symbol("i"), symbol("j"), symbol("sg_p")


def emit_plain(product: Product, target: Target) -> Emission:
    """The loops of ``product``; its rows are shared out among threads."""
    streams = product.right.across == 1 and works_in_place(product)
    body = _streamed(product) if streams else _summed(product)
    rows = Loop("i", 0, product.m, body, Kind.PARALLEL)
    return loops.emit_loop(Loop("b", 0, product.batch, (rows,), Kind.PARALLEL), target)


def _streamed(product: Product) -> tuple[Statement, ...]:
    """One row of the output, each row of the right operand added to it in turn."""
    place = _position(product.out, ROW, COLUMN)
    out = product.out.buffer
    left = Local("sg_left", product.dtype)
    term = Call("mul", (left, _load(product.right, DEPTH, COLUMN)), product.dtype)
    add = _columns(product, Store(out, place, term, add=True))
    lines = (
        _columns(product, Store(out, place, _zero(product))),
        Loop(
            "sg_p", 0, product.k, (Let("sg_left", _load(product.left, ROW, DEPTH)), add)
        ),
    )
    if product.epilogue is None:
        return lines
    return (*lines, _columns(product, *_stores(product, Load(out, place))))


def _summed(product: Product) -> tuple[Statement, ...]:
    """One row of the output, each element a sum of its own."""
    total = Local("sg_sum", product.dtype)
    factors = (_load(product.left, ROW, DEPTH), _load(product.right, DEPTH, COLUMN))
    term = Accumulate(total, "add", Call("mul", factors, product.dtype))
    body = (
        Let("sg_sum", _zero(product)),
        Loop("sg_p", 0, product.k, (term,), Kind.SIMD),
        *_stores(product, total),
    )
    return (Loop("j", 0, product.n, body),)


def _stores(product: Product, total: Expression) -> tuple[Statement, ...]:
    """What is stored of one element whose sum is ``total``; the output comes last."""
    epilogue = product.epilogue or Epilogue(Result(product.dtype))
    output = product.out.buffer, _position(product.out, ROW, COLUMN)
    stores = (*epilogue.also, Store(*output, epilogue.value))
    return tuple(Store(s.buffer, s.position, _finished(s.value, total)) for s in stores)


def _columns(product: Product, *statements: Statement) -> Loop:
    return Loop("j", 0, product.n, statements, Kind.SIMD)


def _zero(product: Product) -> Literal:
    return Literal(0, product.dtype)


def _load(matrix: Matrix, row: Size, column: Size) -> Load:
    return Load(matrix.buffer, _position(matrix, row, column))


def _position(matrix: Matrix, row: Size, column: Size) -> Size:
    inside = BATCH * matrix.batch + row * matrix.down + column * matrix.across
    return matrix.start + inside


def _finished(expression: Expression, result: Expression) -> Expression:
    """``expression`` with ``result`` in the place of ``Result``."""
    match expression:
        case Result():
            return result
        case Call(function, arguments, dtype):
            inner = tuple(_finished(argument, result) for argument in arguments)
            return Call(function, inner, dtype)
        case Gather(buffer, position, stride, index):
            return Gather(buffer, position, stride, _finished(index, result))
    return expression
