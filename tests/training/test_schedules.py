"""Schedules against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import GraphError, TensorType, Variable, evaluate
from symgraph.training import schedules

TIMES = np.array([0.0, 0.5, 1.0, 2.0, 3.75, 10.0, 40.0])

CASES = [
    (schedules.Constant(0.1), lambda t: 0.1),
    (schedules.Exponential(0.05, 0.9), lambda t: 0.05 * 0.9**t),
    (schedules.Exponential(0.05, 0.9, period=2.0), lambda t: 0.05 * 0.9 ** (t / 2)),
    (
        schedules.Exponential(0.05, 0.5, period=2.0, staircase=True),
        lambda t: 0.05 * 0.5 ** np.floor(t / 2),
    ),
    (schedules.InverseTime(0.1, 0.5), lambda t: 0.1 / (1 + 0.5 * t)),
    (
        schedules.Piecewise([1.0, 0.1, 0.01], [2.0, 10.0]),
        lambda t: 1.0 if t < 2 else 0.1 if t < 10 else 0.01,
    ),
    (
        schedules.Cosine(0.1, 10.0, last=0.01),
        lambda t: 0.01 + 0.045 * (1 + np.cos(np.pi * min(t / 10, 1))),
    ),
    (
        schedules.Warmup(schedules.Constant(0.4), 2.0, first=0.1),
        lambda t: 0.4 * (0.1 + 0.9 * min(t / 2, 1)),
    ),
]


@pytest.mark.parametrize(("schedule", "formula"), CASES)
def test_formula(schedule, formula):
    time = Variable(TensorType("float64", ()), name="time")
    rate = schedule(time)
    assert rate.type == TensorType("float64", ())
    found = [evaluate([rate], {time: np.asarray(t)})[0] for t in TIMES]
    np.testing.assert_allclose(found, [formula(t) for t in TIMES], rtol=1e-12)


def test_one_rate_more_than_boundaries():
    with pytest.raises(GraphError, match="2 boundaries part 3 rates, got 2"):
        schedules.Piecewise([1.0, 0.1], [2.0, 10.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.Constant(-0.1), "Constant: rate expects >= 0, got -0.1"),
        (lambda: schedules.Exponential(0.1, -0.5), "Exponential: decay expects >= 0"),
        (
            lambda: schedules.Exponential(0.1, 0.5, 0.0),
            "Exponential: period expects > 0",
        ),
        (lambda: schedules.Piecewise([0.1, np.nan], [1]), "Piecewise: rate expects"),
        (lambda: schedules.InverseTime(0.1, -1.0), "InverseTime: decay expects >= 0"),
        (lambda: schedules.Cosine(0.1, 0.0), "Cosine: length expects > 0, got 0.0"),
        (lambda: schedules.Warmup(schedules.Constant(1), -1), "Warmup: length expects"),
        (
            lambda: schedules.Warmup(schedules.Constant(1), 1, 2),
            "Warmup: first expects",
        ),
    ],
)
def test_numbers_out_of_range(make, message):
    with pytest.raises(GraphError, match=message):
        make()
