"""Statements and loops, and the epilogue of a kernel, which is made of the same.

A ``Loop`` with its body is a step of a program by itself; all else that a step can be
is in ``families.py``, each with an ``Epilogue`` where it has results in registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from codegen.ir.expressions import Buffer, Expression, Local
from codegen.sizes import Size

FOUND = 3  # numbers that a ``Check`` can report


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
    """``local = function(local, value)``; function is add, mul, maximum, minimum,
    or larger."""

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

# --- epilogues --------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """Two numbers for each channel of what an epilogue stores, over all of an image.

    With ``by`` they are the sums of r and of r ``by``, where r is what is stored and
    ``by`` an expression like an epilogue's, but without ``Result``. Else they are the
    mean and the biased variance of r. ``totals`` have one element a channel.
    """

    totals: tuple[Buffer, Buffer]
    by: Expression | None = None


@dataclass(frozen=True)
class Epilogue:
    """What is done to a kernel's result before it is stored, still in registers.

    ``value`` is an expression of ``Result`` and of loads whose positions use the
    output's own index symbols: ``n``, ``block``, ``y``, ``x``, ``lane`` for a
    convolution (channel = block * v + lane; whole vectors are read, so what is
    loaded along ``lane`` is padded to them), ``b``, ``i``, ``j`` for gemm. What the
    stores in ``also`` say is stored first; only gemm does that. ``sums`` are made of
    what is stored, on the way; only convolutions do that.
    """

    value: Expression
    also: tuple[Store, ...] = ()
    sums: Sums | None = None
