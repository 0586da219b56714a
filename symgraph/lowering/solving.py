"""Equations of matrices to kernels on matrices whose rows follow one another."""

from __future__ import annotations

from numpy.linalg import LinAlgError

from codegen import ir
from codegen.sizes import Size, product
from symgraph.graph import Apply, Variable
from symgraph.lowering.builder import Builder
from symgraph.ops.solving import Det


def lower_cholesky(builder: Builder, node: Apply) -> None:
    """The factors, each in the memory of the result."""
    (a,), (factor,) = node.inputs, node.outputs
    batch, n = _squares(builder, node, a)
    code = builder.code(
        "cholesky: matrix {} of {} is not positive definite", LinAlgError
    )
    source = builder.contiguous(a).buffer
    target = builder.allocate(factor).buffer
    builder.emit(ir.Cholesky(source, target, n, batch, code), flops=n * n * n * batch)


def lower_solve(builder: Builder, node: Apply) -> None:
    """x of a x = b, for a of any form or a triangle."""
    (a, b), (x,) = node.inputs, node.outputs
    batch, n = _squares(builder, node, a)
    *others, rows, columns = builder.shape(b)
    builder.shapes.require(n, rows, node)
    for mine, theirs in zip(builder.shape(a)[:-2], others, strict=True):
        builder.shapes.require(mine, theirs, node)
    lower = getattr(node.op, "lower", None)
    name = "solve" if lower is None else "solve_triangular"
    code = builder.code(f"{name}: matrix {{}} of {{}} is singular", LinAlgError)
    given = builder.contiguous(a).buffer, builder.contiguous(b).buffer
    target = builder.allocate(x).buffer
    step = ir.Solve(*given, target, n, columns, batch, code, lower)
    builder.emit(step, flops=n * n * (n + columns * 2) * batch)


def lower_determinant(builder: Builder, node: Apply) -> None:
    """The determinant, or its sign and logarithm."""
    (a,) = node.inputs
    batch, n = _squares(builder, node, a)
    source = builder.contiguous(a).buffer
    *signs, value = [builder.allocate(v).buffer for v in node.outputs]
    sign = None if isinstance(node.op, Det) else signs[0]
    step = ir.Determinant(source, value, sign, n, batch)
    builder.emit(step, flops=n * n * n * batch)


def _squares(builder: Builder, node: Apply, a: Variable) -> tuple[Size, Size]:
    """How many matrices there are, and of how many rows."""
    *batch, rows, columns = builder.shape(a)
    builder.shapes.require(rows, columns, node)
    return product(tuple(batch)), rows
