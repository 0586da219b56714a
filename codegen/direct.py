"""Calls of a program by Python as it calls a C extension: ``include/direct.h``.

A callable of that kind is four words: a name, the address of a C function, how it
takes its arguments, and an object for itself. Python makes one of them when asked to
(``PyCFunction_NewEx``), with no header of Python and nothing linked to it. The C
function makes its results by NumPy's C interface, whose functions have had the same
places in its table since NumPy 1.0. Where any of this is not as we know it, there is no
such callable, and every call goes the long way.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codegen.pointers import find_layout
from codegen.workspace import Workspace, ffi

if TYPE_CHECKING:
    from codegen.runtime import Native

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Key = tuple[tuple[int, ...], int]  # run-time sizes, and threads

PLANS = 8  # shapes of arguments that one callable serves, the latest of them
_FASTCALL = 0x80  # METH_FASTCALL
_EMPTY = 184  # the place of PyArray_Empty in NumPy's table

ffi.cdef(
    """
    typedef struct { void *unlock, *lock, *keep, *drop, *empty, *list, *put, *pointer,
                     *none; } sg_python;
    typedef struct { sg_call call; int64_t changes; intptr_t *shapes, *results;
                     intptr_t *items; } sg_plan;
    typedef struct { sg_python *python; void *entry; void *changes; intptr_t *dtypes;
                     int64_t arguments, fixed, results, plans;
                     sg_plan **plan; int64_t busy; } sg_direct;
    typedef struct { const char *name; void *function; int flags; const char *doc; }
        sg_method;
    bool sg_direct_claim(sg_direct *direct);
    void sg_direct_open(sg_python *python);
    void *sg_direct_call(void *self, void **arguments, intptr_t count);
    """
)


@cache
def python_table() -> Any | None:
    """The functions that ``direct.h`` calls, or None where they are not as we know."""
    if find_layout() is None or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    api = ctypes.pythonapi
    try:
        names = {
            "unlock": api.PyEval_SaveThread,
            "lock": api.PyEval_RestoreThread,
            "keep": api.Py_IncRef,
            "drop": api.Py_DecRef,
            "list": api.PyList_New,
            "put": api.PyList_SetItem,
            "pointer": api.PyCapsule_GetPointer,
        }
        table = ffi.new("sg_python *")
        for name, function in names.items():
            address = ctypes.cast(function, ctypes.c_void_p).value or 0
            setattr(table, name, ffi.cast("void *", address))
        empty = _numpy_function(_EMPTY)
    except (AttributeError, ImportError, ValueError):
        return None
    if not _makes_arrays(empty):
        return None
    table.empty = ffi.cast("void *", empty)
    table.none = ffi.cast("void *", id(None))
    return table


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of the interpreter, called with Python's lock held."""
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


def _numpy_function(place: int) -> int:
    """The address of a function in NumPy's table of its C interface."""
    core = np._core if hasattr(np, "_core") else np.core  # the latter before NumPy 2
    types = ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
    start = _function("PyCapsule_GetPointer", *types)(
        core._multiarray_umath._ARRAY_API, None
    )
    table = ffi.cast("intptr_t *", start)
    return int(table[place])


def _makes_arrays(address: int) -> bool:
    """Whether the function at ``address`` is PyArray_Empty."""
    number, thing = ctypes.c_int, ctypes.py_object
    signature = ctypes.PYFUNCTYPE(thing, number, ctypes.c_void_p, thing, number)
    function = signature(address)
    dtype, shape = np.dtype(np.float32), (2, 3)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))  # taken over
    made = function(2, (ctypes.c_ssize_t * 2)(*shape), dtype, 0)
    plain = type(made) is np.ndarray and made.flags.c_contiguous
    return plain and made.shape == shape and made.dtype is dtype


class Direct:
    """A callable for one program, and the shapes of arguments that it serves.

    ``call(*arguments)`` gives the list of results, or None where the long way is to be
    gone. ``dtypes`` are those of the results, which are the program's last arguments;
    between them and the first ``arguments`` of a call comes what is *fixed*. What was
    learned holds while the number at the address ``changes`` stays as it was, and for
    good where there is none.
    """

    call: Callable[..., list[Array] | None]

    def __init__(
        self,
        native: Native,
        library: Any,
        arguments: int,
        dtypes: Sequence[np.dtype[Any]],
        changes: int | None,
    ) -> None:
        self._native, self._library = native, library
        self._dtypes = ffi.new("intptr_t[]", [*map(id, dtypes), 0])
        self._plans = ffi.new("sg_plan *[]", PLANS)
        self._kept: list[Any] = []  # what the plans point to
        self._arena = [np.empty(0, np.uint8)]  # one, used by all plans
        self._held = tuple(dtypes)
        self._never = ffi.new("int64_t *", 0)
        fixed = len(native.interface.dtypes) - arguments - len(dtypes)
        table = python_table()
        self._direct = ffi.new(
            "sg_direct *",
            {
                "python": table,
                "entry": ffi.cast("void *", native.entry),
                "changes": ffi.cast("void *", changes or _address(self._never)),
                "dtypes": self._dtypes,
                "arguments": arguments,
                "fixed": fixed,
                "results": len(dtypes),
                "plan": self._plans,
            },
        )
        library.sg_direct_open(table)
        self.call = self._callable()

    def _callable(self) -> Callable[..., list[Array] | None]:
        """The function that Python calls; it holds all that it points to."""
        name = ffi.new("char[]", b"call")
        address = ffi.cast("void *", ffi.addressof(self._library, "sg_direct_call"))
        method = ffi.new("sg_method *", {"name": name, "function": address})
        method.flags, method.doc = _FASTCALL, ffi.NULL
        word, thing = ctypes.c_void_p, ctypes.py_object
        new_capsule = _function("PyCapsule_New", thing, word, ctypes.c_char_p, word)
        make = _function("PyCFunction_NewEx", thing, word, thing, thing)
        capsule = new_capsule(_address(self._direct), None, None)
        memory = (self._direct, self._dtypes, self._plans, self._never, method, name)
        held = (*memory, self._kept, self._arena, self._native)
        return make(_address(method), capsule, held)  # type: ignore[no-any-return]

    def learn(
        self,
        shapes: Sequence[Shape],
        key: Key,
        fixed: Sequence[Array],
        results: Sequence[Shape],
        changes: int = 0,
        held: object = None,
    ) -> None:
        """Serve arguments of ``shapes`` from now on, in place of the oldest if full.

        The ``fixed`` arrays are only pointed to: they must live until the number of
        changes moves on from ``changes``, or with ``held``, which is kept.
        """
        workspace = Workspace(self._native)
        items = ffi.new("intptr_t[]", len(self._native.interface.dtypes) + 1)
        first = len(shapes)
        items[first : first + len(fixed)] = [id(array) for array in fixed]
        plan = ffi.new("sg_plan *", {"changes": changes, "items": items})
        given, made = _flat(shapes), _flat(results)
        plan.shapes, plan.results = given, made
        if not self._library.sg_direct_claim(self._direct):
            return  # a call is under way; there will be another chance
        try:
            workspace.memory = self._arena[0]
            workspace.prepare(self._native, *key)
            plan.call = workspace.call[0]
            plan.call.items = ffi.cast("intptr_t", items)
            self._serve(plan, (workspace, items, given, made, held))
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
