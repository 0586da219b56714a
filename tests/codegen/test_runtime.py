"""Calls of compiled programs: arguments, errors, memory."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from codegen import pointers, runtime
from codegen.build import build
from tests.codegen.runtime_cases import chained, checked, pair


@pytest.fixture(scope="module")
def module():
    return build([chained(), checked()])


def test_a_program_runs(module):
    x, y = pair()
    assert module["chained"].run((x, y), (1000,)) == 0
    np.testing.assert_array_equal(y, (x + 1) * 2)


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
