"""symgraph beside PyTorch on the reference network, taking turns in one run.

    python tests/benchmarks/reference_network.py --peer-python PEERS/bin/python

Both compute in float32 on two threads, PyTorch in its default layout and in
channels-last. A row gives the median of each and the median of the ratios of pairs, so
that a drift of the machine's speed does not decide.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "examples"))

import reference_network  # noqa: E402

import symgraph as sg  # noqa: E402
from symgraph import training  # noqa: E402

WORK = (("infer", 1, 60), ("infer", 32, 20), ("infer", 100, 10), ("train", 100, 8))


class Ours:
    """The compiled functions, timed one call at a time."""

    def __init__(self, variant: str) -> None:
        net = reference_network.build(variant)
        rng = np.random.default_rng(0)
        self.images = rng.normal(0, 1, (100, 3, 90, 90)).astype(np.float32)
        self.labels = rng.integers(0, 2, 100).astype(np.int32)

        def batches():
            return iter([(self.images, self.labels)])

        training.pre_learn(net, batches)
        if variant != "without":
            training.post_learn(net, batches, estimator="minibatch")
        x = sg.tensor("x", shape=(None, 3, 90, 90))
        y = sg.ivector("y")
        loss = sg.nn.cross_entropy(net(x, training=True), y).mean()
        updates = training.momentum(loss, net.trainable, 0.01, 0.9)
        self.step = sg.function([x, y], loss, updates=updates)
        self.predict = sg.function([x], sg.nn.softmax(net(x)))

    def infer(self, batch: int) -> float:
        """Seconds of one inference."""
        images = self.images[:batch]
        return timed(lambda: self.predict(images))

    def train(self, batch: int) -> float:
        """Seconds of one step of SGD with momentum."""
        images, labels = self.images[:batch], self.labels[:batch]
        return timed(lambda: self.step(images, labels))


class Peer:
    """PyTorch in a process of its own."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "torch_reference.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, work: str, batch: int, channels_last: bool) -> float:
        """Seconds of one call."""
        request = {"work": work, "batch": batch, "channels_last": channels_last}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["seconds"]


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(
    first: Callable[[], float], second: Callable[[], float], pairs: int
) -> tuple[float, float, float]:
    """The medians of both and of the ratio second / first, over interleaved pairs."""
    first(), second()
    times = [(first(), second()) for _ in range(pairs)]
    ours, theirs = zip(*times, strict=True)
    ratios = [b / a for a, b in times]
    return tuple(statistics.median(values) for values in (ours, theirs, ratios))


def main() -> None:
    """Print one row for each work, and BN's own cost at inference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="the interpreter that has torch")
    options = parser.parse_args()
    ours = Ours("batch_norm")
    if options.peer_python:
        peer = Peer(options.peer_python)
        print("| work | batch | symgraph ms | PyTorch ms | ratio | layout |")
        print("|---|---|---|---|---|---|")
        for work, batch, pairs in WORK:
            for channels_last in (False, True):
                row = compare(
                    lambda w=work, b=batch: getattr(ours, w)(b),
                    lambda w=work, b=batch, c=channels_last: peer.measure(w, b, c),
                    pairs,
                )
                layout = "channels-last" if channels_last else "default"
                cells = f"{row[0] * 1e3:.2f} | {row[1] * 1e3:.2f} | {row[2]:.2f}"
                print(f"| {work} | {batch} | {cells} | {layout} |", flush=True)
    plain = Ours("without")
    for batch, pairs in ((1, 400), (100, 30)):
        row = compare(
            lambda b=batch: plain.infer(b), lambda b=batch: ours.infer(b), pairs
        )
        print(f"inference with BN over without, batch {batch}: {row[2]:.3f}")


if __name__ == "__main__":
    main()
