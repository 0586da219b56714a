"""The kernel IR: everything codegen can be asked to do, on one page.

A ``Program`` is a straight list of steps over flat, row-major buffers. A step is
either a ``Loop`` (a tree of loops over scalar expressions), a call of one of the
hand-tuned kernel families (``Convolution``, ``Pool``, ``Gemm`` and so on), or a
``Repeat`` of such steps. Positions, extents and strides are ``sizes.Size``: integers,
or polynomials in run-time sizes and loop indices, counted in elements. Names are C
identifiers made by the lowering; no text of a user's ever gets here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from codegen.sizes import Size

# --- memory -----------------------------------------------------------------------


class Role(Enum):
    """Who owns the memory of a buffer."""

    ARGUMENT = "argument"  # the caller gives a pointer
    CONSTANT = "constant"  # the program carries the values
    TEMPORARY = "temporary"  # a slice of the call's arena


@dataclass(frozen=True)
class Buffer:
    """Contiguous row-major memory of ``dtype`` (a NumPy dtype name)."""

    name: str
    dtype: str
    shape: tuple[Size, ...]
    role: Role = Role.TEMPORARY

    def __hash__(self) -> int:
        """By the name alone, which is quick: it is all but unique."""
        return hash(self.name)


# --- scalar expressions -----------------------------------------------------------


@dataclass(frozen=True)
class Literal:
    """A number known at compile time (inf and nan included)."""

    value: int | float | bool
    dtype: str


@dataclass(frozen=True)
class SizeValue:
    """A size or loop index as an int64 number."""

    size: Size
    dtype: str = "int64"


@dataclass(frozen=True)
class Load:
    """``buffer[position]``, the position counted in elements."""

    buffer: Buffer
    position: Size

    @property
    def dtype(self) -> str:
        return self.buffer.dtype


@dataclass(frozen=True)
class Gather:
    """``buffer[position + stride * index]`` where ``index`` is computed from data."""

    buffer: Buffer
    position: Size
    stride: Size
    index: Expression

    @property
    def dtype(self) -> str:
        return self.buffer.dtype


@dataclass(frozen=True)
class Local:
    """The scalar bound by a ``Let`` of that name."""

    name: str
    dtype: str


@dataclass(frozen=True)
class Result:
    """In an epilogue: what the kernel computed for this output element."""

    dtype: str


@dataclass(frozen=True)
class Call:
    """A scalar function of ``codegen.scalars.SCALARS``: add, exp, where, cast, ..."""

    function: str
    arguments: tuple[Expression, ...]
    dtype: str


Expression: TypeAlias = "Literal | SizeValue | Load | Gather | Local | Result | Call"

FOUND = 3

# --- statements -------------------------------------------------------------------


class Kind(Enum):
    """How a loop runs."""

    SERIAL = "serial"
    PARALLEL = "parallel"  # outermost only; iterations are independent
    SIMD = "simd"  # iterations independent but for the ``Accumulate`` in it
    UNROLL = "unroll"  # constant extent, printed once per iteration


@dataclass(frozen=True)
class Let:
    """Declare a scalar: ``dtype name = value``."""

    name: str
    value: Expression


@dataclass(frozen=True)
class Accumulate:
    """``local = function(local, value)``; function is add, mul, maximum, minimum."""

    local: Local
    function: str
    value: Expression


@dataclass(frozen=True)
class Assign:
    """``local = value``: for recurrences and arg-extrema."""

    local: Local
    value: Expression


@dataclass(frozen=True)
class Store:
    """``buffer[position] = value``, or ``+=`` when ``add``."""

    buffer: Buffer
    position: Size
    value: Expression
    add: bool = False


@dataclass(frozen=True)
class Scatter:
    """``buffer[position + stride * index] = value``, or ``+=`` when ``add``."""

    buffer: Buffer
    position: Size
    stride: Size
    index: Expression
    value: Expression
    add: bool = False


@dataclass(frozen=True)
class Check:
    """Stop the call with error ``code`` unless ``condition`` holds.

    Up to ``FOUND`` int64 numbers tell the caller what was found instead.
    """

    condition: Expression
    code: int
    found: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Loop:
    """``for index in range(start, stop): body``."""

    index: str
    start: Size
    stop: Size
    body: tuple[Statement, ...]
    kind: Kind = Kind.SERIAL


Statement: TypeAlias = "Let | Accumulate | Assign | Store | Scatter | Check | Loop"

# --- kernel families --------------------------------------------------------------


@dataclass(frozen=True)
class Epilogue:
    """What is done to a kernel's result before it is stored, still in registers.

    ``value`` is an expression of ``Result`` and of loads whose positions use the
    output's own index symbols: ``n``, ``block``, ``y``, ``x``, ``lane`` for a
    convolution (channel = block * v + lane; whole vectors are read, so what is
    loaded along ``lane`` is padded to them), ``b``, ``i``, ``j`` for gemm. What the
    stores in ``also`` say is stored first; only gemm does that.
    """

    value: Expression
    also: tuple[Store, ...] = ()


@dataclass(frozen=True)
class Image:
    """Four-dimensional data (batch, channel, row, column) in a buffer.

    ``block`` is 1 for the plain order N,C,H,W, else the vector width v of the order
    N,C/v,H,W,v, whose last block is padded with zeros to a whole vector.
    """

    buffer: Buffer
    batch: Size
    channels: int
    height: Size
    width: Size
    block: int = 1


@dataclass(frozen=True)
class Window:
    """The geometry of a convolution: filter, stride, dilation, zero padding."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    groups: int = 1


