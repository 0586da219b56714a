"""What modules have in common is begun early and made once, whatever happens."""

from __future__ import annotations

import os
import shutil
import threading

import numpy as np
import pytest

from codegen.build import build
from codegen.cache import Cache
from codegen.errors import CompileError
from codegen.gemm.common import dots, row, tiled
from codegen.setting import RUNTIME, made, prepare, setting_of
from codegen.target import AVX2, AVX512, SSE2
from codegen.toolchain import Toolchain
from tests.codegen.gemm_cases import TOLERANCE, Case, operands, program
from tests.codegen.test_build import doubled, in_process, scaled
from tests.codegen.unseen import read


@pytest.fixture
def compiled(monkeypatch):
    """The files of C that became objects, each with the name of its thread."""
    names = {}
    compile = Toolchain.object

    def noted(self, source, *rest):
        names.setdefault(source.name, []).append(threading.current_thread().name)
        return compile(self, source, *rest)

    monkeypatch.setattr(Toolchain, "object", noted)
    return names


@pytest.fixture
def made_by(compiled):
    """The threads that compiled what all modules call."""
    return compiled.setdefault("runtime.c", [])


def test_it_is_made_once_by_a_thread_of_its_own(made_by, tmp_path):
    setting = setting_of(cache=Cache(tmp_path))
    prepare(setting)
    prepare(setting)
    assert doubled(build([scaled()], cache=setting.cache))
    assert doubled(build([scaled("again")], cache=setting.cache), "again")
    assert len(made_by) == 1
    assert made_by[0].startswith("symgraph-cc")


def test_what_was_not_prepared_is_made_beside_the_module(made_by, tmp_path):
    assert doubled(build([scaled()], cache=Cache(tmp_path)))
    assert len(made_by) == 1
    assert made_by[0].startswith("symgraph-cc")


def test_products_of_a_type_are_compiled_once_for_all_modules(compiled, tmp_path):
    cache = Cache(tmp_path)
    for columns in (24, 40, 1):
        case = Case(20, columns, 64)
        module = build([program(case)], cache=cache)
        x, y = operands(case, np.random.default_rng(columns))
        out = np.empty((1, case.m, case.n), "float32")
        module["f"].run([x, y, out])
        np.testing.assert_allclose(out, x @ y, rtol=1e-4, atol=1e-5)
    made = {name: len(by) for name, by in compiled.items() if name.startswith("gemm")}
    assert made == {"gemm_tiled_f32.c": 1, "gemm_dots_1_f32.c": 1}


@pytest.mark.parametrize("target", [AVX2, AVX512, SSE2], ids=lambda target: target.name)
def test_products_are_c_on_every_target(target, tmp_path):
    for dtype in TOLERANCE:
        for common in (tiled(dtype), dots(3, dtype), row(dtype)):
            read(common.text, target, tmp_path)


def test_what_fails_behind_the_scenes_is_tried_in_sight(monkeypatch, tmp_path):
    """A Ctrl-C reaches the compiler too: the next function must not hear of it."""
    setting = setting_of(cache=Cache(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Toolchain, "object", _interrupted)
        prepare(setting)
        with pytest.raises(CompileError, match="interrupted"):
            made(setting, RUNTIME)
        prepare(setting)
        _wait_for_threads()
    assert made(setting, RUNTIME).exists()


def test_what_was_made_early_may_be_gone(made_by, tmp_path):
    setting = setting_of(cache=Cache(tmp_path))
    prepare(setting)
    _wait_for_threads()
    shutil.rmtree(tmp_path)
    prepare(setting)
    assert made(setting, RUNTIME).exists()
    assert len(made_by) == 2


def _interrupted(self, source, *rest):
    raise CompileError("cc", "interrupted", source)


def _wait_for_threads():
    for thread in threading.enumerate():
        if thread.name.startswith("symgraph-cc"):
            thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_waits_for_no_thread_of_its_parent(tmp_path):
    code = """if True:
        import os, pathlib, time
        from codegen.cache import Cache
        from codegen.setting import RUNTIME, made, prepare, setting_of
        from codegen.toolchain import Toolchain
        parent, compile = os.getpid(), Toolchain.object
        def slowly(self, *given):
            time.sleep(0.5 if os.getpid() == parent else 0)
            compile(self, *given)
        Toolchain.object = slowly
        setting = setting_of(cache=Cache(pathlib.Path(os.environ["FOLDER"])))
        prepare(setting)
        if os.fork() == 0:
            os._exit(0 if made(setting, RUNTIME).exists() else 1)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        assert made(setting, RUNTIME).exists()
    """
    done = in_process(code, FOLDER=str(tmp_path))
    assert done.returncode == 0, done.stderr
