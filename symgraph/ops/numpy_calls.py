"""What NumPy does with a variable: its operators are ours, its functions are refused.

``array + x`` is asked of NumPy first, which asks the variable: the two are told apart
from ``np.add(x, y)`` by where the variable stands, as ``x + array`` never gets there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symgraph.graph import TypeMismatch, Variable
from symgraph.ops import functions, linalg

# NumPy's name of an operator, and the method of a variable on its right
REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "true_divide": "__rtruediv__",
    "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__",
    "remainder": "__rmod__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "bitwise_and": "__rand__",
    "bitwise_or": "__ror__",
    "bitwise_xor": "__rxor__",
    "left_shift": "__rlshift__",
    "right_shift": "__rrshift__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
    "equal": "__eq__",
    "not_equal": "__ne__",
}


def array_ufunc(
    self: Variable, ufunc: Any, method: str, *inputs: Any, **options: Any
) -> Any:
    """``array OPERATOR variable`` as the variable means it; else an error of ours."""
    reflected = REFLECTED.get(ufunc.__name__) if method == "__call__" else None
    left = inputs[0]
    if (
        reflected is None
        or isinstance(left, Variable)
        or not _is_operator(left, options)
    ):
        raise _refused(self, ufunc.__name__)
    result = getattr(inputs[1], reflected)(left)
    if result is NotImplemented:  # of == and !=, which ask whether two are one
        return reflected == "__ne__"
    return result


def array_function(self: Variable, function: Any, *rest: Any) -> Any:
    """Other functions of NumPy want values: an error that names ours."""
    raise _refused(self, function.__name__)


def _is_operator(left: Any, options: Mapping[str, Any]) -> bool:
    """Whether the options are those of ``left += x``, if any."""
    out = options.get("out")
    return not options or (len(options) == 1 and out is not None and out[0] is left)


def _refused(variable: Variable, name: str) -> TypeMismatch:
    ours = "symgraph has no such function"
    for prefix, module in (("sg", functions), ("sg.linalg", linalg)):
        if callable(getattr(module, name, None)):
            ours = f"use {prefix}.{name}"
            break
    return TypeMismatch(f"np.{name}: {variable!r} has no value yet; {ours}")
