"""What is not a call: imports, cold and warm compiles, memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.benchmarks import sides
from tests.benchmarks.rows import Row, in_order
from tests.benchmarks.sides import Side, SideError
from tests.benchmarks.works import photographs

BATCH = 100
COMPILED = {"torch": "compiled, channels-last", "jax": "NHWC", "tensorflow": "XLA"}
MODULES = ("torch", "jax", "tensorflow", "pytensor")
CACHES = ("SYMGRAPH_CACHE", "TORCHINDUCTOR_CACHE_DIR")
# A process of its own that computes tanh(x x) + 1, from its first import on.
FIRST = {
    "symgraph": """
import symgraph as sg
x = sg.fmatrix("x")
result = sg.function([x], sg.tanh(x @ x) + 1)(ones)
""",
    "torch": """
import torch
result = torch.compile(lambda x: torch.tanh(x @ x) + 1)(torch.from_numpy(ones)).numpy()
""",
    "jax": """
import jax
result = jax.jit(lambda x: jax.numpy.tanh(x @ x) + 1)(ones)
""",
    "tensorflow": """
import tensorflow
product = lambda x: tensorflow.tanh(x @ x) + 1
result = tensorflow.function(product, jit_compile=True)(ones).numpy()
""",
    "pytensor": """
import pytensor
x = pytensor.tensor.fmatrix("x")
result = pytensor.function([x], pytensor.tensor.tanh(x @ x) + 1, mode="NUMBA")(ones)
""",
}
FIRST_RESULT = """
import time
import numpy
ones = numpy.ones((3, 3), numpy.float32)
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
assert numpy.allclose(result, numpy.tanh(3) + 1, rtol=1e-6), result
print(seconds)
"""
# What is measured, its unit, and what is wanted.
IMPORTS = "import", "x NumPy's", "<= 3 x NumPy's"
FIRST_RESULTS = "import to first result, warm", "s", ""
IMPORT = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
Start = Callable[..., Side]


def compile_times(
    python: str, names: list[str], folder: Path, repeats: int
) -> list[Row]:
    """From the arrays to the end of the first training step, in new processes.

    Cold finds an empty cache, warm what cold has left there. Importing is not counted.
    """
    np.savez(folder / "arrays.npz", **photographs(BATCH, training=True))
    start = partial(sides.symgraph, folder)
    ours = [_cold_and_warm(start, "default", folder) for _ in range(repeats)]
    rows = []
    for name in names:
        if name not in COMPILED:
            continue
        start = partial(sides.peer, name, python, folder)
        try:
            theirs = [_cold_and_warm(start, COMPILED[name], folder)]
        except SideError as error:
            rows.append(Row("compile, training", name, failure=str(error)))
            continue
        for place, (what, wanted) in enumerate((("cold", 3), ("warm", 0.2))):
            mine, other = (
                statistics.median(t[place] for t in s) for s in (ours, theirs)
            )
            row = Row(f"{what} compile, training", name, COMPILED[name], mine, other)
            rows.append(_with(row, "s", f"<= {wanted} s"))
    return sorted(rows, key=lambda row: (row.work, row.ratio))


def _cold_and_warm(start: Start, way: str, folder: Path) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as cache:
        kept = _kept_in(cache)
        cold, warm = (_first_step(start, way, folder, kept) for _ in range(2))
    return cold, warm


def _kept_in(folder: str) -> dict[str, str]:
    """The environment in which everybody keeps machine code there."""
    return {**dict.fromkeys(CACHES, folder), "PYTENSOR_FLAGS": f"compiledir={folder}"}


def _first_step(start: Start, way: str, folder: Path, environment: dict) -> float:
    files = {"arrays": folder / "arrays.npz", "results": folder / "results.npz"}
    paths = {name: str(path) for name, path in files.items()}
    with start(environment=environment) as side:
        return side.ask("make", task="step", kind="training", way=way, **paths)[
            "seconds"
        ]


def imports(python: str, names: list[str], repeats: int) -> list[Row]:
    """Importing, as multiples of NumPy's own, and the way to a first small result.

    The latter begins with NumPy there and everything that can be kept on disk.
    """
    return [
        *_compared(IMPORTS, _import_ratio, python, names, repeats),
        *_compared(FIRST_RESULTS, _first_result, python, names, repeats),
    ]


def _compared(
    shown: tuple[str, str, str],
    measured: Callable,
    python: str,
    names: list[str],
    repeats: int,
) -> list[Row]:
    what, unit, wanted = shown
    rows = []
    with tempfile.TemporaryDirectory() as kept:
        ours = measured(sys.executable, "symgraph", repeats, Path(kept))
        for name in names:
            if name not in MODULES:
                continue
            try:
                theirs = measured(python, name, max(repeats // 2, 1), Path(kept))
            except subprocess.CalledProcessError as error:
                rows.append(Row(what, name, failure=error.stderr.splitlines()[-1]))
                continue
            rows.append(_with(Row(what, name, "", ours, theirs), unit, wanted))
    return in_order(rows)


def _import_ratio(python: str, module: str, repeats: int, kept: Path) -> float:
    def seconds(name: str) -> float:
        return _seconds(python, IMPORT.format(module=name), kept)

    seconds(module), seconds("numpy")  # what they read is in memory from now on
    return statistics.median(seconds(module) / seconds("numpy") for _ in range(repeats))


def _first_result(python: str, module: str, repeats: int, kept: Path) -> float:
    code = FIRST_RESULT.format(code=FIRST[module])
    _seconds(python, code, kept)
    return statistics.median(_seconds(python, code, kept) for _ in range(repeats))


def _seconds(python: str, code: str, kept: Path) -> float:
    """What ``code`` prints; machine code is ``kept`` there."""
    done = subprocess.run(
        [python, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=sides.ROOT,
        env=sides.surroundings(_kept_in(str(kept))),
    )
    return float(done.stdout.splitlines()[-1])


def memory(python: str, names: list[str], folder: Path) -> list[Row]:
    """The growth of resident memory during training steps, the same way for both."""
    if "torch" not in names:
        return []
    for file, batch in (("small", 2), ("arrays", BATCH)):
        np.savez(folder / f"{file}.npz", **photographs(batch, training=True))
    files = {name: str(folder / f"{name}.npz") for name in ("small", "arrays")}
    with sides.symgraph(folder) as side:
        ours = side.ask("peak", kind="training", way="default", **files)
    title = f"memory of a training step, batch {BATCH}"
    rows = []
    for way in ("eager", "eager, channels-last"):
        try:
            with sides.peer("torch", python, folder) as side:
                theirs = side.ask("peak", kind="training", way=way, **files)["bytes"]
        except SideError as error:
            rows.append(Row(title, "torch", failure=str(error)))
            continue
        for figure, how in (("bytes", "measured"), ("planned", "by fn.memory")):
            mine, other = ours[figure] / 2**20, theirs / 2**20
            row = Row(f"{title}, {how}", "torch", way, mine, other)
            rows.append(_with(row, "MiB", "<= 0.6 of torch's"))
    return in_order(rows)


def _with(row: Row, unit: str, wanted: str) -> Row:
    """``row`` with the ratio of its two figures."""
    figures = (row.ours, row.theirs, row.theirs / row.ours)
    return Row(row.work, row.peer, row.way, *figures, unit, wanted)
