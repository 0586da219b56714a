"""What a function says about its time and its memory."""

import sys

import numpy as np
import pytest

import symgraph as sg
from codegen.roofline import Roofline
from symgraph.compile.profile import Row
from symgraph.graph import scope


def affine(**options):
    x = sg.tensor("x", shape=(None, 300))
    w = sg.shared(np.ones((300, 200), "float32"), name="w")
    with scope("dense1"):
        y = x @ w  # the product
    return sg.function([x], sg.tanh(y).sum(), mode="c", name="affine", **options)


def test_a_profile_has_a_row_for_each_kernel_with_line_and_layer():
    fn = affine(profile=True)
    for rows in (10, 10, 20):
        fn(np.ones((rows, 300), "float32"))
    profile = fn.profile()
    assert profile.calls == 3
    assert profile.seconds > 0
    product = max(profile.rows, key=lambda row: row.flops)
    assert product.flops >= 40 * 2 * 300 * 200
    assert product.bytes >= 4 * (3 * 300 * 200 + 40 * 300 + 40 * 200)
    assert product.layer == "dense1"
    assert "# the product" in product.line
    assert "affine: 3 calls" in str(profile)
    assert "test_profile_memory.py" in str(profile)


def test_a_profile_says_what_limits_each_kernel_and_how_near_it_is():
    fn = affine(profile=True)
    fn(np.ones((200, 300), "float32"))
    profile = fn.profile()
    product = max(profile.rows, key=lambda row: row.flops)
    assert product.intensity == product.flops / product.bytes
    assert product.roof(profile.machine) == "compute"
    assert 0 < product.share(profile.machine) < 2
    assert "compute" in str(profile) and "\x1b" not in str(profile)


def test_rows_are_held_against_the_nearer_roof():
    machine = Roofline("avx2", 2, float32=50e9, float64=25e9, bandwidth=10e9)
    busy = Row("gemm", 2.0, 1, 100 * 10**9, 10**9, None)
    assert (busy.roof(machine), busy.share(machine)) == ("compute", 0.5)
    double = Row("gemm", 2.0, 1, 100 * 10**9, 10**9, None, "float64")
    assert double.share(machine) == 1.0
    idle = Row("copy", 2.0, 1, 10**9, 10 * 10**9, None)
    assert (idle.roof(machine), idle.share(machine)) == ("bandwidth", 0.5)
    assert Row("check", 0.0, 1, 0, 0, None).share(machine) == 0.0


def test_a_profile_has_the_stages_of_compilation():
    fn = affine(profile=True)
    fn(np.ones((2, 300), "float32"))
    stages = fn.profile().stages
    assert list(stages) == ["rewrite", "lower", "print", "cc", "load"]
    assert all(stages[name] > 0 for name in ("rewrite", "lower", "print", "load"))
    assert "compiled in ms: rewrite" in str(fn.profile()).replace("\n", " ")


def test_a_profile_is_drawn(tmp_path):
    fn = affine(profile=True)
    fn(np.ones((20, 300), "float32"))
    fn.profile().plot(tmp_path / "roofline.png")
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")


def test_drawing_needs_matplotlib_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    fn = affine(profile=True)
    fn(np.ones((20, 300), "float32"))
    with pytest.raises(ImportError, match=r"pip install 'symgraph\[plot\]'"):
        fn.profile().plot(tmp_path / "roofline.png")


def test_a_profile_needs_to_be_asked_for():
    with pytest.raises(sg.GraphError, match="nothing was timed"):
        affine().profile()


def test_memory_is_known_before_the_first_call():
    memory = affine().memory(x=(10, 300))
    assert memory.inputs == 10 * 300 * 4
    assert memory.outputs == 4
    assert memory.shared == 300 * 200 * 4
    assert memory.peak >= memory.inputs + memory.outputs + memory.shared
    assert affine().memory(x=(1000, 300)).workspace >= memory.workspace
    assert "peak" in str(memory) and "KiB" in str(memory)


def test_memory_says_what_is_held_at_its_peak_and_by_which_line():
    x = sg.tensor("x", shape=(None, 300))
    y = sg.nn.softmax(x)  # the first
    z = sg.nn.softmax(y * y)  # the second
    fn = sg.function([x], (y * z).sum(), mode="c")
    small, memory = fn.memory(x=(7, 300)), fn.memory(x=(70, 300))
    held = memory.at_peak()
    assert sum(one.bytes for one in held) <= memory.workspace
    assert held[0].bytes == 70 * 300 * 4 == 10 * small.at_peak()[0].bytes
    assert all(one.first <= one.last for one in held)
    assert any("# the first" in str(one) for one in held)
    assert "# the first" in str(memory)


def test_memory_counts_updates_beside_the_values():
    w = sg.shared(np.ones(1000, "float32"))
    fn = sg.function([], updates={w: w * 2}, mode="c")
    assert (fn.memory().shared, fn.memory().updates) == (4000, 4000)


def test_memory_needs_the_shapes_that_are_not_known():
    fn = affine()
    with pytest.raises(ValueError, match=r"give it by name, x=\(...\)"):
        fn.memory()
    with pytest.raises(ValueError, match=r"cannot have shape \[3, 7\]"):
        fn.memory(x=(3, 7))
    with pytest.raises(ValueError, match=r"cannot have shape \[-3, 300\]"):
        fn.memory(x=(-3, 300))
    with pytest.raises(ValueError, match="no input is named 'y'; inputs: 'x'"):
        fn.memory(x=(3, 300), y=(3, 300))
