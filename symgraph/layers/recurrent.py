"""Recurrent layers: the same weights at every time step, a state between the steps.

Inputs are [batch, time, features]. A subclass says how many gates its weights feed,
how many states it carries, and what one step is; the loop is one ``scan``, whose
rewriting takes x W of all steps out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.checks import positive, size_of
from symgraph.layers.initializers import (
    ZEROS,
    Blocks,
    Fans,
    GlorotUniform,
    Initializer,
    Orthogonal,
)
from symgraph.layers.layer import Layer
from symgraph.layers.parameters import Parameter
from symgraph.ops import nn
from symgraph.ops.creation import zeros
from symgraph.ops.loop import make_loop
from symgraph.ops.reshaping import swapaxes
from symgraph.ops.shape import broadcast_to, dim
from symgraph.ops.trigonometric import tanh

LAYOUT = "[batch, time, features]"
GLOROT_UNIFORM = GlorotUniform()
ORTHOGONAL = Orthogonal()


class Unfolded(NamedTuple):
    """h at every time step, [batch, time, units], and the states after the last."""

    sequence: Variable
    states: tuple[Variable, ...]


@dataclass(eq=False)
class RecurrentLayer(Layer):
    """h at the last time step, or with ``return_sequences`` at each one.

    [batch, time, features] -> [batch, units] or [batch, time, units]. With
    ``go_backwards`` time runs from the last step to the first; what is returned for a
    step still stands where that step is. The states start at zero, or with
    ``learn_initial`` at values that are learned. A gradient goes back through the
    last ``truncate_gradient`` steps, all if that is -1.
    """

    gates: ClassVar[int] = 1
    state_names: ClassVar[tuple[str, ...]] = ("h",)

    units: int
    return_sequences: bool = False
    go_backwards: bool = False
    learn_initial: bool = False
    truncate_gradient: int = -1
    initializer: Initializer | Any = GLOROT_UNIFORM
    recurrent_initializer: Initializer | Any = ORTHOGONAL
    bias_initializer: Initializer | Any = ZEROS

    def __post_init__(self) -> None:
        self.units = positive(self, "units", self.units)

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """weights[features, gates units], recurrent[units, gates units], bias."""
        features, width = size_of(self, x, 2, LAYOUT), self.gates * self.units
        fans, inner = Fans(features, self.units), Fans(self.units, self.units)
        square = Blocks(self.recurrent_initializer, self.gates)
        declared = {
            "weights": Parameter((features, width), self.initializer, fans),
            "recurrent": Parameter((self.units, width), square, inner),
            "bias": Parameter((width,), self.first_bias(), fans),
        }
        if self.learn_initial:
            for name in self.state_names:
                declared[f"initial_{name}"] = Parameter((self.units,), ZEROS)
        return declared

    def first_bias(self) -> Initializer | Any:
        """Where the bias starts."""
        return self.bias_initializer

    def step(
        self, x: Variable, states: Sequence[Variable], p: Any
    ) -> tuple[Variable, ...]:
        """The new states, h first, from one step's input and the states before it."""
        raise NotImplementedError(f"{type(self).__name__}.step")

    def inference(self, x: Variable, p: Any) -> Variable:
        """h at the last step, or at all of them."""
        found = self._unfold(x, self._initial(x, p), p)
        return found.sequence if self.return_sequences else found.states[0]

    def unfold(self, x: Variable, states: Sequence[Variable] | None = None) -> Unfolded:
        """The layer from given states on: for sequences that come in pieces.

        ``states`` are [batch, units] each, in the order of ``state_names``.
        """
        self.require_built()
        self._check_dtype(x)
        p = _Parameters(self.own)
        given = self._initial(x, p) if states is None else tuple(states)
        if len(given) != len(self.state_names):
            raise GraphError(
                f"{self.label}: expects the states {', '.join(self.state_names)}, "
                f"got {len(given)}"
            )
        with self._scope():
            return self._unfold(x, given, p)

    def _unfold(self, x: Variable, states: Sequence[Variable], p: Any) -> Unfolded:
        if x.ndim != 3:
            raise GraphError(f"{self.label}: expects {LAYOUT}, got {x!r}")
        loop = make_loop(
            lambda x_t, *before: list(self.step(x_t, before, p)),
            [swapaxes(x, 0, 1)],
            list(states),
            truncate_gradient=self.truncate_gradient,
            go_backwards=self.go_backwards,
            name=self.label,
        )
        sequence = swapaxes(loop.aligned[0], 0, 1)
        return Unfolded(sequence, tuple(v for v in loop.finals if v is not None))

    def _initial(self, x: Variable, p: Any) -> tuple[Variable, ...]:
        """The states before the first step, for every sequence of the batch."""
        shape = (dim(x, 0), self.units)
        if not self.learn_initial:
            return tuple(zeros(shape, x.dtype) for _ in self.state_names)
        learned = (getattr(p, f"initial_{name}") for name in self.state_names)
        return tuple(broadcast_to(v, shape) for v in learned)


class _Parameters:
    """The parameters of a layer as attributes."""

    def __init__(self, own: dict[str, Any]) -> None:
        self.__dict__.update(own)


@dataclass(eq=False)
class Recurrent(RecurrentLayer):
    """h_t = activation(x_t W + h_{t-1} U + b). Elman 1990."""

    activation: Callable[[Variable], Variable] = tanh

    def step(
        self, x: Variable, states: Sequence[Variable], p: Any
    ) -> tuple[Variable, ...]:
        """activation(x W + h U + b)."""
        (h,) = states
        return (self.activation(nn.dense(x, p.weights, p.bias) + h @ p.recurrent),)
