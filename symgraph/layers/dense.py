"""``Dense``: every output is a weighted sum of every input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.checks import positive, size_of
from symgraph.layers.initializers import HE_UNIFORM, ZEROS, Fans, Initializer
from symgraph.layers.layer import Layer
from symgraph.layers.parameters import Parameter
from symgraph.ops import nn


@dataclass(eq=False)
class Dense(Layer):
    """activation(x @ weights + bias): [N, inputs] -> [N, units].

    Of sequences, [N, time, inputs], every time step is a row: -> [N, time, units].
    """

    units: int
    activation: Callable[[Variable], Variable] | None = None
    bias: bool = True
    initializer: Initializer | Any = HE_UNIFORM
    bias_initializer: Initializer | Any = ZEROS

    def __post_init__(self) -> None:
        self.units = positive(self, "units", self.units)

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """weights[inputs, units] and bias[units]."""
        if x.ndim > 3:
            raise GraphError(
                f"{self.label}: expects [batch, features], got {x}; "
                "put a Flatten() before it"
            )
        layout = "[batch, features]" if x.ndim < 3 else "[batch, time, features]"
        inputs = size_of(self, x, -1, layout)
        fans = Fans(inputs, self.units)
        shape = (inputs, self.units)
        declared = {"weights": Parameter(shape, self.initializer, fans)}
        if self.bias:
            declared["bias"] = Parameter((self.units,), self.bias_initializer, fans)
        return declared

    def inference(self, x: Variable, p: Any) -> Variable:
        """activation(x @ weights + bias)."""
        y = nn.dense(x, p.weights, p.bias if self.bias else None)
        return y if self.activation is None else self.activation(y)
