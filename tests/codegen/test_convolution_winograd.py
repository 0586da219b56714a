"""Winograd's minimal filtering: right within its bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.convolution import (
    winograd,
    winograd_weight_phases,
    winograd_weights,
)
from codegen.convolution.geometry import forward_axis
from codegen.ir import Window
from codegen.target import AVX512, SSE2, Target
from tests.codegen.convolution_cases import (
    TARGETS,
    Case,
    blocked,
    reference,
)
from tests.codegen.convolution_runs import RESULTS, run

WIDE = Target("wide", 64, 32, (*SSE2.flags, "-DSG_WIDE", "-Wno-psabi"))
BOUND = {"float32": 2e-5, "float64": 1e-13}
CASES = {
    "whole tiles": Case((16, 32), 2, (18, 22)),
    "parts of tiles": Case((17, 3), 3, (9, 12), open_batch=True),
    "one tile": Case((3, 5), 1, (4, 5)),
    "many small images": Case((33, 20), 19, (5, 6), open_batch=True),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
    "same": Case((16, 16), 2, (7, 11), Window((3, 3), padding=((1, 1), (1, 1)))),
    "lopsided": Case((5, 7), 2, (7, 11), Window((3, 5), padding=((2, 0), (1, 3)))),
    "five by five": Case((32, 64), 1, (20, 20), Window((5, 5))),
    "four by three": Case((8, 24), 2, (10, 13), Window((4, 3))),
    "seven by five": Case(
        (9, 5), 2, (11, 13), Window((7, 5), padding=((3, 1), (2, 4)))
    ),
    "gradients that overlap": Case((9, 17), 17, (11, 14), Window((5, 5))),
    "and small ones": Case((5, 6), 2, (12, 13), open_batch=True),
    "channels that are shared out": Case((6, 130), 1, (5, 6), Window((5, 5))),
    "one large tile": Case((5, 17), 3, (8, 8), Window((5, 5)), open_batch=True),
}


@pytest.fixture(params=[6, 8], ids="{} points".format)
def preferred(request, monkeypatch):
    """Winograd wherever it is possible, on so many points if they serve."""
    wanted = request.param
    for module in (winograd, winograd_weights):
        monkeypatch.setattr(module, "_cost", lambda cut, _: -1 - (cut.side == wanted))
    return wanted


DOUBLES = "parts of tiles", "lopsided", "five by five", "gradients that overlap"
OPTIMIZED = "five by five"  # on all targets
EACH = [(name, "float32") for name in CASES] + [(name, "float64") for name in DOUBLES]


@pytest.mark.parametrize(("name", "dtype"), EACH)
def test_within_its_bound(name, dtype, preferred):
    case, optimized = CASES[name], name == OPTIMIZED
    if not _serves(case, preferred):
        assert 8 not in _sides(case)
        return
    among = [CASES[n] for n, d in EACH if (d, n == OPTIMIZED) == (dtype, optimized)]
    among = [each for each in among if _serves(each, preferred)]
    for target in TARGETS:
        lanes = target.lanes(dtype)
        y, dx, dw = reference(case)
        expected = (blocked(y, lanes), blocked(dx, lanes), dw)
        found = run(case, target, dtype, 2, RESULTS, optimized, among, preferred)
        for got, want in zip(found, expected, strict=True):
            error = np.abs(got - want).max(initial=0)
            assert error <= BOUND[dtype] * max(np.abs(want).max(initial=0), 1)


def _serves(case, points):
    """Whether so many points are tried: eight are for five taps and more."""
    return points == 6 or min(case.window.kernel) >= 5


PADDED = Case((33, 20), 1, (5, 6), Window((5, 5), padding=((2, 2), (2, 2))))
BATCHES = [
    replace(PADDED, batch=batch, open_batch=open_batch)
    for batch, open_batch in [
        (0, True),
        (1, False),
        (19, True),
        (150, False),
        (150, True),
    ]
]


@pytest.mark.parametrize("case", BATCHES, ids=lambda c: f"{c.batch}-{c.open_batch}")
def test_sums_that_are_put_aside(case, preferred, monkeypatch):
    """After each turn instead of many; in short shares never, and nothing is read."""
    for module in (winograd_weights, winograd_weight_phases):
        monkeypatch.setattr(module, "MOST_TURNS", 1)
    how = {"among": BATCHES, "patched": (preferred, "one turn")}
    for target in TARGETS:
        want = reference(case)[2]
        got = run(case, target, "float32", wanted=["dw"], **how)[2]
        error = np.abs(got - want).max()
        assert error <= BOUND["float32"] * max(np.abs(want).max(), 1)


def test_few_runs_share_channels_where_filters_are_far(preferred, monkeypatch):
    monkeypatch.setattr(winograd, "FAR_BYTES", 0)
    monkeypatch.setattr(winograd, "FAR_INPUT_BYTES", 1 << 12)
    case = Case((9, 66), 3, (17, 19), Window((5, 5), padding=((2, 2), (2, 2))))
    for target in TARGETS:
        expected = blocked(reference(case)[0], target.lanes("float32"))
        found = run(case, target, "float32", wanted=["y"])[0]
        error = np.abs(found - expected).max()
        assert error <= BOUND["float32"] * np.abs(expected).max()


def test_vectors_as_wide_as_avx512(preferred):
    """On machines without it their C runs in pieces: slow to compile, but the same."""
    target = AVX512 if AVX512 in TARGETS else WIDE
    case = CASES["one large tile"]
    expected = reference(case)[0]
    found = run(case, target, "float32", wanted=["y"])[0]
    error = np.abs(found - blocked(expected, 16)).max()
    assert error <= BOUND["float32"] * np.abs(expected).max()


def _sides(case):
    rows, columns = (
        forward_axis(case.window, axis, case.size[axis], case.output[axis])
        for axis in (0, 1)
    )
    return winograd.sides(rows, columns)
