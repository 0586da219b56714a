"""The roofline: its figures are those of a machine that exists, and hang together."""

from __future__ import annotations

import pytest

from codegen.ir import Buffer, MultiplyAdds
from codegen.probes import flops
from codegen.roofline import Roofline, roofline
from codegen.target import AVX2, AVX512, SSE2


def test_flops_of_the_probe():
    step = MultiplyAdds(Buffer("out", "float32", (1,)), 10, 1)
    assert flops(step, AVX512) == 2 * 10 * 12 * 16
    assert flops(step, AVX2) == 2 * 10 * 12 * 8
    double = MultiplyAdds(Buffer("out", "float64", (1,)), 10, 1)
    assert flops(double, SSE2) == 2 * 10 * 12 * 2


def test_measured_figures_are_possible():
    measured = roofline()
    assert 1e9 < measured.float64 < measured.float32 < 1e12
    assert 1e8 < measured.bandwidth < 1e13
    assert measured.threads >= 1
    assert roofline() is measured


def test_wider_vectors_are_not_slower():
    narrow, wide = roofline(1, SSE2), roofline(1)
    assert wide.float32 > 0.8 * narrow.float32


def test_the_least_time_is_that_of_the_tighter_bound():
    machine = Roofline("avx512", 2, float32=100e9, float64=50e9, bandwidth=40e9)
    assert machine.peak() == 200e9
    assert machine.peak("float64") == 100e9
    assert machine.seconds(200e9, 1) == pytest.approx(1)
    assert machine.seconds(1, 40e9) == pytest.approx(1)
    assert machine.seconds(200e9, 0, "float64") == pytest.approx(2)
    assert str(machine).startswith("avx512: 100.0 GFLOP/s a core in float32, 50.0")
