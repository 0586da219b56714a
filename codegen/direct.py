"""Calls of a program by Python as it calls a C extension: ``include/direct.h``.

A callable of that kind is four words: a name, the address of a C function, how it
takes its arguments, and an object for itself. Python makes one of them when asked to
(``PyCFunction_NewEx``), with no header of Python and nothing linked to it. Where
``python_table`` finds anything that is not as we know it, there is no such callable,
and every call goes the long way.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codegen.declared import ffi
from codegen.python_table import function, python_table
from codegen.workspace import LAYOUT, Workspace

if TYPE_CHECKING:
    from codegen.runtime import Native

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Key = tuple[tuple[int, ...], int]  # run-time sizes, and threads

PLANS = 8  # shapes of arguments that one callable serves, the latest of them
_FASTCALL = 0x80  # METH_FASTCALL


@dataclass(frozen=True)
class Cells:
    """Values that live between calls: ``include/cells.h`` has the protocol.

    Each cell is an object whose attribute ``name`` is a tuple (array, version, None or
    why there is no value). A call reads the cells ``read``, and replaces what is in the
    cells ``written``. ``lock`` has ``acquire(False)`` and ``release()``; ``spares`` is
    a list that has for each written cell an array that may be filled, or None.
    """

    name: str = "held"
    lock: Any = None
    read: tuple[object, ...] = ()
    written: tuple[object, ...] = ()
    spares: list[Any] | None = None


class _CellsInC:
    """``Cells`` as C sees them."""

    def __init__(self, cells: Cells) -> None:
        self._cells = ffi.new("intptr_t[]", [*map(id, cells.read + cells.written), 0])
        self._met = ffi.new("intptr_t[]", len(cells.read) + len(cells.written) + 1)
        self._next = ffi.new("intptr_t[]", len(cells.written) + 1)
        self.pointer = ffi.new(
            "sg_cells *",
            {
                "python": python_table(),
                "reads": len(cells.read),
                "writes": len(cells.written),
                "cells": self._cells,
                "met": self._met,
                "next": self._next,
                "array": LAYOUT.array if LAYOUT else 0,
            },
        )
        lock = cells.lock
        self._held: dict[str, object] = {
            "name": cells.name,
            "acquire": getattr(lock, "acquire", None),
            "release": getattr(lock, "release", None),
            "unless": (False,),
            "spares": cells.spares,
        }
        self._alive = cells
        for name, thing in self._held.items():
            setattr(self.pointer, name, ffi.cast("void *", id(thing)))


class Direct:
    """A callable for one program, and the shapes of arguments that it serves.

    ``call(*arguments)`` gives the list of results, or None where the long way is to be
    gone. A program's arguments are the ``arguments`` of a call, what is in the cells
    that it reads, what is *fixed*, results of ``dtypes``, and as the last of these the
    new values of the cells that it writes.
    """

    call: Callable[..., list[Array] | None]

    def __init__(
        self,
        native: Native,
        library: Any,
        arguments: int,
        dtypes: Sequence[np.dtype[Any]],
        cells: Cells,
    ) -> None:
        self._native, self._library = native, library
        self._dtypes = ffi.new("intptr_t[]", [*map(id, dtypes), 0])
        self._plans = ffi.new("sg_plan *[]", PLANS)
        self._kept: list[Any] = []  # what the plans point to
        self._arena = [np.empty(0, np.uint8)]  # one, used by all plans
        self._held = tuple(dtypes)
        self._cells = _CellsInC(cells)
        given = arguments + len(cells.read) + len(dtypes)
        self._direct = ffi.new(
            "sg_direct *",
            {
                "entry": ffi.cast("void *", native.entry),
                "cells": self._cells.pointer,
                "dtypes": self._dtypes,
                "arguments": arguments,
                "fixed": len(native.interface.dtypes) - given,
                "results": len(dtypes),
                "plan": self._plans,
            },
        )
        self._first_fixed = arguments + len(cells.read)
        library.sg_direct_open(python_table())
        self.call = self._callable()

    def _callable(self) -> Callable[..., list[Array] | None]:
        """The function that Python calls; it holds all that it points to."""
        name = ffi.new("char[]", b"call")
        address = ffi.cast("void *", ffi.addressof(self._library, "sg_direct_call"))
        method = ffi.new("sg_method *", {"name": name, "function": address})
        method.flags, method.doc = _FASTCALL, ffi.NULL
        word, thing = ctypes.c_void_p, ctypes.py_object
        new_capsule = function("PyCapsule_New", thing, word, ctypes.c_char_p, word)
        make = function("PyCFunction_NewEx", thing, word, thing, thing)
        capsule = new_capsule(_address(self._direct), None, None)
        memory = (self._direct, self._dtypes, self._plans, self._cells, method, name)
        held = (*memory, self._kept, self._arena, self._held, self._native)
        return make(_address(method), capsule, held)  # type: ignore[no-any-return]

    def learn(
        self,
        shapes: Sequence[Shape],
        key: Key,
        fixed: Sequence[Array],
        results: Sequence[Shape],
        expected: Sequence[object],
    ) -> None:
        """Serve arguments of ``shapes`` from now on, in place of the oldest if full.

        The ``fixed`` arrays are right as long as the cells that are read hold the
        tuples that are ``expected``, or anything where None is.
        """
        workspace = Workspace(self._native)
        items = ffi.new("intptr_t[]", len(self._native.interface.dtypes) + 1)
        for place, array in enumerate(fixed, self._first_fixed):
            items[place] = id(array)
        tuples = [0 if thing is None else id(thing) for thing in expected]
        met = ffi.new("intptr_t[]", [*tuples, 0])
        held = (tuple(fixed), tuple(expected))
        plan = ffi.new("sg_plan *", {"expected": met, "items": items})
        given, made = _flat(shapes), _flat(results)
        plan.shapes, plan.results = given, made
        if not self._library.sg_direct_claim(self._direct):
            return  # a call is under way; there will be another chance
        try:
            given_up = self._native.give_up()
            workspace.memory = max(given_up, self._arena[0], key=np.size)
            workspace.prepare(self._native, *key)
            plan.call = workspace.call[0]
            plan.call.items = ffi.cast("intptr_t", items)
            self._serve(plan, (workspace, items, given, made, met, held))
            self._share(workspace.memory)
        finally:
            self._direct.busy = 0

    def _serve(self, plan: Any, points_to: tuple[Any, ...]) -> None:
        """``plan`` instead of one of the same shapes, or the oldest."""
        known = [k for k in self._kept if list(k[1][2]) != list(points_to[2])]
        self._kept[:] = [*known[-(PLANS - 1) :], (plan, points_to)]
        for place, (kept, _) in enumerate(self._kept):
            self._plans[place] = kept
        self._direct.plans = len(self._kept)

    def _share(self, memory: Array) -> None:
        """All plans use one arena, since one call at a time does."""
        self._arena[0] = memory
        for plan, _ in self._kept:
            plan.call.arena = ffi.from_buffer(memory)

    def forget(self) -> None:
        """Serve nothing, and give the memory back."""
        if not self._library.sg_direct_claim(self._direct):
            return
        self._direct.plans = 0
        self._kept.clear()
        self._arena[0] = np.empty(0, np.uint8)
        self._direct.busy = 0


def _flat(shapes: Sequence[Shape]) -> Any:
    """Each shape's length, then the shape."""
    numbers = [number for shape in shapes for number in (len(shape), *shape)]
    return ffi.new("intptr_t[]", [*numbers, 0])


def _address(pointer: Any) -> int:
    return int(ffi.cast("intptr_t", pointer))
