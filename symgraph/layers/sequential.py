"""``Sequential``: layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.container import Container
from symgraph.layers.layer import Training


@dataclass(eq=False)
class Sequential(Container):
    """y = layer_n(... layer_2(layer_1(x))).

    With an ``input_shape`` the parameters are made at once; without one, when the
    container this one is put in is built. ``input_shape`` has None where a size is
    open, such as that of the batch. The parameters of each layer depend on ``seed``
    and on the layer's name alone.
    """

    input_shape: Sequence[int | None] | None = None
    seed: int = 0
    dtype: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_shape is not None:
            self.build(self.input_shape, self.seed, self.dtype)

    def connect(self, x: TensorType, seed: int, path: tuple[str, ...]) -> TensorType:
        """Build each layer for the output of the one before."""
        for layer in self.children:
            x = self.construct_child(layer, x, seed, path)
        return x

    def apply(self, x: Variable, training: Training) -> Variable:
        """The layers' values, one after another."""
        self._check_shape(x)
        for layer in self.children:
            x = layer(x, training)
        return x

    def _check_shape(self, x: Variable) -> None:
        if self.input_shape is None:
            return
        pairs = zip(self.input_shape, x.type.shape, strict=False)
        differs = any(None not in (a, b) and a != b for a, b in pairs)
        if differs or x.ndim != len(self.input_shape):
            raise GraphError(f"{self.label}: expects {self.input_type}, got {x!r}")
