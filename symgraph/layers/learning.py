"""What a layer learns from data outside gradient descent.

A ``LearningOperation`` says which statistic of the layer's input is wanted and which
parameters receive it. A ``Statistic`` streams over the batches: it *starts* a state,
*merges* one batch into it (a symbolic expression, compiled with the network that
computes the layer's input) and *finishes* it into the values wanted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from numpy.typing import NDArray

from symgraph.graph import SharedVariable, Variable
from symgraph.layers.parameters import Phase

Arrays: TypeAlias = "tuple[NDArray[Any], ...]"


class Statistic(ABC):
    """A quantity of a stream of batches, kept as a state of fixed size.

    ``in_training``: whether the layers that learn this way are in their expression for
    training while it is learned, so that each batch is normalized by itself.
    """

    in_training: ClassVar[bool] = False

    @abstractmethod
    def start(self, shape: tuple[int, ...]) -> Arrays:
        """The state before any batch; what is wanted has ``shape``."""

    @abstractmethod
    def merge(self, state: Sequence[Variable], x: Variable) -> tuple[Variable, ...]:
        """The state after one batch ``x`` more."""

    @abstractmethod
    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays:
        """What is wanted, from the state after the last batch."""


class Running(ABC):
    """A statistic that every step of training moves on; ``state`` is kept in a layer.

    ``merge`` and ``finish`` are those of a ``Statistic``.
    """

    state: tuple[SharedVariable, ...]

    @abstractmethod
    def merge(self, state: Sequence[Variable], x: Variable) -> tuple[Variable, ...]:
        """The state after one batch ``x`` more."""

    @abstractmethod
    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays | None:
        """What is wanted, or None where no step of training was taken."""


@dataclass(frozen=True, eq=False)
class LearningOperation:
    """In ``phase``, ``receivers`` get a statistic of the layer's input.

    ``estimators`` are the ways to learn it from a sweep over the data, by name;
    ``running``, where there is one, is learned during training.
    """

    phase: Phase
    receivers: tuple[SharedVariable, ...]
    estimators: Mapping[str, Statistic]
    running: Running | None = None
