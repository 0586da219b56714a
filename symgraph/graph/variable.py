"""The values of a graph: variables, constants and shared variables.

A ``Variable`` is an input of the graph or an output of an ``Apply``. Equality and
hash are identity: ``==`` asks whether two names mean one node. The arithmetic
operators and NumPy's methods are given to ``Variable`` by ``symgraph.ops.methods``.
"""

from __future__ import annotations

import os
import threading
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.graph.dtypes import KINDS
from symgraph.graph.errors import GraphError, MissingValue, TypeMismatch
from symgraph.graph.sites import Site, current_site
from symgraph.graph.types import TensorType
from symgraph.graph.weak import is_weak, strengthened, weak_dtype

if TYPE_CHECKING:
    from symgraph.graph.op import Apply
    from symgraph.graph.operators import Operators
else:
    Operators = object  # the operators come with symgraph.ops


class Variable(Operators):
    """A symbolic tensor: the ``index``-th output of ``owner``, or an input."""

    __slots__ = ("__weakref__", "_site", "index", "name", "owner", "type")

    def __init__(
        self,
        type: TensorType,
        owner: Apply | None = None,
        index: int = 0,
        name: str | None = None,
    ) -> None:
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self._site = current_site() if owner is None else None

    @property
    def dtype(self) -> str:
        """The dtype's NumPy name."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.type.ndim

    @property
    def site(self) -> Site | None:
        """The user's line that made this variable."""
        return self.owner.site if self.owner is not None else self._site

    def __bool__(self) -> bool:
        raise TypeMismatch(
            f"{self!r} has no value yet: a variable cannot decide an if; "
            "use sg.switch or sg.ifelse"
        )

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeMismatch(
            f"{self!r} cannot be written to; sg.set_subtensor(x[key], value) and "
            "sg.inc_subtensor give a new variable"
        )

    def __float__(self) -> float:
        raise TypeMismatch(f"{self!r} has no value yet; use sg.function or .eval()")

    __int__ = __complex__ = __float__

    def __array__(self, *args: Any, **options: Any) -> NDArray[Any]:
        raise TypeMismatch(f"{self!r} has no value yet and cannot become an array")

    def __repr__(self) -> str:
        if self.name is not None:
            return f"{self.name}: {self.type}"
        if self.owner is not None:
            return f"{self.owner.op}.{self.index}: {self.type}"
        return f"<{self.type}>"


class Constant(Variable):
    """A value known when the graph is built; its array cannot be written to."""

    __slots__ = ("data",)

    def __init__(self, data: NDArray[Any], name: str | None = None) -> None:
        self.data = _frozen(data)
        super().__init__(TensorType(data.dtype.name, data.shape), name=name)

    def __repr__(self) -> str:
        if self.data.size == 1:
            return f"{self.data.reshape(()).item()!r}"
        return super().__repr__()


# Held while values of shared variables are read or replaced together.
EXCHANGE = threading.RLock()
os.register_at_fork(
    before=EXCHANGE.acquire,
    after_in_parent=EXCHANGE.release,
    after_in_child=EXCHANGE.release,
)
Held: TypeAlias = "tuple[NDArray[Any], int, str | None]"  # value, version, missing


class SharedVariable(Variable):
    """A value that lives across calls and that ``updates`` may change.

    ``version`` grows with every change, so that what was computed from the value
    alone can be kept until the value changes. ``missing`` is None, or says why there
    is no value yet and how to get one: reading the value is then an error. The value
    and these two are ``held`` together, so that one assignment replaces them.
    """

    __slots__ = ("default_update", "held", "serial")
    _serials = count()

    def __init__(self, data: NDArray[Any], name: str | None, type: TensorType) -> None:
        super().__init__(type, name=name)
        self.held: Held = (data, 0, None)
        self.serial = next(SharedVariable._serials)
        self.default_update: Variable | None = None

    @property
    def version(self) -> int:
        """How often the value has changed."""
        return self.held[1]

    @property
    def missing(self) -> str | None:
        """Why there is no value, or None where there is one."""
        return self.held[2]

    @missing.setter
    def missing(self, reason: str | None) -> None:
        with EXCHANGE:
            self.held = (*self.held[:2], reason)

    def get_value(self, borrow: bool = False) -> NDArray[Any]:
        """The value now: a copy, or with ``borrow`` a read-only view of it."""
        data, _, missing = self.held
        if missing is not None:
            raise MissingValue(missing)
        if not borrow:
            return data.copy()
        view = data.view()
        view.flags.writeable = False
        return view

    def set_value(self, value: ArrayLike, borrow: bool = False) -> None:
        """Replace the value; dtype and shape must fit the variable's type."""
        array = np.asarray(value)
        if array.dtype.name != self.dtype:
            array = _cast_safely(array, self, is_weak(value))
        if not self.type.accepts(TensorType(array.dtype.name, array.shape)):
            raise GraphError(
                f"set_value: {self!r} expects {self.type}, "
                f"got {array.dtype.name}{list(array.shape)}"
            )
        fresh = borrow and array.flags.c_contiguous and array.flags.writeable
        kept = array if fresh else np.array(array, order="C")
        with EXCHANGE:
            self.held = (kept, self.version + 1, None)


def constant(
    value: ArrayLike, name: str | None = None, dtype: str | None = None
) -> Constant:
    """A constant holding a copy of ``value``; Python floats become ``floatX``."""
    if dtype is None and is_weak(value):
        dtype = weak_dtype(np.asarray(value))
    array = np.array(value, dtype=dtype, order="C")
    if array.dtype.name not in KINDS:
        raise TypeMismatch(
            f"constant: expected a number or an array of one of {', '.join(KINDS)}, "
            f"got {value!r} of dtype {array.dtype}"
        )
    return Constant(array, name)


def _frozen(data: NDArray[Any]) -> NDArray[Any]:
    if data.flags.writeable or not data.flags.c_contiguous:
        data = np.array(data, order="C")
        data.flags.writeable = False
    return data


def _cast_safely(
    array: NDArray[Any], variable: SharedVariable, weak: bool
) -> NDArray[Any]:
    strong = strengthened(array, variable.dtype) if weak else None
    if strong is not None:
        return strong
    wider = np.can_cast(array.dtype, variable.dtype, casting="safe")
    if wider or KINDS.get(array.dtype.name) == KINDS[variable.dtype] == 2:
        return array.astype(variable.dtype)
    raise TypeMismatch(
        f"set_value: {variable!r} expects {variable.dtype}, got {array.dtype}"
    )
