"""From what a caller passes to arrays that machine code may read.

An argument of the right dtype, shape and layout is taken as it is. Everything else
goes through ``convert``, which copies where that is safe and raises where it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.compile.errors import ArgumentError, ArgumentTypeError
from symgraph.compile.inputs import MISSING, In
from symgraph.graph import DTYPES, TensorType, Variable, is_integer, promote
from symgraph.graph.dtypes import KINDS
from symgraph.graph.weak import is_weak

READABLE = 0x0101  # NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED
_SHAPES_KEPT = 256  # shapes of an input that are remembered to be right


class Arguments:
    """The checks of one function's arguments, prepared once."""

    def __init__(self, name: str, inputs: Sequence[In], downcast: bool) -> None:
        self._name = name
        self._inputs = tuple(inputs)
        self._downcast = downcast
        # For each input its dtype and the shapes that were seen and are right.
        shapes: list[set[tuple[int, ...]]] = [set() for _ in inputs]
        dtypes = [np.dtype(item.variable.dtype) for item in inputs]
        self._expected = tuple(zip(dtypes, shapes, strict=True))

    def __call__(self, values: Sequence[Any]) -> list[NDArray[Any]]:
        """The arrays to compute with; the caller's own wherever that is possible."""
        arrays = []
        for value, (dtype, shapes) in zip(values, self._expected):  # noqa: B905
            if (
                type(value) is np.ndarray
                and value.dtype == dtype
                and value.shape in shapes
                and value.flags.num & READABLE == READABLE
            ):
                arrays.append(value)
            else:
                arrays.append(self._convert(len(arrays), value))
        return arrays

    def with_defaults(self) -> tuple[In, ...]:
        """The inputs, the default values among them checked and converted."""
        converted = []
        for position, item in enumerate(self._inputs):
            value = self._convert(position, item.value) if item.has_default else MISSING
            converted.append(In(item.variable, item.name, value))
        return tuple(converted)

    def _convert(self, position: int, value: Any) -> NDArray[Any]:
        item = self._inputs[position]
        expected = item.variable.type
        array = self._as_array(position, value)
        if array.dtype.name != expected.dtype or not array.dtype.isnative:
            array = self._cast(position, value, array)
        if not fits(array.shape, expected):
            problem = _shape_problem(array.shape, expected)
            raise ArgumentError(self._message(position, array, problem))
        self._remember(position, array.shape)
        return np.require(array, dtype=expected.dtype, requirements=["C", "A"])

    def _remember(self, position: int, shape: tuple[int, ...]) -> None:
        shapes = self._expected[position][1]
        if len(shapes) >= _SHAPES_KEPT:
            shapes.clear()
        shapes.add(shape)

    def _as_array(self, position: int, value: Any) -> NDArray[Any]:
        if isinstance(value, Variable):
            problem = "a symbolic variable has no value; pass an array"
            raise ArgumentTypeError(self._message(position, value, problem))
        if _is_masked(value):
            problem = "a mask would be lost; fill the array first"
            raise ArgumentTypeError(self._message(position, value, problem))
        try:
            array = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise ArgumentTypeError(
                self._message(position, value, str(error))
            ) from None
        if array.dtype.name not in DTYPES:
            problem = f"dtype {array.dtype} is not one of {', '.join(DTYPES)}"
            raise ArgumentTypeError(self._message(position, value, problem))
        return array

    def _cast(self, position: int, value: Any, array: NDArray[Any]) -> NDArray[Any]:
        """``array`` in the input's dtype, where the table of promotion allows it."""
        wanted, given = self._inputs[position].variable.dtype, array.dtype.name
        weak = is_weak(value) or isinstance(value, float)  # np.float64 is a float
        weak = weak and _holds(wanted, array)
        if weak or self._downcast or promote(given, wanted) == wanted:
            return array.astype(wanted)
        problem = f"{given} does not fit in {wanted}; convert with .astype({wanted!r})"
        raise ArgumentTypeError(self._message(position, array, problem))

    def _message(self, position: int, value: Any, problem: str) -> str:
        item = self._inputs[position]
        label = f" {item.name!r}" if item.name else ""
        return (
            f"{self._name}: argument {position}{label} expects {item.variable.type}, "
            f"got {_described(value)}: {problem}\n"
            f"  the input was made at {item.variable.site}"
        )


def fits(shape: tuple[int, ...], type_: TensorType) -> bool:
    """Whether an array of ``shape`` is one of ``type_``, dtype aside."""
    expected = type_.shape
    if len(shape) != len(expected):
        return False
    for mine, theirs in zip(expected, shape, strict=True):
        if mine is not None and mine != theirs:
            return False
    return True


def _holds(dtype: str, array: NDArray[Any]) -> bool:
    """Whether Python numbers, as ``array`` has them, are numbers of ``dtype``."""
    if not array.size:
        return True
    if is_integer(dtype) and is_integer(array.dtype.name):
        limits = np.iinfo(dtype)
        return bool(limits.min <= array.min() and array.max() <= limits.max)
    return KINDS[array.dtype.name] <= KINDS[dtype]


def _shape_problem(shape: tuple[int, ...], expected: TensorType) -> str:
    if len(shape) != expected.ndim:
        return f"expected {expected.ndim} dimensions, got {len(shape)}"
    pairs = enumerate(zip(expected.shape, shape, strict=True))
    wrong = [(i, e, g) for i, (e, g) in pairs if e is not None and e != g]
    return ", ".join(f"dimension {i} must be {e}, is {g}" for i, e, g in wrong)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.name}{list(value.shape)}"
    text = repr(value)
    short = text if len(text) <= 60 else text[:57] + "..."
    return f"{type(value).__name__} {short}"


def _is_masked(value: Any) -> bool:
    """Whether ``value`` has a mask; ``np.ma``, slow to import, is asked last."""
    plain = type(value) is np.ndarray or not isinstance(value, np.ndarray)
    return not plain and isinstance(value, np.ma.MaskedArray)
