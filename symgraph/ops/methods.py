"""The operators and methods of variables, as NumPy and Theano have them.

``METHODS`` is the whole list. Equality stays identity, so that variables can be keys
and members: elements are compared by ``sg.eq``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import ArrayLike, NDArray

from symgraph.graph import TypeMismatch, Variable, evaluate
from symgraph.ops import arithmetic as math
from symgraph.ops import logical, reshaping, statistics
from symgraph.ops.cast import cast
from symgraph.ops.comparison import eq, ge, gt, le, lt, ne
from symgraph.ops.cumulative import cumprod, cumsum
from symgraph.ops.extrema import clip
from symgraph.ops.indexing import diagonal, getitem, take, trace
from symgraph.ops.linalg import dot, matmul
from symgraph.ops.numpy_calls import array_function, array_ufunc
from symgraph.ops.rounding import round
from symgraph.ops.shape import Size, shape
from symgraph.ops.sorting import argsort, sort


def _reflected(builder: Callable[..., Variable]) -> Callable[..., Variable]:
    return lambda self, other: builder(other, self)


def _varargs(builder: Callable[..., Variable]) -> Callable[..., Variable]:
    """A method that takes sizes or axes one by one or as one sequence."""

    def method(self: Variable, *entries: Any) -> Variable:
        if len(entries) == 1 and not isinstance(entries[0], (int, Variable)):
            return builder(self, entries[0])
        return builder(self, entries) if entries else builder(self)

    return method


def _eval(
    self: Variable, givens: Mapping[Variable, ArrayLike] | None = None
) -> NDArray[Any]:
    """The value, by the NumPy reference, where ``givens`` have given values."""
    return evaluate([self], givens)[0]


def _length(self: Variable) -> int:
    if not self.ndim or self.type.shape[0] is None:
        raise TypeMismatch(f"len: the first dimension of {self!r} is not known")
    return self.type.shape[0]


def _iterate(self: Variable) -> Iterator[Variable]:
    return (self[i] for i in range(_length(self)))  # type: ignore[index]


def _size(self: Variable) -> Size:
    """The number of elements."""
    return reshaping.product(shape(self))


METHODS: dict[str, Any] = {
    "__add__": math.add,
    "__radd__": _reflected(math.add),
    "__sub__": math.sub,
    "__rsub__": _reflected(math.sub),
    "__mul__": math.mul,
    "__rmul__": _reflected(math.mul),
    "__truediv__": math.true_div,
    "__rtruediv__": _reflected(math.true_div),
    "__floordiv__": math.floor_div,
    "__rfloordiv__": _reflected(math.floor_div),
    "__mod__": math.mod,
    "__rmod__": _reflected(math.mod),
    "__pow__": math.pow,
    "__rpow__": _reflected(math.pow),
    "__matmul__": matmul,
    "__rmatmul__": _reflected(matmul),
    "__neg__": math.neg,
    "__pos__": lambda self: self,
    "__abs__": math.abs,
    "__round__": round,
    "__lt__": lt,
    "__le__": le,
    "__gt__": gt,
    "__ge__": ge,
    "__and__": logical.bitwise_and,
    "__rand__": _reflected(logical.bitwise_and),
    "__or__": logical.bitwise_or,
    "__ror__": _reflected(logical.bitwise_or),
    "__xor__": logical.bitwise_xor,
    "__rxor__": _reflected(logical.bitwise_xor),
    "__invert__": logical.invert,
    "__lshift__": logical.left_shift,
    "__rlshift__": _reflected(logical.left_shift),
    "__rshift__": logical.right_shift,
    "__rrshift__": _reflected(logical.right_shift),
    "__array_ufunc__": array_ufunc,
    "__array_function__": array_function,
    "__getitem__": getitem,
    "__len__": _length,
    "__iter__": _iterate,
    "shape": property(shape, doc="The sizes, each an int or an int64 scalar."),
    "size": property(_size, doc="The number of elements."),
    "T": property(reshaping.transpose, doc="The dimensions reversed."),
    "eval": _eval,
    "eq": eq,
    "ne": ne,
    "astype": cast,
    "clip": clip,
    "round": round,
    "reshape": _varargs(reshaping.reshape),
    "transpose": _varargs(reshaping.transpose),
    "swapaxes": reshaping.swapaxes,
    "dimshuffle": reshaping.dimshuffle,
    "flatten": reshaping.flatten,
    "ravel": reshaping.ravel,
    "squeeze": reshaping.squeeze,
    "repeat": reshaping.repeat,
    "dot": dot,
    "take": take,
    "diagonal": diagonal,
    "trace": trace,
    "sum": statistics.sum,
    "prod": statistics.prod,
    "max": statistics.max,
    "min": statistics.min,
    "mean": statistics.mean,
    "var": statistics.var,
    "std": statistics.std,
    "norm": statistics.norm,
    "cumsum": cumsum,
    "cumprod": cumprod,
    "sort": sort,
    "argsort": argsort,
    "any": statistics.any,
    "all": statistics.all,
    "argmax": statistics.argmax,
    "argmin": statistics.argmin,
}

for _name, _method in METHODS.items():
    setattr(Variable, _name, _method)
