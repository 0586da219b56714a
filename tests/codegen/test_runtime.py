"""Calls of compiled programs: arguments, errors, threads, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from codegen import pointers, runtime, sizes
from codegen.build import build
from codegen.ir import (
    Buffer,
    Call,
    Check,
    Kernel,
    Kind,
    Literal,
    Load,
    Loop,
    Program,
    Requirement,
    Role,
    SizeValue,
    Store,
)
from codegen.threads import default_threads

n, m, i = map(sizes.symbol, ("n", "m", "i"))
X = Buffer("x", "float32", (n,), Role.ARGUMENT)
Y = Buffer("y", "float32", (n,), Role.ARGUMENT)


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def sweep(*body):
    return Loop("i", 0, n, body, Kind.PARALLEL)


def chained():
    """y = (x + 1) * 2 by way of a temporary, plus a constant array."""
    t = Buffer("t", "float32", (n,))
    c = Buffer("c", "float32", (3,), Role.CONSTANT)
    first = sweep(Store(t, i, call("add", Load(X, i), Load(c, 1))))
    second = sweep(Store(Y, i, call("mul", Load(t, i), Load(c, 2))))
    values = np.array([[9, 1, 2]], "float64")
    kernels = (Kernel(first, "add"), Kernel(second, "multiply"))
    return Program("chained", ("n",), (X, Y), kernels, ((c, values),))


def checked():
    """y = x, but error 7 where an x is negative, 5 where n differs from m."""
    held = call("ge", Load(X, i), Literal(0, "float32"), dtype="bool")
    check = Check(held, 7, (SizeValue(i), SizeValue(n)))
    loop = Loop("i", 0, n, (check, Store(Y, i, Load(X, i))), Kind.PARALLEL)
    late = sweep(Store(Y, i, Literal(1, "float32")))
    kernels = (Kernel(loop, "check"), Kernel(late, "later"))
    return Program("checked", ("n", "m"), (X, Y), kernels, (), (Requirement(n, m, 5),))


@pytest.fixture(scope="module")
def module():
    return build([chained(), checked()])


def pair(count=1000):
    return np.arange(count, dtype="float32"), np.zeros(count, "float32")


def test_a_program_runs(module):
    x, y = pair()
    assert module["chained"].run((x, y), (1000,)) == 0
    np.testing.assert_array_equal(y, (x + 1) * 2)


def test_the_first_check_that_fails_is_told_whatever_the_threads(module):
    count = 300_000
    x, y = pair(count)
    x[[70_001, 140_000, 299_999]] = -1
    for threads in (1, 2, 3):
        code = module["checked"].run((x, y), (count, count), threads)
        assert (code, code.found) == (7, (70_001, count, 0))


def test_nothing_is_done_after_a_check_that_failed(module):
    x, y = pair(100)
    assert module["checked"].run((x, y), (100, 100)) == 0
    assert (y == 1).all()  # by the later kernel
    x[70] = -1
    for _ in range(2):
        assert module["checked"].run((x, y), (100, 100)) == 7
        np.testing.assert_array_equal(y[:70], x[:70])
    x[70] = 1
    assert module["checked"].run((x, y), (100, 100)) == 0
    assert (y == 1).all()


def test_lists_empty_arrays_and_other_sizes(module):
    for count in (0, 1, 5, 100_000, 3):
        x, y = pair(count)
        assert module["chained"].run([x, y], (count,)) == 0
        np.testing.assert_array_equal(y, (x + 1) * 2)


def test_arrays_that_are_not_plain_still_run(module):
    class Odd(np.ndarray):
        pass

    x, y = pair()
    x.flags.writeable = False
    assert module["chained"].run((x.view(Odd), y.view(Odd)), (1000,)) == 0
    np.testing.assert_array_equal(y, (x + 1) * 2)


def test_without_a_known_layout_arrays_are_asked(module, monkeypatch):
    monkeypatch.setattr(runtime, "LAYOUT", None)
    x, y = pair()
    assert module["chained"].run((x, y), (1000,)) == 0
    np.testing.assert_array_equal(y, (x + 1) * 2)


def test_the_layout_of_this_interpreter_is_known():
    assert sys.implementation.name != "cpython" or pointers.find_layout() is not None


def test_unfit_arrays_are_refused(module):
    x, y = pair()
    native = module["chained"]
    with pytest.raises(TypeError, match="argument 0 must be float32, got float64"):
        native.run((x.astype("float64"), y), (1000,))
    with pytest.raises(TypeError, match="argument 1 must be float32, got list"):
        native.run((x, [1, 2]), (1000,))
    with pytest.raises(ValueError, match="argument 0 is not a contiguous array"):
        native.run((np.zeros(2000, "float32")[::2], y), (1000,))
    with pytest.raises(TypeError, match="argument 0 must be float32, got >f4"):
        native.run((x.astype(">f4"), y), (1000,))
    with pytest.raises(ValueError, match="expected 2 arrays, got 1"):
        native.run((x,), (1000,))
    assert native.run((x, y), (1000,)) == 0


def test_errors_come_back_and_stop_later_kernels(module):
    x, y = pair()
    assert module["checked"].run((x, y), (1000, 1000)) == 0
    assert (y == 1).all()
    x[500], y[:] = -1, 0
    for threads in (1, 2):
        assert module["checked"].run((x, y), (1000, 1000), threads) == 7
        assert not (y == 1).all()


def test_sizes_that_disagree_are_reported(module):
    x, y = pair()
    assert module["checked"].run((x, y), (1000, 999)) == 5


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


def test_the_peak_of_memory_is_known_before_a_call(module):
    assert module["chained"].peak_bytes((1000,)) == 4032  # 4000, aligned
    assert module["checked"].peak_bytes((1000, 1000)) == 0


def test_memory_is_kept_for_the_next_call_and_can_be_given_back():
    native = build([chained()])["chained"]
    x, y = pair(100_000)
    native.run((x, y), (100_000,))
    (workspace,) = native._idle
    kept = workspace.memory
    native.run((x, y), (100_000,))
    assert native._idle[0].memory is kept
    native.release()
    assert native.run((x, y), (100_000,)) == 0


def test_a_profile_has_the_seconds_of_each_kernel(module):
    x, y = pair(100_000)
    code, seconds = module["chained"].profile((x, y), (100_000,))
    assert code == 0 and len(seconds) == 2 and all(s > 0 for s in seconds)
    assert module["chained"].run((x, y), (100_000,)) == 0


def test_threads_change_nothing(module):
    x, _ = pair(300_001)
    results = []
    for threads in (1, 2, 3, 7):
        y = np.zeros_like(x)
        module["chained"].run((x, y), (300_001,), threads)
        results.append(y)
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_the_environment_sets_the_threads(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("SYMGRAPH_THREADS", "many")
    assert default_threads() >= 1


UNLOADED = """
import gc
import numpy as np
from tests.codegen.test_runtime import chained, build
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


def test_every_unit_is_computed_once_whoever_takes_it(module):
    x, y = np.arange(100003, dtype="float32"), np.empty(100003, "float32")
    for threads in (1, 2, 3, 7, 300):
        y[:] = 0
        assert module["chained"].run([x, y], (x.size,), threads) == 0
        np.testing.assert_array_equal(y, (x + 1) * 2)
