"""Matrix products to the gemm kernel: transposed operands are read as they lie."""

from __future__ import annotations

from codegen import ir
from codegen.sizes import Size, floordiv, mod, symbol
from symgraph.graph import Apply, Variable
from symgraph.lowering.builder import Builder
from symgraph.lowering.tail import Tail
from symgraph.lowering.values import Index


def lower_matmul(builder: Builder, node: Apply, tail: Tail) -> None:
    """a @ b for matrices or equal batches of them, and what follows, in one kernel."""
    a, b = node.inputs
    *_, m, k = builder.shape(a)
    n = builder.shape(b)[-1]
    builder.shapes.require(k, builder.shape(b)[-2], node)
    left, left_transposed = _operand(builder, a)
    right, right_transposed = _operand(builder, b)
    target = builder.allocate(tail.output)
    batch = tuple(target.shape[:-2])
    epilogue = tail.epilogue(_index(batch), a.dtype, target)
    repeats = _batched(batch, (m * k, k * n, m * n))
    step = ir.Gemm(
        left,
        right,
        target.buffer,
        m,
        n,
        k,
        left_transposed,
        right_transposed,
        *repeats,
        epilogue,
    )
    builder.emit(step, tail.label, 2 * m * n * k * repeats[0])


def _operand(builder: Builder, variable: Variable) -> tuple[ir.Buffer, bool]:
    """The memory of a matrix, and whether it holds the transpose."""
    stored = builder.stored(variable)
    if stored.block == 1 and not stored.is_plain and variable.ndim >= 2:
        axes = (*range(variable.ndim - 2), variable.ndim - 1, variable.ndim - 2)
        turned = stored.transposed(axes)
        if turned.is_plain:
            return turned.buffer, True
    return builder.contiguous(variable).buffer, False


def _batched(
    batch: tuple[Size, ...], sizes: tuple[Size, Size, Size]
) -> tuple[Size, tuple[Size, Size, Size]]:
    count: Size = 1
    for dim in batch:
        count = count * dim
    return count, (sizes if batch else (0, 0, 0))


def _index(batch: tuple[Size, ...]) -> tuple[Index, ...]:
    """The index of an output element in gemm's own symbols."""
    if not batch:
        return (symbol("i"), symbol("j"))
    if len(batch) == 1:
        return (symbol("b"), symbol("i"), symbol("j"))
    from_front: list[Index] = []
    rest: Size = symbol("b")
    for dim in reversed(batch[1:]):
        from_front.insert(0, mod(rest, dim))
        rest = floordiv(rest, dim)
    return (rest, *from_front, symbol("i"), symbol("j"))
