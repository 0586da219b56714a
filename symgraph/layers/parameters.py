"""What a layer declares about one parameter, and the shared variable made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from symgraph.graph import GraphError, SharedVariable, TensorType, Variable, is_float
from symgraph.layers.initializers import Draws, Fans, Initializer, Values

Phase: TypeAlias = Literal["pre", "post"]


ONE_TO_ONE = Fans(1, 1)


@dataclass(frozen=True)
class Parameter:
    """One parameter: its shape, where it starts, and what may change it.

    ``trainable`` parameters are changed by gradient descent; the others are
    statistics. One with a ``phase`` has no value until that phase of learning has
    run, and reading it before is an error that says so. ``fans`` is what the
    initializer needs to know about how the parameter is used.
    """

    shape: tuple[int, ...]
    initializer: Initializer | ArrayLike
    fans: Fans = ONE_TO_ONE
    trainable: bool = True
    phase: Phase | None = None
    dtype: str | None = None

    def create(self, path: Sequence[str], seed: int, dtype: str) -> SharedVariable:
        """The shared variable, with the value that ``seed`` and ``path`` give it."""
        name = ".".join(path)
        wanted = self.dtype or dtype
        draws = Draws(seed, path)
        start = as_initializer(self.initializer)
        try:
            value = np.asarray(start(self.shape, self.fans, draws))
        except ValueError as error:
            raise GraphError(f"{name}: {error}") from None
        if is_float(wanted) and not np.isfinite(value).all():
            raise GraphError(f"{name}: the initial values are not all finite")
        data = np.array(value, dtype=wanted, order="C")
        variable = SharedVariable(data, name, TensorType(wanted, self.shape))
        variable.missing = never_learned(name, self.phase) if self.phase else None
        return variable


def sizes(variable: Variable) -> tuple[int, ...]:
    """The shape of a variable of fixed shape, as ints."""
    return tuple(size for size in variable.type.shape if size is not None)


def as_initializer(initializer: Initializer | ArrayLike) -> Initializer:
    """An initializer as it is; numbers and arrays as the values themselves."""
    return initializer if callable(initializer) else Values(initializer)


def never_learned(name: str, phase: Phase) -> str:
    """What is wrong when a statistic is read too early, and how to set it right."""
    return (
        f"{name}: this statistic was never learned; "
        f"call training.{phase}_learn(net, batches) first"
    )
