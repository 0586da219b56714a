"""No compiler: the reference runs and says so once. A failing one is an error."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from codegen import setting
from codegen.errors import CompileError, ToolchainError
from symgraph.compile import NativeCodeWarning, backend
from symgraph.compile.backend import _Fallback


def no_compiler():
    raise ToolchainError("no C compiler: pip install 'symgraph[toolchain]'")


def test_without_a_compiler_the_reference_runs_and_says_so_once(monkeypatch):
    monkeypatch.setattr(setting, "find_toolchain", no_compiler)
    monkeypatch.setattr(_Fallback, "warned", False)
    x = sg.vector("x")
    with pytest.warns(NativeCodeWarning, match=r"pip install 'symgraph\[toolchain\]'"):
        fn = sg.function([x], x * 2)
    assert fn([1, 2]).tolist() == [2, 4]
    assert fn.mode.backend == "numpy"
    assert "sg_entry_function" in fn.c_source
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = sg.function([x], x * 3, mode="debug")
    assert np.array_equal(again([1, 2]), [3, 6])


def test_a_compiler_that_fails_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("SYMGRAPH_CACHE", str(tmp_path))

    def failing(*args, **kwargs):
        raise CompileError("cc", "the C compiler failed", Path("module.c"))

    monkeypatch.setattr(backend, "build", failing)
    x = sg.vector("x")
    with pytest.raises(CompileError, match="the C compiler failed"):
        sg.function([x], x * 2)
