"""``Activation``: a function of each value, as a layer of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symgraph.graph import Variable
from symgraph.layers.layer import Layer


@dataclass(eq=False)
class Activation(Layer):
    """y = function(x), such as ``Activation(sg.nn.relu)``."""

    function: Callable[[Variable], Variable]

    def inference(self, x: Variable, p: Any) -> Variable:
        """function(x)."""
        return self.function(x)
