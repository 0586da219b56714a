"""From programs to machine code: compilers, failures, the cache at work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codegen import build as building
from codegen import printer, sizes
from codegen.build import build
from codegen.cache import Cache
from codegen.errors import CompileError, ToolchainError
from codegen.ir import (
    Buffer,
    Call,
    Kernel,
    Kind,
    Literal,
    Load,
    Loop,
    Program,
    Role,
    Store,
)
from codegen.target import TARGETS, runnable
from codegen.toolchain import Toolchain, find_toolchain
from tests import sanitizing

n, i = sizes.symbol("n"), sizes.symbol("i")
ROOT = Path(building.__file__).parents[1]


def scaled(name="scaled", factor=2.0, reach=0):
    """y[i] = factor x[i + reach]."""
    x = Buffer("x", "float32", (n,), Role.ARGUMENT)
    y = Buffer("y", "float32", (n,), Role.ARGUMENT)
    factor = Literal(factor, "float32")
    value = Call("mul", (Load(x, i + reach), factor), "float32")
    loop = Loop("i", 0, n, (Store(y, i, value),), Kind.PARALLEL)
    return Program(name, ("n",), (x, y), (Kernel(loop, "scale"),))


def doubled(module, name="scaled"):
    x = np.arange(1000, dtype="float32")
    y = np.zeros(1000, "float32")
    assert module[name].run([x, y], (1000,)) == 0
    return np.array_equal(y, 2 * x)


def in_process(code, **variables):
    """Run ``code`` in a new interpreter that finds this file's functions."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_target_of_this_machine_runs():
    for target in runnable():
        assert doubled(build([scaled()], target))


def test_a_second_process_compiles_nothing(tmp_path):
    code = "from test_build import *; assert doubled(build([scaled()]))"
    first = in_process(code, SYMGRAPH_CACHE=str(tmp_path / "c"))
    assert first.returncode == 0, first.stderr
    frozen = (
        "import subprocess\n"
        "def refuse(*given, **named): raise AssertionError('a process was started')\n"
        "subprocess.run = refuse\n"
    )
    second = in_process(frozen + code, SYMGRAPH_CACHE=str(tmp_path / "c"))
    assert second.returncode == 0, second.stderr


def test_two_processes_at_once_do_no_harm(tmp_path):
    code = "from test_build import *; assert doubled(build([scaled(factor=2)]))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    environment["SYMGRAPH_CACHE"] = str(tmp_path / "c")
    runs = [
        subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in "ab"
    ]
    assert [run.wait() for run in runs] == [0, 0]


def test_a_failing_compiler_shows_its_command_and_words():
    with pytest.raises(CompileError) as caught:
        build([scaled("broken", 3.0)], flags=("-fno-such-flag",))
    message = str(caught.value)
    assert "-fno-such-flag" in caught.value.command and "no-such-flag" in message
    assert caught.value.source.read_text().startswith("#include")


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_CC", "/nowhere/cc")
    with pytest.raises(ToolchainError, match="found no command /nowhere/cc"):
        build([scaled()])


def script(path, text):
    """A program in the shell's language; each has the same size and date."""
    path.write_text(f"#!/bin/sh\n{text:80}\n")
    path.chmod(0o755)
    os.utime(path, (0, 0))
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo no headers here >&2; exit 3", "no headers here"),
        ("kill -9 $$", "status -9"),
        ("exit 0", "made no library"),
    ],
)
def test_a_broken_compiler_is_an_error_that_is_not_remembered(
    tmp_path, monkeypatch, text, message
):
    compiler = script(tmp_path / "cc", text)
    monkeypatch.setenv("SYMGRAPH_CC", str(compiler))
    cache = Cache(tmp_path / "cache")
    with pytest.raises(CompileError, match=message):
        build([scaled()], cache=cache)
    script(compiler, 'exec cc "$@"')
    assert doubled(build([scaled()], cache=cache))


