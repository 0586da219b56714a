"""Threads of compiled programs: results do not depend on them, nor on who calls."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from codegen.build import build
from codegen.threads import default_threads
from tests.codegen.runtime_cases import chained, checked, pair


@pytest.fixture(scope="module")
def module():
    return build([chained(), checked()])


def test_the_first_check_that_fails_is_told_whatever_the_threads(module):
    count = 300_000
    x, y = pair(count)
    x[[70_001, 140_000, 299_999]] = -1
    for threads in (1, 2, 3):
        code = module["checked"].run((x, y), (count, count), threads)
        assert (code, code.found) == (7, (70_001, count, 0))


def test_several_threads_call_at_once(module):
    results = []

    def work(seed):
        x = np.random.default_rng(seed).random(20_000).astype("float32")
        y = np.zeros_like(x)
        for _ in range(30):
            y[:] = 0
            module["chained"].run((x, y), (20_000,))
            results.append(bool((y == (x + 1) * 2).all()))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 120 and all(results)


def test_a_forked_child_can_call(module):
    x, y = pair(500_000)
    module["chained"].run((x, y), (500_000,))  # threads exist in the parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads
        child = os.fork()
    if child == 0:
        codes = [module["chained"].run((x, y), (500_000,), k) for k in (0, 2)]
        os._exit(max(codes))
    assert os.waitpid(child, 0)[1] == 0


def test_threads_change_nothing(module):
    x, _ = pair(300_001)
    results = []
    for threads in (1, 2, 3, 7):
        y = np.zeros_like(x)
        module["chained"].run((x, y), (300_001,), threads)
        results.append(y)
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_every_unit_is_computed_once_whoever_takes_it(module):
    x, y = np.arange(100003, dtype="float32"), np.empty(100003, "float32")
    for threads in (1, 2, 3, 7, 300):
        y[:] = 0
        assert module["chained"].run([x, y], (x.size,), threads) == 0
        np.testing.assert_array_equal(y, (x + 1) * 2)


def test_the_environment_sets_the_threads(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("SYMGRAPH_THREADS", "many")
    assert default_threads() >= 1


UNLOADED = """
import gc
import numpy as np
from codegen.build import build
from tests.codegen.runtime_cases import chained
for turn in range(2):
    native = build([chained()])["chained"]
    x, y = np.ones(1 << 20, "float32"), np.empty(1 << 20, "float32")
    assert native.run([x, y], (x.size,), threads=2) == 0
    assert (y == 4).all()
    del native
    gc.collect()
"""


@pytest.mark.parametrize("flags", ["", "-fno-openmp"], ids=["openmp", "pool"])
def test_a_library_goes_while_its_threads_still_look_for_work(flags):
    environment = {**os.environ, "SYMGRAPH_CFLAGS": flags, "OMP_WAIT_POLICY": "active"}
    command = [sys.executable, "-c", UNLOADED]
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
