"""``Layer``: parameters, an expression for training, one for inference, learning.

A layer says what it has and what it computes; nothing is registered anywhere:

* ``declare(x)``       its parameters, for inputs of type ``x``
* ``training(x, p)``   its expression while it is trained; ``p.gamma`` is a parameter
* ``inference(x, p)``  its expression afterwards
* ``learning(p)``      what it learns from data before or after gradient descent
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, TextIO, TypeAlias

from symgraph.graph import (
    GraphError,
    SharedVariable,
    TensorType,
    TypeMismatch,
    Variable,
    scope,
)
from symgraph.graph.config import config
from symgraph.layers import storage
from symgraph.layers.calls import Call, record
from symgraph.layers.learning import LearningOperation
from symgraph.layers.naming import kind_of
from symgraph.layers.parameters import Parameter
from symgraph.layers.summary import summary

Training: TypeAlias = "bool | Collection[Layer]"
Shape: TypeAlias = "Sequence[int | None]"


@dataclass(eq=False)
class Layer:
    """A function of one variable, with parameters that are made when it is built."""

    name: str | None = field(default=None, kw_only=True)
    input_type: TensorType | None = field(default=None, init=False, repr=False)
    output_type: TensorType | None = field(default=None, init=False, repr=False)
    own: dict[str, SharedVariable] = field(default_factory=dict, init=False, repr=False)
    declared: dict[str, Parameter] = field(default_factory=dict, init=False, repr=False)

    # What a layer says about itself.

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """The layer's parameters by name, for inputs of type ``x``."""
        return {}

    def inference(self, x: Variable, p: Any) -> Variable:
        """The layer's value; the attributes of ``p`` are its parameters."""
        raise NotImplementedError(f"{type(self).__name__}.inference")

    def training(self, x: Variable, p: Any) -> Variable:
        """The layer's value while it is trained; that of inference where not given."""
        return self.inference(x, p)

    def learning(self, p: Any) -> tuple[LearningOperation, ...]:
        """What the layer learns from data outside gradient descent."""
        return ()

    # What can be done with a layer.

    def __call__(self, x: Variable, training: Training = False) -> Variable:
        """The layer applied to ``x``, in its expression for inference.

        ``training`` is True for the expression for training, or a collection of those
        layers inside this one that are to be in training.
        """
        self.require_built()
        if not isinstance(x, Variable):
            raise GraphError(f"{self.label}: expected a Variable, got {x!r}")
        self._check_dtype(x)
        with self._scope():
            return self.apply(x, training)

    def apply(self, x: Variable, training: Training) -> Variable:
        """The value at ``x``; layers made of other layers pass ``training`` on."""
        chosen = training if isinstance(training, bool) else self in training
        p = SimpleNamespace(**self.own)
        y = self.training(x, p) if chosen else self.inference(x, p)
        if y is not x and self.operations:
            record(y, Call(self, x, chosen))
        return y

    def build(
        self, input_shape: Shape, seed: int = 0, dtype: str | None = None
    ) -> Self:
        """Make the parameters for inputs of ``input_shape``; None leaves a size open.

        The same seed, names and shapes give the same parameters on every machine.
        """
        if self.is_built:
            raise GraphError(f"{self.label}: is built already, for {self.input_type}")
        x = TensorType(dtype or config.floatX, tuple(input_shape))
        fresh = [layer for _, layer in self.walk() if not layer.is_built]
        try:
            self.construct(x, seed, self.root)
        except Exception:
            for layer in fresh:
                layer.own, layer.input_type, layer.output_type = {}, None, None
            raise
        return self

    def construct(self, x: TensorType, seed: int, path: tuple[str, ...]) -> TensorType:
        """Make the parameters under the names in ``path``; returns the output's type.

        The output's type is that of the expression itself, on an input of type ``x``.
        """
        self.declared = self.declare(x)
        self.own = {
            local: parameter.create((*path, local), seed, x.dtype)
            for local, parameter in self.declared.items()
        }
        self.input_type = x
        self.output_type = self(Variable(x, name="input")).type
        return self.output_type

    @property
    def is_built(self) -> bool:
        """Whether the layer has its parameters."""
        return self.output_type is not None

    @property
    def label(self) -> str:
        """The layer's name, or that of its type while it has none."""
        return self.name or kind_of(self)

    @property
    def children(self) -> tuple[Layer, ...]:
        """The layers this one is made of."""
        return ()

    @property
    def root(self) -> tuple[str, ...]:
        """Where the paths of the parameters begin when this layer is the outermost."""
        return (self.label,)

    @property
    def operations(self) -> tuple[LearningOperation, ...]:
        """What this layer, without its children, learns outside gradient descent."""
        return self.learning(SimpleNamespace(**self.own))

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Layer]]:
        """This layer and all inside it with their paths, each layer once."""
        seen: set[Layer] = set()
        stack: list[tuple[tuple[str, ...], Layer]] = [(path, self)]
        while stack:
            place, layer = stack.pop()
            if layer in seen:
                continue
            seen.add(layer)
            yield ".".join(place), layer
            inside = reversed(layer.children)
            stack.extend(((*place, child.label), child) for child in inside)

    @property
    def named_parameters(self) -> dict[str, SharedVariable]:
        """Every parameter by its path, such as ``conv2d_1.filters``."""
        return {
            f"{place}.{local}": variable
            for place, layer in self.walk(self.root)
            for local, variable in layer.own.items()
        }

    @property
    def parameters(self) -> list[SharedVariable]:
        """Every parameter, of this layer and of those inside it."""
        self.require_built()
        return list(self.named_parameters.values())

    @property
    def trainable(self) -> list[SharedVariable]:
        """The parameters that gradient descent changes."""
        return self._select(trainable=True)

    @property
    def statistics(self) -> list[SharedVariable]:
        """The parameters that gradient descent does not change."""
        return self._select(trainable=False)

    def __getitem__(self, name: str) -> Any:
        """The parameter called ``name``."""
        if name not in self.own:
            known = ", ".join(self.own) or "none"
            raise KeyError(f"{self.label}: no parameter {name!r}; there are: {known}")
        return self.own[name]

    def restart(self) -> None:
        """Forget how often the layer was applied, so that a new graph draws the same.

        Only layers that draw random numbers count their applications.
        """
        for layer in self.children:
            layer.restart()

    def save(self, path: str | Path) -> None:
        """Write every parameter to ``path``, whole or not at all."""
        self.require_built()
        storage.save(self.named_parameters, path)

    def load(self, path: str | Path) -> None:
        """Read every parameter from ``path``; an error changes nothing."""
        self.require_built()
        storage.load(self.named_parameters, path)

    def summary(self, file: TextIO | None = None) -> str:
        """Print the table of the layers, to ``file`` or the terminal, and return it."""
        text = summary(self)
        print(text, file=file or sys.stdout, end="")
        return text

    def require_built(self) -> None:
        """Raise unless the layer has its parameters."""
        if self.input_type is None:
            raise GraphError(
                f"{self.label}: used before it was built; put it in a Sequential with "
                "an input_shape, or call .build(input_shape) first"
            )

    def _check_dtype(self, x: Variable) -> None:
        expected = self.input_type
        if expected is not None and x.dtype != expected.dtype:
            raise TypeMismatch(
                f"{self.label}: expects {expected}, got {x!r}; "
                f"cast it with .astype({expected.dtype!r})"
            )

    def _select(self, trainable: bool) -> list[SharedVariable]:
        self.require_built()
        return [
            variable
            for _, layer in self.walk()
            for local, variable in layer.own.items()
            if layer.declared[local].trainable == trainable
        ]

    def _scope(self) -> AbstractContextManager[None]:
        return scope(self.name) if self.name else nullcontext()
