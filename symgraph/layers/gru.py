"""``GRU``: gates without a memory cell of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from symgraph.graph import TensorType, Variable
from symgraph.layers.initializers import Fans
from symgraph.layers.parameters import Parameter
from symgraph.layers.recurrent import RecurrentLayer
from symgraph.ops import nn
from symgraph.ops.join import split
from symgraph.ops.trigonometric import tanh


@dataclass(eq=False)
class GRU(RecurrentLayer):
    """Gated recurrent units. Cho et al. 2014, with one product for all of h U.

    r, z, n = the three parts of  x_t W + b,    r', z', n' = those of  h_{t-1} U
    m = tanh(n + sigmoid(r + r') (n' + d))
    h_t = m + sigmoid(z + z') (h_{t-1} - m)

    The paper has (sigmoid(r + r') h) U where this has sigmoid(r + r') (h U + d).
    [batch, time, features] -> [batch, units], or [batch, time, units]: see
    ``RecurrentLayer``.
    """

    gates: ClassVar[int] = 3

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """As every recurrent layer, and recurrent_bias[units], the d above."""
        declared = super().declare(x)
        fans = Fans(self.units, self.units)
        shape = (self.units,)
        declared["recurrent_bias"] = Parameter(shape, self.bias_initializer, fans)
        return declared

    def step(
        self, x: Variable, states: Sequence[Variable], p: Any
    ) -> tuple[Variable, ...]:
        """h."""
        (h,) = states
        from_x = nn.dense(x, p.weights, p.bias)
        r, z, n = split(from_x, 3, axis=1)
        r_h, z_h, n_h = split(h @ p.recurrent, 3, axis=1)
        m = tanh(n + nn.sigmoid(r + r_h) * nn.add_bias(n_h, p.recurrent_bias, axes=0))
        return (m + nn.sigmoid(z + z_h) * (h - m),)
