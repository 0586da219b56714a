"""Which statistics are learned in which sweep over the data.

The network is built once, as it is to be while they are learned. A statistic that is
computed from another, because the network reads the one on the way to the other, has
to wait for it; all that do not wait for each other share a sweep. So the number of
sweeps is that of the longest chain, and no order has to be declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from symgraph.graph import SharedVariable, TensorType, Variable, clone_with, leaves_of
from symgraph.layers import Layer, LearningOperation, Statistic, calls_in
from symgraph.layers.parameters import Phase, sizes
from symgraph.training.errors import LearningError


@dataclass(frozen=True, eq=False)
class Task:
    """One statistic: of which variables, in what state, and where it is kept.

    ``drafts`` stand for the receivers while others are learned, so that the network
    itself changes only when everything is known.
    """

    layer: Layer
    operation: LearningOperation
    statistic: Statistic
    inputs: tuple[Variable, ...]
    state: tuple[SharedVariable, ...]
    drafts: tuple[SharedVariable, ...]

    def updates(self) -> Iterator[tuple[SharedVariable, Variable]]:
        """The state after one batch more."""
        after: Sequence[Variable] = self.state
        for x in self.inputs:
            after = self.statistic.merge(after, x)
        return zip(self.state, after, strict=True)

    def reset(self) -> None:
        """The state before any batch."""
        start = self.statistic.start(sizes(self.drafts[0]))
        for variable, value in zip(self.state, start, strict=True):
            variable.set_value(value)

    def finish(self) -> None:
        """From the state to the drafts, once every batch has been merged."""
        values = self.statistic.finish([v.get_value() for v in self.state])
        for draft, value in zip(self.drafts, values, strict=True):
            if not np.isfinite(value).all():
                raise LearningError(
                    f"{draft.name}: the value learned is not finite; the network's own "
                    "values are too large, or a batch has a single example, which has "
                    "no variance"
                )
            draft.set_value(value)


@dataclass(frozen=True)
class Plan:
    """The network's input, and the tasks of each sweep."""

    x: Variable
    sweeps: tuple[tuple[Task, ...], ...]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Every task, in the order in which they are finished."""
        return tuple(task for sweep in self.sweeps for task in sweep)


def make_plan(net: Layer, phase: Phase, estimator: str) -> Plan:
    """The fewest sweeps that learn everything ``net`` declares for ``phase``."""
    net.require_built()
    declared = _declared(net, phase, estimator)
    x = Variable(cast(TensorType, net.input_type), name="x")
    y = net(x, training=_in_training(declared))
    calls = [call for call in calls_in([y]) if call.layer in declared]
    drafts: dict[Variable, SharedVariable] = {
        receiver: _draft(receiver)
        for call in calls
        for operation, _ in declared[call.layer]
        for receiver in operation.receivers
    }
    inputs: dict[Layer, list[Variable]] = {}
    copies = clone_with([call.input for call in calls], {**drafts})
    for call, copy in zip(calls, copies, strict=True):
        inputs.setdefault(call.layer, []).append(copy)
    tasks = [
        _task(layer, operation, statistic, tuple(inputs[layer]), drafts)
        for layer in inputs
        for operation, statistic in declared[layer]
    ]
    return Plan(x, _levels(tasks))


def check_estimator(net: Layer, estimator: str) -> None:
    """Raise ``LearningError`` where a layer knows no such estimator of its own."""
    if estimator != "running":  # what was kept in training; post_learn looks for it
        _declared(net, "post", estimator)


Declared = dict[Layer, list[tuple[LearningOperation, Statistic]]]


def _declared(net: Layer, phase: Phase, estimator: str) -> Declared:
    """The operations of ``phase``, each with the statistic that computes it."""
    found: Declared = {}
    for place, layer in net.walk(net.root):
        for operation in layer.operations:
            if operation.phase != phase:
                continue
            if estimator not in operation.estimators:
                known = ", ".join(operation.estimators)
                raise LearningError(
                    f"{place}: no estimator {estimator!r}; there are: {known}"
                )
            statistic = operation.estimators[estimator]
            found.setdefault(layer, []).append((operation, statistic))
    return found


def _in_training(declared: Declared) -> set[Layer]:
    """The layers that normalize each batch by itself while they learn."""
    return {
        layer
        for layer, operations in declared.items()
        if any(statistic.in_training for _, statistic in operations)
    }


def _draft(receiver: SharedVariable) -> SharedVariable:
    """A variable like ``receiver``, without a value."""
    zeros = np.zeros(sizes(receiver), receiver.dtype)
    draft = SharedVariable(zeros, receiver.name, receiver.type)
    draft.missing = f"{receiver.name}: not learned yet in this run"
    return draft


def _task(
    layer: Layer,
    operation: LearningOperation,
    statistic: Statistic,
    inputs: tuple[Variable, ...],
    drafts: Mapping[Variable, SharedVariable],
) -> Task:
    mine = tuple(drafts[receiver] for receiver in operation.receivers)
    start = statistic.start(sizes(mine[0]))
    state = tuple(
        SharedVariable(
            value, f"{layer.label}.state_{i}", TensorType(value.dtype.name, value.shape)
        )
        for i, value in enumerate(start)
    )
    return Task(layer, operation, statistic, inputs, state, mine)


def _levels(tasks: Sequence[Task]) -> tuple[tuple[Task, ...], ...]:
    """The tasks, each as early as what it is computed from allows."""
    import networkx

    owners = {draft: task for task in tasks for draft in task.drafts}
    waits = networkx.DiGraph()
    waits.add_nodes_from(tasks)
    for task in tasks:
        read = [leaf for leaf in leaves_of(task.inputs) if leaf in owners]
        waits.add_edges_from((owners[leaf], task) for leaf in read)
    try:
        return tuple(map(tuple, networkx.topological_generations(waits)))
    except networkx.NetworkXUnfeasible:
        circle = {edge[0].layer.label for edge in networkx.find_cycle(waits)}
        raise LearningError(
            f"{', '.join(sorted(circle))}: a statistic of values that are computed "
            "from the statistic itself; learn it with estimator='minibatch'"
        ) from None
