"""``Container``: a layer made of other layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.layer import Layer
from symgraph.layers.naming import check_name, kind_of, next_free


@dataclass(eq=False)
class Container(Layer):
    """Layers under one name; a subclass says how they are connected (``apply``)."""

    layers: Sequence[Layer] = ()

    def __post_init__(self) -> None:
        self.layers = tuple(self.layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise GraphError(f"{self.label}: expected a Layer, got {layer!r}")
        self._name_children()

    @property
    def children(self) -> tuple[Layer, ...]:
        """The layers this one is made of."""
        return tuple(self.layers)

    @property
    def root(self) -> tuple[str, ...]:
        """Nothing: the paths inside an outermost container begin with its children."""
        return ()

    def construct(self, x: TensorType, seed: int, path: tuple[str, ...]) -> TensorType:
        """Build the children that are not built yet; returns the output's type."""
        self.input_type = x
        self.output_type = self.connect(x, seed, path)
        return self.output_type

    def connect(self, x: TensorType, seed: int, path: tuple[str, ...]) -> TensorType:
        """Build the children in order, each for what it will be given."""
        raise NotImplementedError(f"{type(self).__name__}.connect")

    def construct_child(
        self, child: Layer, x: TensorType, seed: int, path: tuple[str, ...]
    ) -> TensorType:
        """Build ``child``, or apply it where it was built before: it is shared then."""
        if child.is_built:
            return child(Variable(x)).type
        return child.construct(x, seed, (*path, child.label))

    def __len__(self) -> int:
        return len(self.children)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.children)

    def __getitem__(self, key: int | slice | str) -> Any:
        """A child by position or by name; a slice gives a tuple of children."""
        if isinstance(key, (int, slice)):
            return self.children[key]
        for child in self.children:
            if child.name == key:
                return child
        known = ", ".join(child.label for child in self.children)
        raise KeyError(f"{self.label}: no layer {key!r}; there are: {known}")

    def _name_children(self) -> None:
        """``conv2d_1``, ``conv2d_2``, ...; names that are given stay."""
        layers = list(dict.fromkeys(self.children))
        taken = Counter(layer.name for layer in layers if layer.name is not None)
        for name, uses in taken.items():
            if uses > 1:
                raise GraphError(f"{self.label}: {uses} layers are named {name!r}")
            check_name(self.label, name)
        numbers: Counter[str] = Counter()
        for layer in layers:
            if layer.name is None:
                layer.name = next_free(kind_of(layer), numbers, set(taken))
