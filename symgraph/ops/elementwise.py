"""``Elementwise``: what all functions of single elements share.

Operands have one shape and one dtype: broadcasting and promotion are nodes of their
own, put in by ``broadcasting.elementwise``, so that no derivative here ever has to
undo them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from symgraph.graph import (
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    is_bool,
    is_float,
    is_integer,
)

DOMAINS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "any": ("any dtype", lambda dtype: True),
    "number": ("integers or floats", lambda dtype: not is_bool(dtype)),
    "float": ("float32 or float64", is_float),
    "integer": ("integers", is_integer),
    "bits": ("integers or bool", lambda dtype: not is_float(dtype)),
}


@dataclass(frozen=True)
class Elementwise(Op):
    """y[i] = f(x[i], ...) at every index i.

    ``scalar`` is f's name in the kernel IR, ``compute`` is f in NumPy, ``domain`` says
    which dtypes f takes, and ``result`` its dtype where that is not the operands'.
    Being dataclasses is inherited; only an op with fields says so again.
    """

    scalar: ClassVar[str]
    compute: ClassVar[Callable[..., Any]]
    arity: ClassVar[int] = 1
    domain: ClassVar[str] = "float"
    result: ClassVar[str | None] = None

    def infer_type(self, *inputs: TensorType) -> TensorType:
        """The operands' one shape, and the result's dtype."""
        if len(inputs) != self.arity:
            raise GraphError(
                f"{self}: expected {self.arity} arguments, got {len(inputs)}"
            )
        self._check_dtypes(inputs)
        shape = inputs[0].shape
        for other in inputs[1:]:
            shape = _merged(self, inputs[0], shape, other)
        return TensorType(self.result or inputs[-1].dtype, shape)

    def infer_shape(self, shapes, values):
        """Each dimension from the first operand that knows it."""
        columns = zip(*shapes, strict=True)
        return tuple(
            next((dim for dim in dims if isinstance(dim, int)), dims[0])
            for dims in columns
        )

    def reference(self, *inputs):
        """``compute`` on arrays of one shape."""
        if any(x.shape != inputs[0].shape for x in inputs):
            shapes = " and ".join(str(list(x.shape)) for x in inputs)
            raise GraphError(
                f"{self}: shapes {shapes} differ; only a dimension that is statically "
                "1 broadcasts"
            )
        return type(self).compute(*inputs)

    def _check_dtypes(self, inputs: Sequence[TensorType]) -> None:
        description, belongs = DOMAINS[self.domain]
        for x in inputs:
            if not belongs(x.dtype):
                raise TypeMismatch(f"{self}: expected {description}, got {x.dtype}")
            if x.dtype != inputs[0].dtype:
                raise TypeMismatch(
                    f"{self}: expected operands of one dtype, "
                    f"got {inputs[0].dtype} and {x.dtype}"
                )


class Unary(Elementwise):
    """y = f(x); ``slope`` gives dy/dx, None where it is zero almost everywhere."""

    def slope(self, x, y):
        """dy/dx, as an expression of x and y."""
        return None

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy * slope."""
        slope = self.slope(inputs[0], outputs[0])
        return (None if slope is None else cotangents[0] * slope,)


class Binary(Elementwise):
    """z = f(x, y)."""

    arity: ClassVar[int] = 2


def _merged(
    op: Op, first: TensorType, shape: tuple[int | None, ...], other: TensorType
) -> tuple[int | None, ...]:
    if len(shape) != other.ndim:
        raise GraphError(f"{op}: expected one shape, got {first} and {other}")
    for axis, (mine, theirs) in enumerate(zip(shape, other.shape, strict=True)):
        if None not in (mine, theirs) and mine != theirs:
            raise GraphError(
                f"{op}: expected one shape, got {first} and {other}, which differ in "
                f"dimension {axis}"
            )
    return tuple(b if a is None else a for a, b in zip(shape, other.shape, strict=True))
