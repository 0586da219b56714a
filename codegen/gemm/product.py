"""What is multiplied: a ``Gemm`` step with its transpositions written as strides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import sizes
from codegen.errors import CodegenError
from codegen.ir import Buffer, Epilogue, Gemm
from codegen.sizes import Size


@dataclass(frozen=True)
class Matrix:
    """Element (row, column) of batch b: buffer[start + b*batch + row*down + ...]."""

    buffer: Buffer
    batch: Size
    down: Size
    across: Size
    start: Size = 0

    @property
    def transposed(self) -> Matrix:
        """The same memory, rows and columns exchanged."""
        return replace(self, down=self.across, across=self.down)

    def at(self, row: str, column: str) -> str:
        """The C of a pointer to element (row, column) of batch ``b``."""
        terms = [self.buffer.name]
        if self.start != 0:
            terms.append(f"({sizes.text(self.start)})")
        for index, step in (
            ("b", self.batch),
            (row, self.down),
            (column, self.across),
        ):
            if index != "0" and step != 0:
                terms.append(index if step == 1 else f"{index} * ({sizes.text(step)})")
        return " + ".join(terms)


@dataclass(frozen=True)
class Product:
    """out = epilogue(left right), ``left`` m by k and ``right`` k by n.

    ``row`` and ``column`` name the indices of ``out`` as the epilogue knows them: i
    and j, or exchanged where the transposed product is computed instead. The buffer of
    a ``packed`` right operand holds its panels, as ``right.py`` orders them.
    """

    left: Matrix
    right: Matrix
    out: Matrix
    m: Size
    n: Size
    k: Size
    batch: Size
    epilogue: Epilogue | None
    row: str = "i"
    column: str = "j"
    packed: bool = False

    @property
    def dtype(self) -> str:
        """The dtype in which products are summed."""
        return self.left.buffer.dtype

    @property
    def transposed(self) -> Product:
        """out' = right' left': the same numbers, rows and columns exchanged."""
        left, right, out = self.right, self.left, self.out
        return Product(
            left.transposed,
            right.transposed,
            out.transposed,
            self.n,
            self.m,
            self.k,
            self.batch,
            self.epilogue,
            self.column,
            self.row,
        )


def product_of(step: Gemm) -> Product:
    """``step`` with strides in place of transpositions; checks its dtypes."""
    if step.a.dtype != step.b.dtype:
        raise CodegenError(
            f"gemm: a is {step.a.dtype}, b is {step.b.dtype}; one dtype is expected"
        )
    if step.epilogue is None and step.c.dtype != step.a.dtype:
        raise CodegenError(
            f"gemm: c is {step.c.dtype}, the product is {step.a.dtype}; "
            "a cast belongs in the epilogue"
        )
    m, n, k = step.m, step.n, step.k
    a, b, c = step.batch_strides
    places = step.offsets
    left, right = Matrix(step.a, a, k, 1, places[0]), Matrix(step.b, b, n, 1, places[1])
    if step.transpose_a:
        left = replace(left, down=1, across=m)
    if step.transpose_b:
        right = replace(right, down=1, across=k)
    out = Matrix(step.c, c, n, 1, places[2])
    whole = m, n, k, step.batch
    return Product(left, right, out, *whole, step.epilogue, packed=step.packed)


def flops(step: Gemm) -> Size:
    """Multiplications and additions of the product alone: 2 batch m n k."""
    return step.batch * step.m * step.n * step.k * 2
