"""``Scan``: a graph run once for every step of a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from symgraph.graph import (
    Graph,
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    Variable,
    evaluate,
)
from symgraph.ops.checks import expect_sizes, join_dims
from symgraph.ops.scan_body import Body
from symgraph.ops.scan_gradient import scan_vjp

T = TypeVar("T")


class Inputs(NamedTuple):
    """What a scan takes, in this order."""

    sequences: Sequence[Any]
    states: Sequence[Any]
    constants: Sequence[Any]


@dataclass(frozen=True)
class Scan(Op):
    """s, y_t = body(x_t, s, c) for t = 0 .. length - 1.

    Inputs are ``sequences`` arrays x, whose first dimension is t; ``states`` arrays,
    what s is before the first step; the constants c, the same in each step; and the
    number of steps as an int64 scalar where ``length`` is None. Outputs are s after
    the last step, then each y stacked along a new first dimension. The outputs of
    ``body`` are the new s, then the y.

    With ``reverse`` t runs from length - 1 down to 0. A gradient goes back through
    the last ``truncate`` steps only, unless that is negative.
    """

    body: Body
    sequences: int
    states: int
    length: int | None
    reverse: bool = False
    truncate: int = -1
    name: str = field(default="scan", compare=False)

    # What stands where.

    def split(self, inputs: Sequence[T]) -> Inputs:
        """The inputs of the op, or of its body, by what they are."""
        first, last = self.sequences, self.sequences + self.states
        count = len(self.body.graph.inputs)
        return Inputs(inputs[:first], inputs[first:last], inputs[last:count])

    def steps(self, inputs: Sequence[T]) -> T | int:
        """The number of steps: ``length``, or the input that gives it."""
        return inputs[-1] if self.length is None else self.length

    @property
    def new_states(self) -> tuple[Variable, ...]:
        """In the body, what s becomes."""
        return self.body.outputs[: self.states]

    @property
    def stacked(self) -> tuple[Variable, ...]:
        """In the body, the y."""
        return self.body.outputs[self.states :]

    def with_body(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable]
    ) -> Scan:
        """This scan with another body, of the same kinds of inputs and states."""
        return replace(self, body=Body(Graph(inputs, outputs)))

    # What every op says.

    def infer_type(self, *inputs):
        """The states' own types, then each y with the number of steps before it."""
        given = self.split(inputs)
        length = self._check_inputs(inputs, given)
        elements = [x.with_shape(x.shape[1:]) for x in given.sequences]
        inner = (*elements, *given.states, *given.constants)
        for position, (mine, theirs) in enumerate(
            zip(self.body.graph.inputs, inner, strict=True)
        ):
            if mine.dtype != theirs.dtype or mine.ndim != theirs.ndim:
                raise TypeMismatch(
                    f"{self.name}: input {position} of its step is {mine.type}, "
                    f"got {theirs}"
                )
        try:
            found = self.body.types(inner)
        except GraphError as error:
            raise type(error)(f"{self.name}: in its step, {error}") from error
        for place, (state, new) in enumerate(
            zip(given.states, found[: self.states], strict=True)
        ):
            check_state(self.name, f"state {place}", state, new)
        stacks = (y.with_shape((length, *y.shape)) for y in found[self.states :])
        return (*given.states, *stacks)

    def infer_shape(self, shapes, values):
        """The states' shapes, and those of the y, found by walking the body."""
        given = self.split(shapes)
        elements = [tuple(x[1:]) for x in given.sequences]
        inner = (*elements, *given.states, *given.constants)
        known = [*[None] * (self.sequences + self.states), *self.split(values)[2]]
        found = self.body.shapes(inner, known)
        length = self._length_of(given.sequences, values)
        stacks = [(length, *dims) for dims in found[self.states :]]
        every = (*map(tuple, given.states), *stacks)
        return every if len(every) > 1 else every[0]

    def reference(self, *arrays):
        """The loop itself, each step computed by the ops' references."""
        given = self.split(arrays)
        length = int(self.steps(arrays))
        for x in given.sequences:
            if x.shape[0] != length:
                raise GraphError(
                    f"{self.name}: {length} steps over a sequence of {x.shape[0]}"
                )
        states, graph = list(given.states), self.body.graph
        rows: list[list[Any]] = [[None] * length for _ in self.stacked]
        for t in range(length)[:: -1 if self.reverse else 1]:
            inner = (*(x[t] for x in given.sequences), *states, *given.constants)
            values = dict(zip(graph.inputs, inner, strict=True))
            found = evaluate(graph.outputs, values)
            states = [
                _like(self.name, place, old, new)
                for place, (old, new) in enumerate(
                    zip(states, found[: self.states], strict=True)
                )
            ]
            for stack, y in zip(rows, found[self.states :], strict=True):
                stack[t] = y
        return (*states, *self._stacks(rows, arrays))

    def vjp(self, inputs, outputs, cotangents):
        """A scan that runs the other way; see ``scan_gradient``."""
        return scan_vjp(self, inputs, outputs, cotangents)

    # How.

    def _check_inputs(self, inputs: Sequence[TensorType], given: Inputs) -> int | None:
        """The number of steps, as far as it is known."""
        count = len(self.body.graph.inputs)
        expect_sizes(self.name, inputs[count:], [self.length].count(None))
        length = self.length
        for place, x in enumerate(given.sequences):
            if x.ndim == 0:
                raise GraphError(f"{self.name}: sequence {place} is a scalar, {x}")
            what = f"steps, and sequence {place} is {x}"
            length = join_dims(self.name, what, length, x.shape[0])
        return length

    def _length_of(self, shapes: Sequence[Any], values: Sequence[Any]) -> Any:
        known = self.steps(values)
        return shapes[0][0] if known is None and shapes else known

    def _stacks(self, rows: Sequence[Sequence[Any]], arrays: Sequence[Any]) -> Any:
        shapes = [a.shape for a in arrays]
        values = [
            int(a) if a.ndim == 0 and a.dtype.kind in "iu" else None for a in arrays
        ]
        dims = self.infer_shape(shapes, values)
        dims = (dims if len(self.body.outputs) > 1 else [dims])[self.states :]
        for stack, y, shape in zip(rows, self.stacked, dims, strict=True):
            empty = np.empty(shape, y.dtype)
            for t, row in enumerate(stack):
                empty[t] = row
            yield empty


def check_state(name: str, what: str, state: TensorType, new: TensorType) -> None:
    """Raise unless a step may turn a state of type ``state`` into ``new``."""
    pairs = zip(state.shape, new.shape, strict=False)
    differs = any(None not in (a, b) and a != b for a, b in pairs)
    if state.dtype != new.dtype:
        raise TypeMismatch(
            f"{name}: {what} of the step is carried as {state}, got {new}; cast the "
            "new value, or start from a value of that dtype"
        )
    if state.ndim != new.ndim or differs:
        raise GraphError(
            f"{name}: {what} of the step is carried as {state}, got {new}; what a "
            "step carries keeps its shape"
        )


def _like(name: str, place: int, old: Any, new: Any) -> Any:
    if old.shape != new.shape:
        raise GraphError(
            f"{name}: state {place} of the step is carried with shape "
            f"{list(old.shape)}, got {list(new.shape)}"
        )
    return new
