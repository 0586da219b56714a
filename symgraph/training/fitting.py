"""``fit``: the whole of learning, before, during and after gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from symgraph.graph import GraphError
from symgraph.layers import Layer
from symgraph.training.checkpoint import Checkpoint
from symgraph.training.descent import Optimizer, Rate
from symgraph.training.evaluation import Evaluator, Objective, as_source
from symgraph.training.history import History
from symgraph.training.objectives import cross_entropy
from symgraph.training.optimizers import momentum
from symgraph.training.stopping import EarlyStopping
from symgraph.training.trainer import Callback, Settings, Trainer

Data = Callable[[], Iterable[Any]] | Sequence[Any]


def fit(
    net: Layer,
    *,
    data: Data,
    epochs: int,
    loss: Objective = cross_entropy,
    validation: Data | None = None,
    optimizer: Optimizer = momentum,
    learning_rate: Rate = 0.01,
    metrics: Mapping[str, Objective] | None = None,
    estimator: str = "population",
    validation_estimator: str = "running",
    statistics: Data | None = None,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    resume: Checkpoint | str | Path | None = None,
    batch_size: int = 100,
    seed: int = 0,
    progress: bool = True,
) -> History:
    """Train ``net`` and learn its statistics; returns the curves of training.

    ``data`` and ``validation`` are tuples of arrays (inputs, targets), or callables
    that return a fresh iterator over batches of them; arrays are shuffled anew in each
    epoch, by ``seed``. ``loss`` and ``metrics`` make a scalar of the network's output
    and the targets. ``optimizer(loss, parameters, learning_rate)`` gives the updates of
    a step; a schedule as ``learning_rate`` is given the time in epochs.

    Pre-learning runs first where it is still missing. After each epoch the network is
    evaluated on ``validation`` with the statistics of ``validation_estimator``. At the
    end the best epoch's parameters are taken back where ``early_stopping`` says so, and
    the statistics are learned by ``estimator`` from ``statistics`` (by default
    ``data``).

    After each epoch ``callbacks`` are called with the history and the network, and one
    that returns True ends training; and all that is needed to go on is written to
    ``checkpoint``. A Ctrl-C raises ``Interrupted`` between two batches, with a
    ``state`` that ``resume`` takes, as it takes the path of a checkpoint. A loss that
    is not finite raises ``Diverged`` and gives back the parameters that the epoch
    began with.
    """
    if epochs < 0:
        raise GraphError(f"fit: epochs expects a number >= 0, got {epochs}")
    _check_function("optimizer", optimizer, "sg.training.adam")
    _check_function("loss", loss, "sg.training.cross_entropy")
    metrics = dict(metrics or {})
    learned_from = data if statistics is None else statistics
    settings = Settings(
        data=as_source(data, batch_size, "fit", shuffle=True, seed=seed),
        epochs=epochs,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        metrics=metrics,
        statistics=as_source(learned_from, batch_size, "fit"),
        estimator=estimator,
        validation_estimator=validation_estimator,
        early_stopping=early_stopping,
        callbacks=tuple(callbacks),
        checkpoint=checkpoint,
        progress=progress,
    )
    evaluator = None
    if validation is not None:
        evaluator = Evaluator(net, validation, loss, metrics, batch_size)
    trainer = Trainer(net, settings, evaluator)
    if isinstance(resume, (str, Path)):
        resume = Checkpoint.load(resume)
    if resume is not None:
        trainer.restore(resume)
    return trainer.run()


def _check_function(name: str, given: Any, example: str) -> None:
    if not callable(given):
        raise GraphError(
            f"fit: {name} expects a function such as {example}, got {given!r}"
        )