def test_what_is_no_program_cannot_be_started(tmp_path, monkeypatch):
    broken = tmp_path / "cc"
    broken.write_bytes(b"\x7fELF nothing more")
    broken.chmod(0o755)
    monkeypatch.setenv("SYMGRAPH_CC", str(broken))
    with pytest.raises(ToolchainError, match="cannot be started"):
        build([scaled()], cache=Cache(tmp_path / "cache"))


def test_quotes_in_variables_are_closed(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_CFLAGS", "-DX='")
    with pytest.raises(ToolchainError, match="SYMGRAPH_CFLAGS: No closing quotation"):
        build([scaled()])
    monkeypatch.delenv("SYMGRAPH_CFLAGS")
    monkeypatch.setenv("SYMGRAPH_CC", '"cc')
    with pytest.raises(ToolchainError, match="SYMGRAPH_CC: No closing quotation"):
        build([scaled()])
    monkeypatch.setenv("SYMGRAPH_CC", " ")
    assert doubled(build([scaled()]))


@pytest.mark.parametrize(
    ("platform", "flags", "kept"),
    [
        ("linux", (), True),
        ("linux", ("-fopenmp",), False),
        ("darwin", (), False),
    ],
)
def test_only_linkers_of_elf_are_told_to_keep_code(monkeypatch, platform, flags, kept):
    monkeypatch.setattr(sys, "platform", platform)
    end = Toolchain(("cc",), "cc")._link(Path("module.so"), flags)
    assert ("-Wl,-z,nodelete" in end) is kept


def test_no_compiler_at_all_says_what_to_install(monkeypatch):
    monkeypatch.delenv("SYMGRAPH_CC", raising=False)
    monkeypatch.setenv("PATH", "/nowhere/bin")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match="pip install 'symgraph\\[toolchain\\]'"):
        build([scaled()])


def test_without_gcc_the_wheel_compiles(tmp_path):
    pytest.importorskip("ziglang")
    code = (
        "from test_build import *\n"
        "assert find_toolchain().zig\n"
        "for target in runnable():\n"
        "    assert doubled(build([scaled()], target))\n"
    )
    done = in_process(
        code, SYMGRAPH_CACHE=str(tmp_path), PATH="/nowhere", SYMGRAPH_CC=""
    )
    assert done.returncode == 0, done.stderr


def test_unknown_flags_of_a_target_are_left_out(tmp_path):
    odd = type(TARGETS["sse2"])("odd", 16, 16, ("-march=x86-64", "-mno-such-thing"))
    if "-march=x86-64" in TARGETS["sse2"].flags:
        assert "-mno-such-thing" not in find_toolchain().accepted(odd)
        assert doubled(build([scaled()], odd, cache=Cache(tmp_path)))


def test_large_sources_are_compiled_in_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(printer, "LARGE", 100)
    module = build([scaled("a"), scaled("b")], cache=Cache(tmp_path))
    assert doubled(module, "a") and doubled(module, "b")
    assert len(list(module.path.parent.glob("*.c"))) > 1


def test_the_c_that_runs_can_be_read():
    module = build([scaled()])
    assert "y[i] = (x[i] * 2.0f);" in module.c_source


def test_flags_of_the_user_reach_the_compiler(monkeypatch):
    monkeypatch.setenv("SYMGRAPH_CFLAGS", "-fno-such-flag")
    with pytest.raises(CompileError, match="no-such-flag"):
        build([scaled()])


def sanitized(code, tmp_path):
    """Run ``code`` with every kernel built for the address sanitizer."""
    return in_process(code, **sanitizing.environment(tmp_path))


def test_the_sanitizers_see_what_kernels_do(tmp_path):
    good = "from test_build import *; assert doubled(build([scaled()]))"
    assert sanitized(good, tmp_path).returncode == 0
    bad = "from test_build import *; doubled(build([scaled(reach=7)]))"
    done = sanitized(bad, tmp_path)
    assert done.returncode != 0 and "heap-buffer-overflow" in done.stderr


def test_a_toolchain_can_be_given():
    found = find_toolchain()
    given = Toolchain(found.command, found.identity, found.zig)
    assert doubled(build([scaled()], toolchain=given))
