"""What all modules have the same is begun early and made once, whatever happens."""

from __future__ import annotations

import os
import shutil
import threading

import pytest

from codegen.build import build
from codegen.cache import Cache
from codegen.errors import CompileError
from codegen.setting import prepare, runtime, setting_of
from codegen.toolchain import Toolchain
from tests.codegen.test_build import doubled, in_process, scaled


@pytest.fixture
def made_by(monkeypatch):
    """The names of the threads that compiled the object of all modules."""
    names = []
    compile = Toolchain.object

    def noted(self, source, *rest):
        if source.name == "runtime.c":
            names.append(threading.current_thread().name)
        return compile(self, source, *rest)

    monkeypatch.setattr(Toolchain, "object", noted)
    return names


def test_it_is_made_once_by_a_thread_of_its_own(made_by, tmp_path):
    setting = setting_of(cache=Cache(tmp_path))
    prepare(setting)
    prepare(setting)
    assert doubled(build([scaled()], cache=setting.cache))
    assert doubled(build([scaled("again")], cache=setting.cache), "again")
    assert len(made_by) == 1
    assert made_by[0].startswith("symgraph-cc")


def test_what_is_not_begun_is_made_where_it_is_needed(made_by, tmp_path):
    assert doubled(build([scaled()], cache=Cache(tmp_path)))
    assert made_by == [threading.current_thread().name]


def test_what_fails_behind_the_scenes_is_tried_in_sight(monkeypatch, tmp_path):
    """A Ctrl-C reaches the compiler too: the next function must not hear of it."""
    setting = setting_of(cache=Cache(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Toolchain, "object", _interrupted)
        prepare(setting)
        with pytest.raises(CompileError, match="interrupted"):
            runtime(setting)
        prepare(setting)
        _wait_for_threads()
    assert runtime(setting).exists()


def test_what_was_made_early_may_be_gone(made_by, tmp_path):
    setting = setting_of(cache=Cache(tmp_path))
    prepare(setting)
    _wait_for_threads()
    shutil.rmtree(tmp_path)
    prepare(setting)
    assert runtime(setting).exists()
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
        from codegen.setting import prepare, runtime, setting_of
        from codegen.toolchain import Toolchain
        parent, compile = os.getpid(), Toolchain.object
        def slowly(self, *given):
            time.sleep(0.5 if os.getpid() == parent else 0)
            compile(self, *given)
        Toolchain.object = slowly
        setting = setting_of(cache=Cache(pathlib.Path(os.environ["FOLDER"])))
        prepare(setting)
        if os.fork() == 0:
            os._exit(0 if runtime(setting).exists() else 1)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        assert runtime(setting).exists()
    """
    done = in_process(code, FOLDER=str(tmp_path))
    assert done.returncode == 0, done.stderr
