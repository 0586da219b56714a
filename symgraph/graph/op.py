"""``Op``, the interface of every operation, and ``Apply``, one use of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import count
from typing import Any, TypeAlias

from numpy.typing import NDArray

from symgraph.graph.errors import GraphError
from symgraph.graph.sites import current_site
from symgraph.graph.types import TensorType
from symgraph.graph.variable import Variable

# A dimension: an int, a symbolic integer Variable, or a back end's own size.
# It supports + - * // with ints and with others of its kind.
Dim: TypeAlias = Any
Dims: TypeAlias = "tuple[Dim, ...]"


class Op:
    """All the mathematics of one operation.

    Subclasses are frozen dataclasses whose fields are the static parameters, so two
    equal ops compute the same function; one that adds no fields to those of its parent
    needs no decorator. A subclass defines ``infer_type`` and
    ``reference``, ``vjp`` where it can be differentiated, ``infer_shape`` where an
    output dimension may be unknown, and ``expand`` instead of a lowering where it is
    only a name for an expression of other ops.
    """

    __slots__ = ()

    def infer_type(self, *inputs: TensorType) -> TensorType | tuple[TensorType, ...]:
        """The type of each output; raises ``GraphError`` for what does not fit."""
        raise NotImplementedError(f"{type(self).__name__}.infer_type")

    def settle(
        self,
        types: Sequence[TensorType],
        shapes: Sequence[Dims],
        values: Sequence[Dim | None],
    ) -> TensorType | tuple[TensorType, ...]:
        """The types of the outputs once the sizes are there, as a call brings them.

        ``types`` are those the inputs had when the graph was built; ``values`` are as
        in ``infer_shape``. Raises ``GraphError`` for sizes that do not fit.
        """
        pairs = zip(types, shapes, strict=True)
        return self.infer_type(*(type.with_shape(shape) for type, shape in pairs))

    def infer_shape(
        self, shapes: Sequence[Dims], values: Sequence[Dim | None]
    ) -> Dims | tuple[Dims, ...]:
        """The shape of each output from the inputs' shapes.

        ``values[i]`` is the value of input i as a dimension where that input is an
        integer scalar known to be computed from sizes, else None. The default serves
        elementwise ops: the output has the shape of the first input.
        """
        return tuple(shapes[0])

    def reference(self, *inputs: NDArray[Any]) -> Any:
        """The outputs' values in NumPy: the definition every back end is held to."""
        raise NotImplementedError(f"{type(self).__name__}.reference")

    def needs(self, place: int) -> bool | None:
        """When the op reads its input number ``place``: always, if this is None.

        True: only where its first input holds, a bool scalar; False: only where that
        does not hold. ``reference`` gets None for what it does not read.
        """
        return None

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        """Cotangents of the inputs; None where the derivative is zero everywhere.

        A cotangent that is None is zero. Raise ``GraphError`` where no derivative is
        defined.
        """
        raise GraphError(f"{self}: no derivative is defined")

    def expand(self, *inputs: Variable) -> Variable | tuple[Variable, ...] | None:
        """The same value as an expression of simpler ops, or None for a primitive."""
        return None

    def __str__(self) -> str:
        """The class and the static parameters that are not at their default."""
        own: tuple[Field[Any], ...] = fields(self) if is_dataclass(self) else ()
        chosen = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in own
            if field.default is MISSING or getattr(self, field.name) != field.default
        ]
        return type(self).__name__ + (f"({', '.join(chosen)})" if chosen else "")

    def __call__(self, *inputs: Variable) -> Any:
        """Apply the op: one output variable, or a tuple when there are several."""
        outputs = Apply(self, inputs).outputs
        return outputs[0] if len(outputs) == 1 else outputs


class Apply:
    """One application of an op to inputs, made at one line of the user's program.

    Of two applications the one made later has the higher ``serial``.
    """

    __slots__ = ("__weakref__", "inputs", "op", "outputs", "serial", "site")
    _serials = count()

    def __init__(self, op: Op, inputs: Sequence[Variable]) -> None:
        self.op: Any = op  # an Op; its static fields are known to who asks for its type
        self.inputs = tuple(inputs)
        self.serial = next(Apply._serials)
        self.site = current_site()
        types = self._infer()
        self.outputs = tuple(Variable(t, self, i) for i, t in enumerate(types))

    def _infer(self) -> tuple[TensorType, ...]:
        for argument in self.inputs:
            if not isinstance(argument, Variable):
                raise GraphError(f"{self.op}: expected a Variable, got {argument!r}")
        try:
            types = self.op.infer_type(*(v.type for v in self.inputs))
        except GraphError as error:
            raise type(error)(_with_arguments(str(error), self)) from error
        return types if isinstance(types, tuple) else (types,)

    def __repr__(self) -> str:
        arguments = ", ".join(repr(v) for v in self.inputs)
        return f"{self.op}({arguments})"


def argument_lines(variables: Sequence[Variable]) -> str:
    """What an error says of an op's arguments: each with the line that made it."""
    numbered = enumerate(variables)
    return "\n".join(f"  argument {i}: {v!r}, made at {v.site}" for i, v in numbered)


def _with_arguments(message: str, node: Apply) -> str:
    return f"{message}\n{argument_lines(node.inputs)}\n  applied at {node.site}"
