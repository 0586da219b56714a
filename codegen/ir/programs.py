"""Programs: a straight list of kernels, each one step, some of them repeated.

This is what codegen is given; ``printer.py`` makes C of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from codegen.ir.expressions import Buffer
from codegen.ir.families import (
    ArgSort,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    MultiplyAdds,
    PackFilters,
    Pool,
    PoolBackward,
    Reorder,
    Stream,
    TransformFilters,
)
from codegen.ir.matrices import (
    Cholesky,
    Determinant,
    Gemm,
    PackRight,
    Solve,
)
from codegen.ir.statements import Check, Let, Loop, Store
from codegen.sizes import Size, floordiv


@dataclass(frozen=True)
class Strands:
    """``total`` rows in ``count`` parts: part s begins at ``total * s // count``.

    ``first`` and ``rows`` are what its first row and the number of its rows are called.
    """

    first: str
    rows: str
    total: Size
    count: Size

    @property
    def most(self) -> Size:
        """The rows of the longest part."""
        return floordiv(self.total + (self.count - 1), self.count)


@dataclass(frozen=True)
class Repeat:
    """``for index in range(count): body``, kernel after kernel, in one C loop.

    Positions in the body may depend on ``index``; extents and shapes may not. A
    temporary that only the body uses holds nothing from one turn to the next.

    With ``strands`` that is the loop of each part of some rows, which no other part's
    loop waits for: a thread takes a part through all turns. A temporary that only the
    body uses is each part's own; there is no ``Check`` in it.
    """

    index: str
    count: Size
    body: tuple[Kernel, ...]
    strands: Strands | None = None


Step: TypeAlias = (
    "Loop | Let | Store | Check | Convolution | ConvolutionBackwardData"
    " | ConvolutionBackwardWeights | PackFilters | TransformFilters | Reorder | Pool"
    " | PoolBackward | Gemm | PackRight | ArgSort | Cholesky | Solve | Determinant"
    " | MultiplyAdds | Stream | Repeat"
)


@dataclass(frozen=True)
class Requirement:
    """Two sizes that must agree at the call; otherwise error ``code``."""

    left: Size
    right: Size
    code: int


@dataclass(frozen=True)
class Kernel:
    """One step of a program with what a profile or an error says about it.

    It runs only where each bool scalar of its ``guard`` is as said there; one that
    itself was made under a guard comes after the conditions of that.
    """

    step: Step
    label: str
    flops: Size = 0
    origin: Any = None  # the caller's own; codegen only hands it back
    guard: tuple[tuple[Buffer, bool], ...] = ()


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
