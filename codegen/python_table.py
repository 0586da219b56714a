"""Functions of Python and NumPy for C that is not linked to them: ``include/python.h``.

They are found by name in the interpreter, and by place in NumPy's table of its C
interface, whose functions have had the same places since NumPy 1.0. Where anything is
not as we know it (another implementation, no lock, other objects), there is no table.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from codegen.declared import ffi
from codegen.workspace import LAYOUT

_EMPTY = 184  # the place of PyArray_Empty in NumPy's table
NAMES = {
    "unlock": "PyEval_SaveThread",
    "relock": "PyEval_RestoreThread",
    "keep": "Py_IncRef",
    "drop": "Py_DecRef",
    "clear": "PyErr_Clear",
    "call": "PyObject_CallObject",
    "get": "PyObject_GetAttr",
    "set": "PyObject_SetAttr",
    "number": "PyLong_FromLongLong",
    "value": "PyLong_AsLongLong",
    "list": "PyList_New",
    "list_get": "PyList_GetItem",
    "list_put": "PyList_SetItem",
    "tuple": "PyTuple_New",
    "tuple_get": "PyTuple_GetItem",
    "tuple_put": "PyTuple_SetItem",
    "pointer": "PyCapsule_GetPointer",
}


@cache
def python_table() -> Any | None:
    """The functions that ``python.h`` names, or None where they are not as we know."""
    if LAYOUT is None or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    table = ffi.new("sg_python *")
    try:
        for name, function in NAMES.items():
            found = getattr(ctypes.pythonapi, function)
            address = ctypes.cast(found, ctypes.c_void_p).value or 0
            setattr(table, name, ffi.cast("void *", address))
        empty = _numpy_function(_EMPTY)
    except (AttributeError, ImportError, ValueError):
        return None
    if not _makes_arrays(empty) or not _counts_holders():
        return None
    table.empty = ffi.cast("void *", empty)
    table.none = ffi.cast("void *", id(None))
    table.truth = ffi.cast("void *", id(True))
    return table


def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of the interpreter, called with Python's lock held."""
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


def _numpy_function(place: int) -> int:
    """The address of a function in NumPy's table of its C interface."""
    core = np._core if hasattr(np, "_core") else np.core  # the latter before NumPy 2
    types = ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
    start = function("PyCapsule_GetPointer", *types)(
        core._multiarray_umath._ARRAY_API, None
    )
    return int(ffi.cast("intptr_t *", start)[place])


def _makes_arrays(address: int) -> bool:
    """Whether the function at ``address`` is PyArray_Empty."""
    number, thing = ctypes.c_int, ctypes.py_object
    signature = ctypes.PYFUNCTYPE(thing, number, ctypes.c_void_p, thing, number)
    dtype, shape = np.dtype(np.float32), (2, 3)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))  # taken over
    made = signature(address)(2, (ctypes.c_ssize_t * 2)(*shape), dtype, 0)
    plain = type(made) is np.ndarray and made.flags.c_contiguous
    return plain and made.shape == shape and made.dtype is dtype


def _counts_holders() -> bool:
    """Whether an object begins with the number of those who hold it."""
    arrays = [np.empty(1)]
    holders = ffi.cast("uint32_t *", id(arrays[0]))
    alone = int(holders[0])
    more = [arrays[0]] * 3
    return alone == 1 and int(holders[0]) == len(arrays) + len(more)
