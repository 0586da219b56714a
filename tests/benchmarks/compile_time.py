"""Cold and warm compile times of the reference training function, in new processes.

    python tests/benchmarks/compile_time.py

Cold has an empty cache; warm finds there what cold has left. Times are of
``sg.function`` alone, from the graph to the first callable, and of ``import symgraph``
beside NumPy's own import.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"

BUILD = """
import json, sys, time
sys.path.insert(0, {examples!r})
import reference_network
import symgraph as sg
from symgraph import training
net = reference_network.build()
x, y = sg.tensor("x", shape=(None, 3, 90, 90)), sg.ivector("y")
loss = sg.nn.cross_entropy(net(x, training=True), y).mean()
updates = training.momentum(loss, net.trainable, 0.01, 0.9)
start = time.perf_counter()
sg.function([x, y], loss, updates=updates)
print(json.dumps(time.perf_counter() - start))
"""
IMPORT = """
import json, time
start = time.perf_counter()
import {module}
print(json.dumps(time.perf_counter() - start))
"""


def seconds(program: str, cache: str = "") -> float:
    """What ``program`` prints, run in a new interpreter."""
    environment = {**os.environ, "SYMGRAPH_CACHE": cache} if cache else os.environ
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def main(repeats: int = 5) -> None:
    """Print the medians."""
    build = BUILD.format(examples=str(EXAMPLES))
    cold, warm = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(seconds(build, cache))
            warm.append(seconds(build, cache))
    print(f"training function, cold: {statistics.median(cold):.2f} s")
    print(f"training function, warm: {statistics.median(warm):.2f} s")
    pairs = [
        (
            seconds(IMPORT.format(module="symgraph")),
            seconds(IMPORT.format(module="numpy")),
        )
        for _ in range(repeats)
    ]
    ours = statistics.median(a for a, _ in pairs)
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"import symgraph: {ours:.2f} s, {ratio:.1f} times NumPy's own import")


if __name__ == "__main__":
    main()
