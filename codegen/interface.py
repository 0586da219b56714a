"""What a caller must know of a compiled program, and the same written as JSON.

An ``Interface`` is what is left of a program once its C is compiled: enough to call
it and to plan its memory. Written down, it is numbers, names and the bytes of arrays:
reading it back runs no code, and builds nothing but what is defined on this page.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codegen.memory import Slot
from codegen.repeats import leaves
from codegen.sizes import Atom, Compound, Polynomial, Size, Symbol

if TYPE_CHECKING:
    from codegen.printer import Printed

Array = npt.NDArray[Any]
Json = Any  # what json.loads gives


@dataclass(frozen=True)
class Interface:
    """``dtypes`` are those of the arguments; ``kernels`` is how many have a time."""

    name: str
    sizes: tuple[str, ...]
    dtypes: tuple[str, ...]
    constants: tuple[Array, ...]
    slots: tuple[Slot, ...]
    kernels: int


def interface_of(printed: Printed) -> Interface:
    """What a caller must know of a program that was printed."""
    program = printed.program
    constants = tuple(
        np.asarray(values, buffer.dtype).reshape(-1)
        for buffer, values in program.constants
    )
    dtypes = tuple(buffer.dtype for buffer in program.arguments)
    kernels = sum(1 for _ in leaves(program.kernels))
    return Interface(
        program.name, program.sizes, dtypes, constants, printed.slots, kernels
    )


def written(interface: Interface) -> Json:
    """``interface`` as JSON."""
    return {
        "name": interface.name,
        "sizes": interface.sizes,
        "dtypes": interface.dtypes,
        "constants": [_written_array(array) for array in interface.constants],
        "slots": [
            [slot.name, written_size(slot.bytes), slot.first, slot.last]
            for slot in interface.slots
        ],
        "kernels": interface.kernels,
    }


def read(record: Json) -> Interface:
    """The interface that ``written`` wrote."""
    slots = [
        Slot(name, read_size(size), first, last)
        for name, size, first, last in record["slots"]
    ]
    return Interface(
        record["name"],
        tuple(record["sizes"]),
        tuple(record["dtypes"]),
        tuple(_read_array(array) for array in record["constants"]),
        tuple(slots),
        record["kernels"],
    )


def written_size(size: Size) -> Json:
    """A size: a number, or [coefficient, atom, atom, ...] for each term."""
    if not isinstance(size, Polynomial):
        return int(size)
    return [[factor, *map(_written_atom, atoms)] for atoms, factor in size.terms]


def read_size(record: Json) -> Size:
    """The size that ``written_size`` wrote."""
    if isinstance(record, int):
        return record
    terms = ((tuple(map(_read_atom, atoms)), factor) for factor, *atoms in record)
    return Polynomial(tuple(terms))


def read_shape(record: Sequence[Json]) -> tuple[Size, ...]:
    """The sizes of a shape."""
    return tuple(read_size(size) for size in record)


def _written_atom(atom: Atom) -> Json:
    if isinstance(atom, Symbol):
        return atom.name
    return [atom.kind, written_size(atom.left), written_size(atom.right)]


def _read_atom(record: Json) -> Atom:
    if isinstance(record, str):
        return Symbol(record)
    kind, left, right = record
    return Compound(kind, read_size(left), read_size(right))


def _written_array(array: Array) -> Json:
    return [array.dtype.name, base64.b64encode(array.tobytes()).decode()]


def _read_array(record: Json) -> Array:
    dtype, text = record
    return np.frombuffer(base64.b64decode(text), dtype)
