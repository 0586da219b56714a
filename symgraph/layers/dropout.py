"""``Dropout``: while training, a random part of the values is zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from symgraph.graph import SharedVariable, TensorType, Variable
from symgraph.layers.checks import fraction
from symgraph.layers.initializers import ZEROS, Draws
from symgraph.layers.layer import Layer
from symgraph.layers.parameters import Parameter
from symgraph.ops import nn
from symgraph.ops.random import RandomStream


@dataclass(eq=False)
class Dropout(Layer):
    """In training, x / (1 - rate) with probability 1 - rate, else 0; later, x.

    Srivastava et al. 2014, in the form that leaves the expectation alone. One decision
    is shared along ``shared_axes``: (2, 3) drops whole channels of images.
    """

    rate: float = 0.5
    shared_axes: int | Sequence[int] = ()
    applications: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self.rate = fraction(self, "rate", self.rate)

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """The state of the layer's random numbers."""
        return {"random_state": RandomState()}

    def inference(self, x: Variable, p: Any) -> Variable:
        """x itself."""
        return x

    def training(self, x: Variable, p: Any) -> Variable:
        """x with a part of it zero: another part in each application and each call."""
        stream = RandomStream(seed=0)
        stream.state, stream.draws = p.random_state, self.applications
        self.applications += 1
        return nn.dropout(x, self.rate, stream, self.shared_axes)

    def restart(self) -> None:
        """Number the applications from 0 again."""
        self.applications = 0


class RandomState(Parameter):
    """The state of a random stream, seeded like any parameter."""

    def __init__(self) -> None:
        super().__init__((2,), ZEROS, trainable=False, dtype="uint64")

    def create(self, path: Sequence[str], seed: int, dtype: str) -> SharedVariable:
        """A state that every call of a function moves on."""
        return RandomStream(Draws(seed, path).integer(), ".".join(path)).state
