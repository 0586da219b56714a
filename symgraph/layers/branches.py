"""Layers side by side: each is given the same input, and their outputs are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.container import Container
from symgraph.layers.layer import Layer, Training
from symgraph.layers.sequential import Sequential
from symgraph.ops.join import concatenate


@dataclass(eq=False)
class Branches(Container):
    """merge(branch_1(x), branch_2(x), ...); a subclass says how they are merged.

    A branch is a layer, or a list of layers one after another; an empty list is the
    identity.
    """

    layers: Sequence[Layer | Sequence[Layer]] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.layers = [as_layer(branch) for branch in self.layers]
        if not self.layers:
            raise GraphError(f"{self.label}: expected at least one branch, got none")
        super().__post_init__()

    def merge(self, values: Sequence[Variable]) -> Variable:
        """One variable out of the branches' outputs."""
        raise NotImplementedError(f"{type(self).__name__}.merge")

    def connect(self, x: TensorType, seed: int, path: tuple[str, ...]) -> TensorType:
        """Build every branch for the same input."""
        for branch in self.children:
            self.construct_child(branch, x, seed, path)
        return self.apply(Variable(x, name="input"), training=False).type

    def apply(self, x: Variable, training: Training) -> Variable:
        """The merged outputs of the branches."""
        return self.merge([branch(x, training) for branch in self.children])


@dataclass(eq=False)
class Add(Branches):
    """y = branch_1(x) + branch_2(x) + ..., all of one shape."""

    def merge(self, values: Sequence[Variable]) -> Variable:
        """The sum."""
        first = values[0].type
        for layer, value in zip(self.children, values, strict=True):
            if value.type != first:
                raise GraphError(
                    f"{self.label}: expects branches of one type; "
                    f"{self.children[0].label} gives {first}, "
                    f"{layer.label} gives {value.type}"
                )
        return reduce(add, values)


@dataclass(eq=False)
class Concatenate(Branches):
    """The branches' outputs one after another along ``axis`` (1: the channels)."""

    axis: int = 1

    def merge(self, values: Sequence[Variable]) -> Variable:
        """The concatenation."""
        return concatenate(values, axis=self.axis)


class Residual(Add):
    """y = body(x) + shortcut(x); the shortcut is the identity unless it is given."""

    def __init__(
        self,
        body: Layer | Sequence[Layer],
        shortcut: Layer | Sequence[Layer] = (),
        *,
        name: str | None = None,
    ) -> None:
        super().__init__([body, shortcut], name=name)


def as_layer(branch: Layer | Sequence[Layer]) -> Layer:
    """A layer as it is; a list of layers as a ``Sequential``."""
    return branch if isinstance(branch, Layer) else Sequential(branch)