@dataclass(frozen=True)
class Pooling:
    """One number for each window of rows and columns: the largest, or the mean.

    Padding is never the largest; in a mean it counts as zeros where it is ``counted``.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    mean: bool = False
    counted: bool = True


@dataclass(frozen=True)
class Pool:
    """``y = epilogue(pool(x))``, images both in blocks of the vector width.

    ``places``, uint8 in the order of y, gets the number of each window's first
    maximum, its elements counted row by row.
    """

    x: Image
    y: Image
    pooling: Pooling
    epilogue: Epilogue | None = None
    places: Buffer | None = None


@dataclass(frozen=True)
class Convolution:
    """``y = epilogue(correlate(x, filters))``, the filters packed by ``PackFilters``.

    y[n,k,i,j] = sum_{c,r,s} x[n, c, i*stride + r*dilation - padding, ...] w[k,c,r,s]

    With ``points`` it is done by Winograd's minimal filtering on so many points in one
    dimension, with filters that ``TransformFilters`` made; it rounds to 2e-5 then. With
    ``pool``, windows of ``before(results)`` are pooled before the epilogue, and
    ``places`` is as in ``Pool``.
    """

    x: Image
    filters: Buffer
    y: Image
    window: Window
    epilogue: Epilogue | None = None
    points: int = 0
    pool: Pooling | None = None
    before: Epilogue | None = None
    places: Buffer | None = None


@dataclass(frozen=True)
class ConvolutionBackwardData:
    """dx of ``Convolution``, given dy; filters packed with ``transposed=True``."""

    dy: Image
    filters: Buffer
    dx: Image
    window: Window
    epilogue: Epilogue | None = None
    points: int = 0


@dataclass(frozen=True)
class ConvolutionBackwardWeights:
    """dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n,c,...], in the plain order K,C,R,S.

    With ``places`` the results were pooled 2 by 2, dy is the gradient of what came of
    that, and each of its numbers belongs to the place that ``Pool`` gave.
    """

    x: Image
    dy: Image
    dw: Buffer
    window: Window
    winograd: bool = True  # may be used where faster; rounds to 2e-5
    places: Buffer | None = None


@dataclass(frozen=True)
class PackFilters:
    """Plain filters (K, C/groups, R, S) to the order a convolution kernel reads.

    The order is the kernel's own affair: ``codegen.convolution.packed_shape``
    gives the shape that ``packed`` must have.
    """

    plain: Buffer
    packed: Buffer
    window: Window
    block: int
    transposed: bool = False


@dataclass(frozen=True)
class TransformFilters:
    """Packed filters of (R, S) taps at the points of Winograd's minimal filtering.

    ``codegen.convolution.transformed_shape`` gives the shape of ``transformed``.
    """

    packed: Buffer
    transformed: Buffer
    kernel: tuple[int, int]
    points: int


@dataclass(frozen=True)
class Reorder:
    """Copy an image between the plain and a blocked order (padding lanes zero)."""

    source: Image
    target: Image


@dataclass(frozen=True)
class Gemm:
    """c[b] = epilogue(op(a[b]) op(b[b])); ``op`` transposes where asked.

    a is (m, k) or, transposed, (k, m); b is (k, n) or, transposed, (n, k); c is
    (m, n). A leading batch dimension of stride 0 repeats the operand. Each begins at
    its offset in its buffer.
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


@dataclass(frozen=True)
class ArgSort:
    """order[r, i] = where the i-th smallest of row r of x is; stable, NaN last."""

    x: Buffer
    order: Buffer
    rows: Size
    length: Size


@dataclass(frozen=True)
class MultiplyAdds:
    """``turns`` multiply-adds on each lane of several vectors, ``units`` times over."""

    out: Buffer  # one number a unit, of no use
    turns: int
    units: Size


@dataclass(frozen=True)
class Stream:
    """Every unit reads ``block`` float32 numbers of ``source``."""

    source: Buffer
    out: Buffer
    block: int
    units: Size


@dataclass(frozen=True)
class Repeat:
    """``for index in range(count): body``, kernel after kernel, in one C loop.

    Positions in the body may depend on ``index``; extents and shapes may not. A
    temporary that only the body uses holds nothing from one turn to the next.
    """

    index: str
    count: Size
    body: tuple[Kernel, ...]


Step: TypeAlias = (
    "Loop | Let | Store | Check | Convolution | ConvolutionBackwardData"
    " | ConvolutionBackwardWeights | PackFilters | TransformFilters | Reorder | Pool"
    " | Gemm | ArgSort | MultiplyAdds | Stream | Repeat"
)

# --- programs ---------------------------------------------------------------------


@dataclass(frozen=True)
class Requirement:
    """Two sizes that must agree at the call; otherwise error ``code``."""

    left: Size
    right: Size
    code: int


@dataclass(frozen=True)
class Kernel:
    """One step of a program with what a profile or an error says about it."""

    step: Step
    label: str
    flops: Size = 0
    origin: Any = None  # the caller's own; codegen only hands it back


@dataclass(frozen=True)
class Program:
    """A straight line of kernels over named buffers; one C function.

    ``sizes`` are the names of the run-time sizes, in the order the caller gives
    them; ``arguments`` the buffers whose pointers the caller gives, in order.
    """

    name: str
    sizes: tuple[str, ...]
    arguments: tuple[Buffer, ...]
    kernels: tuple[Kernel, ...]
    constants: tuple[tuple[Buffer, np.ndarray[Any, Any]], ...] = field(
        default=(), compare=False
    )
    requirements: tuple[Requirement, ...] = ()
