"""Learning outside gradient descent: the runner of a plan, and its two phases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgraph.compile import Function, function
from symgraph.graph import SharedVariable, Variable
from symgraph.layers import Layer, LearningOperation
from symgraph.layers.parameters import Phase
from symgraph.layers.together import set_together
from symgraph.training.errors import DataError, LearningError
from symgraph.training.inputs import fresh, input_of
from symgraph.training.interrupts import Interrupted, shielded
from symgraph.training.plan import Task, make_plan
from symgraph.training.progress import bar
from symgraph.training.sources import go_to_epoch, length_of

Source: TypeAlias = Callable[[], Iterable[Any]]
Array: TypeAlias = NDArray[Any]


def pre_learn(
    net: Layer,
    batches: Source,
    progress: bool = True,
    resume: Learning | None = None,
) -> None:
    """Learn what ``net`` needs before gradient descent, such as a standardizer.

    ``batches`` is a callable that returns a fresh iterator of arrays, or of tuples
    whose first array is the network's input. A Ctrl-C raises ``Interrupted`` and
    leaves ``net`` as it was; ``resume`` takes its ``state``. Raises ``DataError`` for
    batches that are empty, of another shape, or not finite.
    """
    (resume or Learning(net, "pre", "population")).run(batches, progress)


def post_learn(
    net: Layer,
    batches: Source | None = None,
    estimator: str = "population",
    progress: bool = True,
    resume: Learning | None = None,
) -> None:
    """Learn the statistics of batch normalization of a network that was trained.

    * ``population``: mean and variance over every example, the layers before already
      normalizing by what was learned; one sweep for each layer on the longest chain
      of them. It does not depend on how the examples are split into batches.
    * ``minibatch``: the moments of each batch, averaged over the batches, every layer
      normalizing each batch by itself (Ioffe & Szegedy 2015, Algorithm 2); one sweep.
    * ``running``: the exponential averages kept during training; no sweep.

    Everything but the normalizations is in its expression for inference: dropout is
    off. ``batches``, Ctrl-C, ``resume`` and ``DataError`` are as in ``pre_learn``;
    ``LearningError`` where a sweep needs batches and has none, or averages were never
    kept.
    """
    if estimator == "running":
        _use_running_averages(net)
    elif batches is None:
        raise LearningError(f"post_learn: estimator {estimator!r} needs batches")
    else:
        (resume or Learning(net, "post", estimator)).run(batches, progress)


class Learning:
    """A phase of learning under way; ``run`` goes on from where it stopped.

    Statistics reach the network together, when the last of them is known.
    """

    def __init__(self, net: Layer, phase: Phase, estimator: str) -> None:
        self.who = f"{phase}_learn"
        self.plan = make_plan(net, phase, estimator)
        self.sweep = 0
        self.batch = 0
        self._epoch: int | None = None  # of a source that counts them
        self._last: Array | None = None  # a copy: a source may use its array again

    def run(self, batches: Source, progress: bool = True) -> None:
        """Every sweep that is left, then the network gets what was learned."""
        try:
            while self.sweep < len(self.plan.sweeps):
                self._run_sweep(batches, progress)
            with shielded():
                _publish(self.plan.tasks)
        except KeyboardInterrupt as stop:
            place = f"sweep {self.sweep + 1}, batch {self.batch}"
            raise Interrupted(f"{self.who}: interrupted in {place}", self) from stop

    def _run_sweep(self, batches: Source, progress: bool) -> None:
        tasks = self.plan.sweeps[self.sweep]
        step = _compile(self.plan.x, tasks)
        total = length_of(batches)
        title = f"{self.who}: sweep {self.sweep + 1} of {len(self.plan.sweeps)}"
        with bar(title, total, progress) as advance:
            for array in self._remaining(batches, tasks):
                with shielded():
                    step(array)
                    self.batch, self._last = self.batch + 1, array.copy()
                advance("")
        if self.batch == 0:
            raise DataError(
                f"{self.who}: the iterator of sweep {self.sweep + 1} is empty; "
                "batches() must return a fresh iterator each time"
            )
        with shielded():
            for task in tasks:
                task.finish()
            self.sweep, self.batch, self._last = self.sweep + 1, 0, None

    def _remaining(self, batches: Source, tasks: Sequence[Task]) -> Iterator[Array]:
        """The batches of this sweep that are not merged yet.

        A sweep that was interrupted goes on where the source gives the same batches
        again. If the last one that was merged is another now, it starts anew.
        """
        if self.batch and self._epoch is not None:
            go_to_epoch(batches, self._epoch)
        self._epoch = getattr(batches, "epoch", None)
        arrays = self._arrays(batches)
        if self.batch:
            last = next(islice(arrays, self.batch - 1, None), None)
            if _same(last, self._last):
                return arrays
            arrays = self._arrays(batches)
        self.batch = 0
        for task in tasks:
            task.reset()
        return arrays

    def _arrays(self, batches: Source) -> Iterator[Array]:
        for number, item in enumerate(fresh(batches, self.who)):
            yield input_of(item, self.plan.x.type, self.who, number)


def _same(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


def _compile(x: Variable, tasks: Sequence[Task]) -> Function:
    """One function that merges a batch into the states of all ``tasks``."""
    updates = {state: new for task in tasks for state, new in task.updates()}
    return function([x], None, updates=updates, name="sweep")


def _publish(tasks: Sequence[Task]) -> None:
    """Give every receiver what its draft holds."""
    found: dict[SharedVariable, Array] = {}
    for task in tasks:
        values = [draft.get_value() for draft in task.drafts]
        found.update(zip(task.operation.receivers, values, strict=True))
    set_together(found)


def _use_running_averages(net: Layer) -> None:
    """Give every receiver the value of its running average."""
    net.require_built()
    found: dict[SharedVariable, Array] = {}
    for place, layer in net.walk(net.root):
        for operation in layer.operations:
            if operation.phase == "post":
                values = _running_value(place, operation)
                found.update(zip(operation.receivers, values, strict=True))
    set_together(found)


def _running_value(place: str, operation: LearningOperation) -> tuple[Array, ...]:
    if operation.running is None:
        raise LearningError(f"{place}: keeps no running averages")
    values = operation.running.finish([v.get_value() for v in operation.running.state])
    if values is None:
        raise LearningError(
            f"{place}: no running averages were kept: the optimizers of training keep "
            "them; to updates of your own, add training.running_averages(loss)"
        )
    return values
