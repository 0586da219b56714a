"""How the C of a module is cut into files that compile at the same time."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import printer
from codegen.build import build
from codegen.cache import Cache
from codegen.emission import Helper
from codegen.ir import Kernel, Program, Reorder
from codegen.sharing import Function
from codegen.target import AVX512, SSE2, host_target
from tests.codegen.convolution_cases import image

HELPERS = [Helper(f"h{n}", "H", f"{n}") for n in range(3)]


def function(name, length, helpers=()):
    return Function(name, ("x" * length,), tuple(helpers), ())


def turned(dtype):
    """An image from the plain order to blocks and back, in two kernels."""
    lanes, shapes = host_target().lanes(dtype), (2, 7, (5, 7))
    first, second = image("a", dtype, *shapes, 1), image("b", dtype, *shapes, lanes)
    third = image("c", dtype, *shapes, 1)
    steps = Reorder(first, second), Reorder(second, third)
    buffers = tuple(one.buffer for one in (first, second, third))
    return Program("turned", (), buffers, tuple(Kernel(s, "turn") for s in steps))


def files_of(functions, entries=("entry",)):
    return printer._parts(functions, entries)


def test_a_short_module_is_one_file():
    functions = [function("f", 5000), function("g", 5000)]
    assert files_of(functions) == [functions]


def test_files_are_of_like_weight():
    lengths = [9000, 9000, 7000, 5000, 5000, 3000, 3000, 2000, 2000, 1000]
    files = files_of([function(f"f{n}", 5 * k) for n, k in enumerate(lengths)])
    weights = [sum(map(printer._weight, file)) for file in files]
    assert len(files) == printer.MOST_FILES
    assert max(weights) < 1.2 * min(weights)


def test_a_long_entry_has_a_file_almost_to_itself():
    functions = [function(f"f{n}", 10_000) for n in range(9)]
    first, *others = files_of(functions, ["x" * 10_000 * printer.ENTRIES * 3])
    assert not first and sum(map(len, others)) == 9


def test_a_helper_is_defined_once_and_known_where_it_is_called(monkeypatch):
    monkeypatch.setattr(printer, "LARGE", 10)
    functions = [function(f"f{n}", 100 * n, HELPERS) for n in range(8)]
    texts = [printer._file("", file) for file in files_of(functions)]
    for helper in HELPERS:
        assert sum(helper.definition in text.split("\n") for text in texts) == 1
        assert all(helper.macro in text for text in texts if "void f" in text)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_files_call_the_helpers_of_others(dtype, monkeypatch, tmp_path):
    monkeypatch.setattr(printer, "LARGE", 100)
    module = build([turned(dtype)], cache=Cache(tmp_path))
    files = [path.read_text() for path in module.path.parent.glob("*.c")]
    assert sum("SG_TURN(" in text for text in files) == 1
    assert sum("SG_TURN_HEAD(" in text for text in files) > 0
    shapes = [buffer.shape for buffer in turned(dtype).arguments]
    x, y, z = (np.full(shape, np.nan, dtype) for shape in shapes)
    x[...] = np.arange(x.size).reshape(x.shape)
    assert module["turned"].run([x, y, z]) == 0
    np.testing.assert_array_equal(z, x)


@pytest.mark.parametrize("target", [SSE2, AVX512], ids=lambda target: target.name)
def test_the_same_program_is_the_same_c(target):
    texts = {printer.print_programs([turned("float32")], target).files for _ in "ab"}
    assert len(texts) == 1
