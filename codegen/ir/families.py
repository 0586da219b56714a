"""The hand-tuned kernel families: images and convolutions, pooling, sorting.

A step names its operands and says what is computed; which way that is done is for
codegen to choose. ``programs.py`` puts these steps in a line with loops.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir.expressions import Buffer
from codegen.ir.statements import Epilogue
from codegen.sizes import Size

# --- images -----------------------------------------------------------------------


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
    """One number for each window of rows and columns: the largest, the mean, the sum.

    Padding is never the largest; in a mean it counts as zeros where it is ``counted``.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    mean: bool = False
    counted: bool = True
    summed: bool = False


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
class PoolBackward:
    """dx of pooling maxima, given dy: each number goes to its window's place.

    ``places`` are those of ``Pool``, in the order of dy. What several windows give to
    an element is added up in the windows' row-major order.
    """

    dy: Image
    places: Buffer
    dx: Image
    pooling: Pooling


@dataclass(frozen=True)
class Convolution:
    """``y = epilogue(correlate(x, filters))``, the filters packed by ``PackFilters``.

    y[n,k,i,j] = sum_{c,r,s} x[n, c, i*stride + r*dilation - padding, ...] w[k,c,r,s]

    With ``points`` it is done by Winograd's minimal filtering on so many points in one
    dimension, with filters that ``TransformFilters`` made; it rounds to 2e-5 then. With
    ``pool``, windows of ``before(results)`` are pooled before the epilogue, on images
    of known sizes, and ``places`` is as in ``Pool``.
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
    gives the shape that ``packed`` must have. ``shape`` is that of the filters, where
    the memory of ``plain`` was made for another.
    """

    plain: Buffer
    packed: Buffer
    window: Window
    block: int
    transposed: bool = False
    shape: tuple[Size, ...] | None = None


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


# --- sorting ----------------------------------------------------------------------


@dataclass(frozen=True)
class ArgSort:
    """order[r, i] = where the i-th smallest of row r of x is; stable, NaN last."""

    x: Buffer
    order: Buffer
    rows: Size
    length: Size


# --- probes: what the machine can do at most --------------------------------------


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
