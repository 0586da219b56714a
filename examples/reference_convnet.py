"""Train the reference network on photographs: with BN, without, and per activation.

    python examples/reference_convnet.py --data dogs_vs_cats.npz --epochs 20

``--data`` is a folder of images or an archive (see ``photographs.py``). Each run learns
by momentum with a rate of RATE * 0.9^epoch on random crops and mirror images, and is
judged on centre crops. One figure has the curves of all runs, ``results.md`` the table,
``results.json`` every number; the same seed gives the same numbers again. Runs that
``--output`` already holds are kept beside the new ones.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import photographs
import reference_network
from reference_results import ESTIMATORS, Run, earlier_runs, table, write
from rich.console import Console
from rich.progress import track

import symgraph as sg
from symgraph import training
from symgraph.compile import Mode
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormInference

RATE = 0.05
CONSOLE = Console()


class Experiment:
    """A network, its compiled functions, and the photographs it learns from."""

    def __init__(self, variant: str, parts: dict, options: argparse.Namespace) -> None:
        self.parts, self.options, self.run = parts, options, Run(variant)
        classes = len(parts["train"].classes)
        self.net = reference_network.build(variant, classes, options.seed)
        self.rate = sg.shared(np.float32(RATE), "learning_rate")
        size = reference_network.SIZE
        x = sg.tensor("x", shape=(None, 3, size, size))
        y = sg.ivector("y")
        loss = sg.nn.cross_entropy(self.net(x, training=True), y).mean()
        updates = training.momentum(loss, self.net.trainable, self.rate, 0.9)
        self.step = sg.function([x, y], loss, updates=updates, name="step")
        logits = self.net(x)
        losses = sg.nn.cross_entropy(logits, y)
        wrong = sg.ne(logits.argmax(axis=1), y)
        self.judge = sg.function([x, y], [losses.sum(), wrong.sum()], name="judge")

    def learn(self) -> Run:
        """Every epoch, judged; then the three estimators of BN's statistics."""
        training.pre_learn(self.net, self._crops(0))
        for epoch in range(self.options.epochs):
            self._epoch(epoch)
        if self.run.variant != "without":
            self._compare_estimators()
        self._compare_folding()
        return self.run

    def _epoch(self, epoch: int) -> None:
        run, start = self.run, time.perf_counter()
        self.rate.set_value(np.float32(RATE * 0.9**epoch))
        total = len(self.parts["train"]) // self.options.batch
        batches = track(
            self._crops(epoch)(),
            f"{run.variant}, epoch {epoch + 1}",
            total,
            console=CONSOLE,
            transient=True,
            disable=not CONSOLE.is_terminal,
        )
        losses = [float(self.step(images, labels)) for images, labels in batches]
        run.seconds.append(time.perf_counter() - start)
        run.train_loss.append(float(np.mean(losses)))
        self._learn_statistics("running", epoch)
        for name, loss, error in (
            ("valid", run.valid_loss, run.valid_error),
            ("test", run.test_loss, run.test_error),
        ):
            mean, wrong = self._judged(name)
            loss.append(mean)
            error.append(wrong)
        CONSOLE.print(
            f"{run.variant:>15} epoch {epoch + 1:2}: train loss {losses_text(run)}, "
            f"valid error {run.valid_error[-1]:.2%}, test error "
            f"{run.test_error[-1]:.2%}, {run.seconds[-1]:.1f} s"
        )

    def _compare_estimators(self) -> None:
        for estimator in ESTIMATORS:
            self._learn_statistics(estimator, self.options.epochs)
            error = self._judged("test")[1]
            self.run.test_error_by_estimator[estimator] = error
            CONSOLE.print(f"{self.run.variant:>15} {estimator}: test error {error:.2%}")

    def _compare_folding(self) -> None:
        """The network as rewritten against the one as written, on every test image."""
        size = reference_network.SIZE
        x = sg.tensor("x", shape=(None, 3, size, size))
        probabilities = sg.nn.softmax(self.net(x))
        folded = sg.function([x], probabilities)
        plain = sg.function([x], probabilities, mode=Mode("c", stages=()))
        largest, differing = 0.0, 0
        for images, _ in photographs.centre_batches(
            self.parts["test"], size, self.options.batch
        ):
            ours, theirs = folded(images), plain(images)
            largest = max(largest, float(np.abs(ours - theirs).max()))
            differing += int((ours.argmax(1) != theirs.argmax(1)).sum())
        self.run.folding = {
            "largest_difference": largest,
            "classes_changed": differing,
            "batch_norms_left": len(folded.graph.find(BatchNormInference)),
            "affine_maps_left": len(folded.graph.find(Affine)),
        }
        CONSOLE.print(f"{self.run.variant:>15} folding: {self.run.folding}")

    def _learn_statistics(self, estimator: str, epoch: int) -> None:
        training.post_learn(self.net, self._crops(epoch), estimator=estimator)

    def _crops(self, epoch: int):
        return partial(
            photographs.random_batches,
            self.parts["train"],
            reference_network.SIZE,
            self.options.batch,
            (self.options.seed, epoch),
        )

    def _judged(self, name: str) -> tuple[float, float]:
        """The mean loss and the share of errors on centre crops."""
        part = self.parts[name]
        totals = np.zeros(2)
        for images, labels in photographs.centre_batches(
            part, reference_network.SIZE, self.options.batch
        ):
            totals += [float(value) for value in self.judge(images, labels)]
        return float(totals[0] / len(part)), float(totals[1] / len(part))


def losses_text(run: Run) -> str:
    """The last training and test loss."""
    return f"{run.train_loss[-1]:.4f}, test loss {run.test_loss[-1]:.4f}"


def main(arguments: list[str] | None = None) -> list[Run]:
    """Train the networks asked for; returns their runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        required=True,
        help="a folder with a folder of images a class, or a .npz (see photographs.py)",
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="photographs a split, for a trial")
    parser.add_argument(
        "--variants", nargs="+", default=reference_network.VARIANTS, metavar="NAME"
    )
    parser.add_argument("--output", type=Path, default=Path("reference_convnet"))
    options = parser.parse_args(arguments)
    parts = photographs.load(options.data)
    if options.limit is not None:
        parts = {name: part.head(options.limit) for name, part in parts.items()}
    options.output.mkdir(parents=True, exist_ok=True)
    runs = earlier_runs(options.output)
    for variant in options.variants:
        runs[variant] = Experiment(variant, parts, options).learn()
        write(list(runs.values()), options.output)
    CONSOLE.print(table(list(runs.values())), markup=False)
    return [runs[variant] for variant in options.variants]


if __name__ == "__main__":
    main()
