"""The hand-tuned kernel families of matrices: products and equations.

As in ``families.py``, a step names its operands and says what is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir.expressions import Buffer
from codegen.ir.statements import Epilogue
from codegen.sizes import Size

# --- matrix products --------------------------------------------------------------


@dataclass(frozen=True)
class Gemm:
    """c[b] = epilogue(op(a[b]) op(b[b])); ``op`` transposes where asked.

    a is (m, k) or, transposed, (k, m); b is (k, n) or, transposed, (n, k); c is
    (m, n). A leading batch dimension of stride 0 repeats the operand. Each begins at
    its offset in its buffer. ``packed`` says that b is what ``PackRight`` made of it.
    """

    a: Buffer
    b: Buffer
    c: Buffer
    m: Size
    n: Size
    k: Size
    transpose_a: bool = False
    transpose_b: bool = False
    batch: Size = 1
    batch_strides: tuple[Size, Size, Size] = (0, 0, 0)
    epilogue: Epilogue | None = None
    offsets: tuple[Size, Size, Size] = (0, 0, 0)
    packed: bool = False


@dataclass(frozen=True)
class PackRight:
    """A right operand (k, n), or transposed (n, k), in the order that products read.

    ``codegen.gemm.packed_shape`` gives the shape that ``packed`` must have.
    """

    plain: Buffer
    packed: Buffer
    k: Size
    n: Size
    transposed: bool = False
    offset: Size = 0


# --- equations of matrices --------------------------------------------------------


@dataclass(frozen=True)
class Cholesky:
    """factor[i], lower triangular, with a[i] = factor factor^T, of ``n`` rows each.

    The lower triangle of a is read. Error ``code`` with i and ``batch`` where a[i] is
    not positive definite.
    """

    a: Buffer
    factor: Buffer
    n: Size
    batch: Size
    code: int


@dataclass(frozen=True)
class Solve:
    """x[i] with a[i] x[i] = b[i]: a is (n, n), b and x are (n, columns).

    ``lower`` says that of a only that triangle is read, or the upper one. Error
    ``code`` with i and ``batch`` where a[i] is singular.
    """

    a: Buffer
    b: Buffer
    x: Buffer
    n: Size
    columns: Size
    batch: Size
    code: int
    lower: bool | None = None


@dataclass(frozen=True)
class Determinant:
    """value[i] = det a[i]; with ``sign``, the logarithm of its size, and its sign."""

    a: Buffer
    value: Buffer
    sign: Buffer | None
    n: Size
    batch: Size
