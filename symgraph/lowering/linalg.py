"""Matrix products to the gemm kernel: transposed operands are read as they lie."""

from __future__ import annotations

from dataclasses import replace

from codegen import ir
from codegen.emission import Common
from codegen.gemm import packed_shape, pays_once
from codegen.gemm.common import tiled
from codegen.sizes import Size, floordiv, mod, symbol
from symgraph.graph import Apply, Graph, Variable, is_float
from symgraph.lowering.builder import Builder
from symgraph.lowering.tail import Tail
from symgraph.lowering.values import Index, Stored
from symgraph.ops.linalg import MatMul

FEW = 8  # rows or columns of a product that another way may suit


def lower_matmul(builder: Builder, node: Apply, tail: Tail) -> None:
    """a @ b for matrices or equal batches of them, and what follows, in one kernel."""
    a, b = node.inputs
    *_, m, k = builder.shape(a)
    n = builder.shape(b)[-1]
    builder.shapes.require(k, builder.shape(b)[-2], node)
    left, left_transposed = _operand(builder, a)
    right, right_transposed = _operand(builder, b)
    target = builder.destination(tail.output)
    batch = tuple(target.shape[:-2])
    epilogue = tail.epilogue(_index(batch), a.dtype)
    repeats = _batched(batch, (m * k, k * n, m * n))
    step = ir.Gemm(
        left.buffer,
        right.buffer,
        target.buffer,
        m,
        n,
        k,
        left_transposed,
        right_transposed,
        *repeats,
        epilogue,
        (left.offset, right.offset, target.offset),
    )
    step = _packed(builder, step, b)
    builder.emit(step, tail.label, 2 * m * n * k * repeats[0])


def foreseen(graph: Graph) -> set[Common]:
    """What products call that are sure to be in tiles, before their plans are made."""
    products = (node for node in graph.nodes if isinstance(node.op, MatMul))
    return {tiled(node.outputs[0].dtype) for node in products if _is_large(node)}


def _is_large(node: Apply) -> bool:
    """Whether a product has rows, columns and a depth that are many or not known."""
    a, b = node.inputs
    extents = (*a.type.shape[-2:], b.type.shape[-1])
    return is_float(a.dtype) and all(n is None or n > FEW for n in extents)


def _packed(builder: Builder, step: ir.Gemm, right: Variable) -> ir.Gemm:
    """``step`` with its right operand packed once, where that stays what it is."""
    stays = right in builder.steady or right in builder.invariant
    if not stays or not pays_once(step, builder.target):
        return step
    key = right, step.transpose_b
    if key not in builder.panels:
        with builder.once(right):
            builder.panels[key] = _panels(builder, step)
    offsets = (step.offsets[0], 0, step.offsets[2])
    b = builder.panels[key]
    return replace(step, b=b, transpose_b=False, offsets=offsets, packed=True)


def _panels(builder: Builder, step: ir.Gemm) -> ir.Buffer:
    """The right operand of ``step`` in the order that products read."""
    shape = packed_shape(step.k, step.n, step.b.dtype, builder.target)
    panels = builder.buffer(step.b.dtype, shape)
    places = step.k, step.n, step.transpose_b, step.offsets[1]
    builder.emit(ir.PackRight(step.b, panels, *places), "pack")
    return panels


def _operand(builder: Builder, variable: Variable) -> tuple[Stored, bool]:
    """A matrix in row-major memory, and whether that holds its transpose."""
    stored = builder.stored(variable)
    axes = (*range(variable.ndim - 2), variable.ndim - 1, variable.ndim - 2)
    if stored.block == 1 and stored.is_dense:
        return stored, False
    if stored.block == 1 and stored.transposed(axes).is_dense:
        return stored, True
    return builder.contiguous(variable), False


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
