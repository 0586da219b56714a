"""Memory, and scalar expressions of what is in it.

A ``Buffer`` is flat and row-major; an expression reads single elements of it. Its
positions are ``sizes.Size``: integers, or polynomials in run-time sizes and loop
indices, counted in elements. ``statements.py`` says what is done with expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from codegen.sizes import Size

# --- memory -----------------------------------------------------------------------


class Role(Enum):
    """Who owns the memory of a buffer."""

    ARGUMENT = "argument"  # the caller gives a pointer
    CONSTANT = "constant"  # the program carries the values
    TEMPORARY = "temporary"  # a slice of the call's arena
    SCRATCH = "scratch"  # a thread's own in one loop tree, kept for one unit of work


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
