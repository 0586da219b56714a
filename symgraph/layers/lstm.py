"""``LSTM``: a memory cell that gates decide what to keep in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from symgraph.graph import Variable
from symgraph.layers.initializers import Initializer, Raised
from symgraph.layers.recurrent import RecurrentLayer
from symgraph.ops import nn
from symgraph.ops.join import split
from symgraph.ops.trigonometric import tanh


@dataclass(eq=False)
class LSTM(RecurrentLayer):
    """Long short-term memory. Hochreiter & Schmidhuber 1997; Gers et al. 2000.

    i, f, g, o = the four parts of  x_t W + h_{t-1} U + b
    c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)
    h_t = sigmoid(o) tanh(c_t)

    [batch, time, features] -> [batch, units], or [batch, time, units]: see
    ``RecurrentLayer``. The bias of the forget gate f starts ``forget_bias`` higher, so
    that the cell remembers until it has learned to forget (Jozefowicz et al. 2015).
    """

    gates: ClassVar[int] = 4
    state_names: ClassVar[tuple[str, ...]] = ("h", "c")

    forget_bias: float = 1.0

    def first_bias(self) -> Initializer:
        """The bias initializer, higher for the forget gate."""
        rise = [0.0, self.forget_bias, 0.0, 0.0]
        return Raised(self.bias_initializer, tuple(rise))

    def step(
        self, x: Variable, states: Sequence[Variable], p: Any
    ) -> tuple[Variable, ...]:
        """h and c."""
        h, c = states
        z = nn.dense(x, p.weights, p.bias) + h @ p.recurrent
        i, f, g, o = split(z, 4, axis=1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * tanh(g)
        return nn.sigmoid(o) * tanh(c), c
