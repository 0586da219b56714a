"""The loop of training, and what it must remember to be interrupted anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from symgraph.compile import Function, function
from symgraph.graph import SharedVariable
from symgraph.layers import Layer, storage
from symgraph.training.checkpoint import Checkpoint, capture, restore
from symgraph.training.descent import Optimizer, Rate, state
from symgraph.training.errors import Diverged
from symgraph.training.evaluation import (
    Evaluator,
    Means,
    Objective,
    Quantities,
    examples_of,
    first_of,
    input_type,
)
from symgraph.training.history import History
from symgraph.training.interrupts import Interrupted, shielded
from symgraph.training.learning import post_learn, pre_learn
from symgraph.training.plan import check_estimator
from symgraph.training.progress import bar, report
from symgraph.training.sources import Source, go_to_epoch, length_of
from symgraph.training.stopping import EarlyStopping

Callback: TypeAlias = Callable[[History, Layer], Any]


@dataclass(frozen=True)
class Settings:
    """What ``fit`` was asked for; see there."""

    data: Source
    epochs: int
    loss: Objective
    optimizer: Optimizer
    learning_rate: Rate
    metrics: Mapping[str, Objective]
    statistics: Source
    estimator: str
    validation_estimator: str
    early_stopping: EarlyStopping | None
    callbacks: Sequence[Callback]
    checkpoint: str | Path | None
    progress: bool


@dataclass
class Position:
    """How far training has come."""

    epoch: int = 0  # epochs complete
    batch: int = 0  # batches done of the epoch under way
    trained: bool = False  # whether those are all of it
    over: bool = False  # whether something asked to stop


class Trainer:
    """Training under way: a position, the means so far, and what has been compiled."""

    def __init__(
        self, net: Layer, settings: Settings, evaluator: Evaluator | None
    ) -> None:
        self.net = net
        self.settings = settings
        self.history = History()
        self.position = Position()
        self.means = Means()
        self.best: tuple[storage.Arrays, dict[str, Any]] = ({}, {"missing": {}})
        self._evaluator = evaluator
        self._time = state("time", np.zeros(()))
        self._step, self._slots = self._compile()
        check_estimator(net, settings.estimator)  # not after hours of training
        self._safe = self.capture()
        self._seconds = 0.0

    def run(self) -> History:
        """Everything that is left to do; a Ctrl-C raises ``Interrupted``."""
        at = self.position
        try:
            self._pre_learn()
            while at.epoch < self.settings.epochs and not at.over:
                if not at.trained:
                    self._train()
                self._finish_epoch()
            self.history.checkpoint = self.capture()
            self._finish()
        except KeyboardInterrupt as stop:
            checkpoint = self.capture()
            self._save(checkpoint)
            message = f"fit: interrupted in epoch {at.epoch + 1}, batch {at.batch}"
            raise Interrupted(message, checkpoint) from stop
        return self.history

    def capture(self) -> Checkpoint:
        """All that is needed to go on from here."""
        notes = {
            "position": asdict(self.position),
            "sums": dict(self.means.sums),
            "examples": self.means.examples,
            "curves": {name: list(c) for name, c in self.history.curves.items()},
            "best_epoch": self.history.best_epoch,
        }
        taken = capture(self._groups, notes)
        taken.groups["best"], best = self.best
        taken.missing["best"] = best["missing"]
        return taken

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where ``capture`` was called, in this process or another."""
        notes = checkpoint.notes
        try:
            position = Position(**notes["position"])
            means = Means(notes["sums"], notes["examples"])
            curves = {name: list(curve) for name, curve in notes["curves"].items()}
            history = History(curves, notes["best_epoch"])
            best = checkpoint.groups["best"], {"missing": checkpoint.missing["best"]}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"checkpoint: does not say how far training had come: {error!r}"
            raise storage.FileFormatError(message) from error
        restore(checkpoint, self._groups)
        self.position, self.means, self.history = position, means, history
        self.best, self._safe = best, checkpoint

    @property
    def _groups(self) -> dict[str, dict[str, SharedVariable]]:
        return {"net": self.net.named_parameters, "optimizer": self._slots}

    def _compile(self) -> tuple[Function, dict[str, SharedVariable]]:
        """The training step, and the variables that the optimizer added to it."""
        settings, net = self.settings, self.net
        example = first_of(settings.data, input_type(net), "fit")
        net.restart()
        asked = Quantities(net, example, settings.loss, settings.metrics, True)
        rate = settings.learning_rate
        if callable(rate):
            rate = rate(self._time)
        updates = settings.optimizer(asked.values["loss"], net.trainable, rate)
        outputs = {**asked.values, "learning_rate": rate}
        step = function(asked.variables, outputs, updates=updates, name="train")
        added = [variable for variable in updates if variable not in net.parameters]
        return step, {f"{i}.{v.name}": v for i, v in enumerate(added)}

    def _pre_learn(self) -> None:
        missing = any(
            receiver.missing is not None
            for _, layer in self.net.walk()
            for operation in layer.operations
            for receiver in operation.receivers
            if operation.phase == "pre"
        )
        if missing:
            go_to_epoch(self.settings.statistics, 0)
            pre_learn(self.net, self.settings.statistics, self.settings.progress)

    def _train(self) -> None:
        """The batches that are left of the epoch under way."""
        at, data, started = self.position, self.settings.data, time.monotonic()
        go_to_epoch(data, at.epoch)
        if at.batch == 0:
            self.means, self._safe = Means(), self.capture()
        total = length_of(data)
        title = f"epoch {at.epoch + 1}/{self.settings.epochs}"
        batches = examples_of(data, input_type(self.net), "fit")
        with bar(title, total, self.settings.progress) as advance:
            for arrays in islice(batches, at.batch, None):
                self._time.set_value(at.epoch + (at.batch / total if total else 0.0))
                self._train_on(arrays)
                advance(f"{title} loss {self.means.result()['loss']:.4f}")
        self._seconds = time.monotonic() - started
        at.trained = True

    def _train_on(self, arrays: tuple[Any, ...]) -> None:
        """One step; parameters, means and position move on together."""
        with shielded():
            values = self._step(*arrays)
            self.means.add(values, len(arrays[0]))
            self.position.batch += 1
        if not np.isfinite(values["loss"]):
            restore(self._safe, self._groups)
            raise Diverged(
                f"fit: the loss became {values['loss']} in epoch "
                f"{self.position.epoch + 1}, batch {self.position.batch}; the network "
                "is as it was when that epoch began; try a smaller learning_rate, or "
                "training.clipped(optimizer, norm=...)"
            )

    def _finish_epoch(self) -> None:
        """Evaluate, then write down what the epoch gave."""
        results = self._evaluate()
        stopping, at = self.settings.early_stopping, self.position
        with shielded():
            self.history.append(results)
            if stopping is not None and stopping.improved(self.history):
                self.history.best_epoch = self.history.epochs
                self.best = storage.values_of(self.net.named_parameters)
            at.epoch, at.batch, at.trained = at.epoch + 1, 0, False
            at.over = stopping is not None and stopping.is_over(self.history)
            if self.settings.checkpoint is not None:
                self._save(self.capture())
        shown = "  ".join(f"{name} {value:.4g}" for name, value in results.items())
        report(
            f"epoch {at.epoch}/{self.settings.epochs}  {shown}", self.settings.progress
        )
        for callback in self.settings.callbacks:
            if callback(self.history, self.net) is True:
                at.over = True

    def _evaluate(self) -> dict[str, float]:
        """The numbers of the epoch that was just trained."""
        results = self.means.result()
        results["seconds"] = self._seconds
        if self._evaluator is not None:
            self._post_learn(self.settings.validation_estimator)
            found = self._evaluator(self.settings.progress)
            results.update({f"validation_{k}": v for k, v in found.items()})
        return results

    def _finish(self) -> None:
        """The best parameters, where asked for, and statistics for inference."""
        stopping = self.settings.early_stopping
        if stopping is not None and stopping.restore_best and self.best[0]:
            storage.assign(
                self.net.named_parameters, *self.best, source="fit: best epoch"
            )
        self._post_learn(self.settings.estimator)

    def _post_learn(self, estimator: str) -> None:
        source = self.settings.statistics
        go_to_epoch(source, 0)
        post_learn(self.net, source, estimator, self.settings.progress)

    def _save(self, checkpoint: Checkpoint) -> None:
        if self.settings.checkpoint is not None:
            checkpoint.save(self.settings.checkpoint)
