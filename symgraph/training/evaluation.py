"""How good a network is on data: means over all examples, at inference."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgraph.compile import function
from symgraph.graph import DTYPES, GraphError, TensorType, Variable
from symgraph.layers import Layer
from symgraph.training.errors import DataError
from symgraph.training.inputs import as_input, fresh
from symgraph.training.objectives import cross_entropy
from symgraph.training.progress import bar
from symgraph.training.sources import Source, batches, length_of

Objective: TypeAlias = Callable[..., Variable]
Arrays: TypeAlias = "tuple[NDArray[Any], ...]"


class Quantities:
    """A loss and metrics of a network's output and of targets, as expressions.

    ``variables`` are the network's input and one variable for each target.
    """

    def __init__(
        self,
        net: Layer,
        example: Arrays,
        loss: Objective,
        metrics: Mapping[str, Objective] | None,
        training: bool,
    ) -> None:
        targets = [_target(array, i) for i, array in enumerate(example[1:])]
        self.variables = [Variable(input_type(net), name="x"), *targets]
        output = net(self.variables[0], training=training)
        self.values = {
            name: _value(name, objective, output, targets)
            for name, objective in {"loss": loss, **(metrics or {})}.items()
        }


class Means:
    """Means over examples of what is known as means over batches."""

    def __init__(self, sums: Mapping[str, float] | None = None, examples: int = 0):
        self.sums = dict(sums or {})
        self.examples = examples

    def add(self, values: Mapping[str, Any], examples: int) -> None:
        """Take in the means of one batch."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * examples
        self.examples += examples

    def result(self, prefix: str = "") -> dict[str, float]:
        """The means over every example so far."""
        return {f"{prefix}{k}": v / self.examples for k, v in self.sums.items()}


def evaluate(
    net: Layer,
    data: Source | Sequence[Any],
    loss: Objective = cross_entropy,
    metrics: Mapping[str, Objective] | None = None,
    batch_size: int = 100,
    progress: bool = True,
) -> dict[str, float]:
    """The loss and the metrics of ``net`` at inference: means over all examples.

    ``data`` is a tuple of arrays (inputs, targets), or a callable that returns a fresh
    iterator over batches of them.
    """
    return Evaluator(net, data, loss, metrics, batch_size)(progress)


class Evaluator:
    """``evaluate`` for one network and one set of data, compiled once."""

    def __init__(
        self,
        net: Layer,
        data: Source | Sequence[Any],
        loss: Objective = cross_entropy,
        metrics: Mapping[str, Objective] | None = None,
        batch_size: int = 100,
    ) -> None:
        self.source = as_source(data, batch_size, "evaluate")
        self.type = input_type(net)
        example = first_of(self.source, self.type, "evaluate")
        quantities = Quantities(net, example, loss, metrics, training=False)
        self._compute = function(
            quantities.variables, quantities.values, name="evaluate"
        )

    def __call__(self, progress: bool = True) -> dict[str, float]:
        """The means over all examples, with the network's parameters of now."""
        means = Means()
        with bar("evaluate", length_of(self.source), progress) as advance:
            for arrays in examples_of(self.source, self.type, "evaluate"):
                means.add(self._compute(*arrays), len(arrays[0]))
                advance("")
        return means.result()


def as_source(
    data: Source | Sequence[Any], batch_size: int, who: str, **options: Any
) -> Source:
    """A callable as it is; a tuple or list of arrays as a source of batches of them."""
    if callable(data):
        return data
    if not isinstance(data, (tuple, list)):
        raise DataError(
            f"{who}: expected (inputs, targets) or a callable that returns a fresh "
            f"iterator, got {type(data).__name__}"
        )
    return batches(tuple(data), batch_size, **options)


def examples_of(source: Source, x: TensorType, who: str) -> Iterator[Arrays]:
    """The batches of a fresh iterator: the network's input, then the targets."""
    number = -1
    for number, item in enumerate(fresh(source, who)):
        where = f"{who}: batch {number}"
        parts = item if isinstance(item, (tuple, list)) else (item,)
        if not parts:
            raise DataError(f"{where}: is an empty tuple")
        inputs = as_input(parts[0], x, where)
        targets = [np.asarray(part) for part in parts[1:]]
        for target in targets:
            if target.ndim == 0 or len(target) != len(inputs):
                raise DataError(
                    f"{where}: {len(inputs)} inputs but targets of shape "
                    f"{list(target.shape)}"
                )
        yield inputs, *targets
    if number < 0:
        raise DataError(
            f"{who}: the iterator is empty; a source must return a fresh one each time"
        )


def first_of(source: Source, x: TensorType, who: str) -> Arrays:
    """The first batch, to learn the types of the targets from."""
    iterator = examples_of(source, x, who)
    first = next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    return first


def input_type(net: Layer) -> TensorType:
    """The type of the input that ``net`` was built for."""
    net.require_built()
    assert net.input_type is not None
    return net.input_type


def _target(array: NDArray[Any], position: int) -> Variable:
    if array.dtype.name not in DTYPES:
        raise DataError(f"target {position}: expected numbers, got {array.dtype}")
    name = "y" if position == 0 else f"y{position}"
    return Variable(TensorType(array.dtype.name, (None, *array.shape[1:])), name=name)


def _value(
    name: str, objective: Objective, output: Variable, targets: Sequence[Variable]
) -> Variable:
    """What ``objective`` makes of the output and the targets of a batch: a scalar."""
    try:
        inspect.signature(objective).bind(output, *targets)
    except TypeError as error:
        raise DataError(
            f"{name}: expected batches of an input and the targets that it takes, got "
            f"{len(targets)} targets: {error}"
        ) from None
    value = objective(output, *targets)
    if not isinstance(value, Variable) or value.ndim:
        raise GraphError(f"{name}: expected a scalar variable, got {value!r}")
    return value
