"""Threads that stay with a call: each phase done once, nobody waited for in vain."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.ir import (
    Buffer,
    Call,
    Kernel,
    Kind,
    Literal,
    Load,
    Loop,
    Program,
    Role,
    Store,
)

n, i = map(sizes.symbol, ("n", "i"))
X = Buffer("x", "float32", (n,), Role.ARGUMENT)
Y = Buffer("y", "float32", (n,), Role.ARGUMENT)
LONG, SIZE = 60, 1 << 15


def relay():
    """y = x + 60, one phase for each 1: what a phase misses, all later ones lack."""
    kernels, source = [], X
    for step in range(LONG):
        to = Y if step == LONG - 1 else Buffer(f"t{step}", "float32", (n,))
        one = Literal(1, "float32")
        value = Call("add", (Load(source, i), one), "float32")
        loop = Loop("i", 0, n, (Store(to, i, value),), Kind.PARALLEL)
        kernels.append(Kernel(loop, f"step {step}"))
        source = to
    return Program("relay", ("n",), (X, Y), tuple(kernels))


def run(native, threads, size=SIZE):
    x, y = np.arange(size, dtype="float32"), np.zeros(size, "float32")
    assert native.run([x, y], (size,), threads) == 0
    np.testing.assert_array_equal(y, x + LONG)


@pytest.fixture(scope="module")
def native():
    return build([relay()])["relay"]


@pytest.mark.parametrize("threads", [1, 2, 3, 5, 300])
def test_all_phases_are_done_in_order_by_any_number_of_threads(native, threads):
    for size in (0, 1, 1023, 1024, 1025, SIZE):
        run(native, threads, size)


SCRIPTS = {
    "one processor": """
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
for _ in range(200):
    run(native, 4)
""",
    "many callers": """
with ThreadPoolExecutor(6) as pool:
    list(pool.map(lambda _: run(native, 4), range(300)))
""",
    "a fork after a call": """
run(native, 3)
child = os.fork()
if child == 0:
    run(native, 1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
run(native, 3)
""",
    "pauses between calls": """
for pause in (0, 1e-4, 1e-2, 0.2):
    run(native, 2)
    time.sleep(pause)
run(native, 2)
""",
}
HEAD = """
import os, time
from concurrent.futures import ThreadPoolExecutor
from codegen.build import build
from tests.codegen.test_crew import relay, run
native = build([relay()])["relay"]
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
@pytest.mark.parametrize("flags", ["", "-fno-openmp"], ids=["openmp", "pool"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_nobody_is_waited_for_in_vain(script, flags):
    environment = {**os.environ, "SYMGRAPH_CFLAGS": flags}
    command = [sys.executable, "-c", HEAD + SCRIPTS[script]]
    options = {"capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command, check=False, env=environment, **options)
    assert done.returncode == 0, done.stderr
