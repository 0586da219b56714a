"""Which target a machine gets."""

from __future__ import annotations

import pytest

from codegen import target
from codegen.errors import ToolchainError
from codegen.target import AVX2, AVX512, NEON, SSE2, host_target

LEVEL_3, LEVEL_4 = target._LEVEL_3, target._LEVEL_4


@pytest.mark.parametrize(
    "machine, features, expected",
    [
        ("x86_64", LEVEL_3 | LEVEL_4 | {"sse2"}, AVX512),
        ("x86_64", LEVEL_3 | LEVEL_4 - {"avx512vl"}, AVX2),
        ("x86_64", LEVEL_3 - {"fma"}, SSE2),
        ("x86_64", frozenset(), SSE2),
        ("aarch64", frozenset(), NEON),
        ("arm64", frozenset(), NEON),
    ],
)
def test_the_best_that_the_machine_runs(machine, features, expected):
    assert target._detected(machine, features) is expected


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_TARGET", "sse2")
    assert host_target().name == "sse2"
    monkeypatch.setenv("SYMGRAPH_TARGET", "mmx")
    with pytest.raises(
        ToolchainError, match="expected avx512, avx2, sse2, neon; got mmx"
    ):
        host_target()


def test_a_target_that_the_machine_does_not_run_is_refused(monkeypatch):
    monkeypatch.setattr(target, "_features", lambda: LEVEL_3)
    monkeypatch.setattr(target.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("SYMGRAPH_TARGET", "avx512")
    with pytest.raises(ToolchainError, match="runs avx2, sse2, it does not run avx512"):
        host_target()
    monkeypatch.setattr(target, "_features", frozenset)  # a system that does not tell
    assert host_target().name == "avx512"


@pytest.mark.parametrize(
    "machine, features, expected",
    [
        ("x86_64", LEVEL_3 | LEVEL_4, (AVX512, AVX2, SSE2)),
        ("x86_64", LEVEL_3, (AVX2, SSE2)),
        ("aarch64", frozenset(), (NEON,)),
    ],
)
def test_what_else_the_machine_runs(monkeypatch, machine, features, expected):
    monkeypatch.setattr(target, "_features", lambda: features)
    monkeypatch.setattr(target.platform, "machine", lambda: machine)
    assert target.runnable() == expected


def test_lanes_follow_the_dtype():
    assert AVX512.lanes("float32") == 16 and AVX2.lanes("float64") == 4
