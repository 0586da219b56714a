"""Layers that only arrange the same values in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, Variable
from symgraph.layers.layer import Layer
from symgraph.ops.reshaping import reshape
from symgraph.ops.shape import shape


@dataclass(eq=False)
class Flatten(Layer):
    """[N, C, H, W] -> [N, C H W]: everything but the batch in one dimension."""

    def inference(self, x: Variable, p: Any) -> Variable:
        """x with its dimensions after the first made one."""
        if x.ndim < 2:
            raise GraphError(f"{self.label}: expects [batch, ...], got {x.type}")
        batch, *sizes = shape(x)
        features = sizes[0]
        for size in sizes[1:]:
            features = features * size
        return reshape(x, (batch, features))


@dataclass(eq=False)
class Reshape(Layer):
    """[N, ...] -> [N, *shape]; one size may be -1, for what is left."""

    shape: Sequence[int]

    def __post_init__(self) -> None:
        self.shape = tuple(self.shape)

    def inference(self, x: Variable, p: Any) -> Variable:
        """x in the shape (N, *shape)."""
        if x.ndim < 1:
            raise GraphError(f"{self.label}: expects [batch, ...], got {x.type}")
        return reshape(x, (shape(x)[0], *self.shape))
