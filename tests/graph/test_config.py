"""Settings: checked, local to a thread inside a context, read from a string."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread

import pytest

from symgraph.graph import ConfigError, config
from symgraph.graph.config import Config, Settings, parse_flags


def test_defaults():
    fresh = Config(Settings())
    assert (fresh.floatX, fresh.mode, fresh.deterministic) == ("float32", "c", True)
    assert "floatX='float32'" in repr(fresh)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floatX", "float16"),
        ("mode", "fast"),
        ("threads", -1),
        ("threads", 2.0),
        ("threads", True),
        ("deterministic", 1),
    ],
)
def test_bad_values_are_refused(name, value):
    fresh = Config(Settings())
    with pytest.raises(ConfigError, match=f"config: {name} expects .*got {value!r}"):
        setattr(fresh, name, value)
    with pytest.raises(ConfigError), fresh.context(**{name: value}):
        pass
    assert getattr(fresh, name) == getattr(Settings, name)


def test_unknown_settings_are_refused():
    fresh = Config(Settings())
    with pytest.raises(ConfigError, match="no setting 'floatx'; it has floatX"):
        fresh.floatx = "float64"
    with pytest.raises(AttributeError, match="no setting 'speed'"):
        _ = fresh.speed
    assert not hasattr(fresh, "speed")


def test_a_context_nests_and_ends():
    fresh = Config(Settings())
    with fresh.context(floatX="float64", threads=2):
        with fresh.context(threads=3):
            assert (fresh.floatX, fresh.threads) == ("float64", 3)
        assert fresh.threads == 2
    assert (fresh.floatX, fresh.threads) == ("float32", 0)


def test_a_context_ends_when_an_error_leaves_it():
    with pytest.raises(KeyError), config.context(floatX="float64"):
        raise KeyError
    assert config.floatX == "float32"


def test_a_context_is_of_its_thread():
    fresh, seen = Config(Settings()), []
    with fresh.context(threads=5):
        thread = Thread(target=lambda: seen.append(fresh.threads))
        thread.start()
        thread.join()
    assert seen == [0]


def test_what_a_context_holds_cannot_be_assigned():
    fresh = Config(Settings())
    with fresh.context(threads=5):
        fresh.floatX = "float64"
        with pytest.raises(ConfigError, match="threads is held by an enclosing"):
            fresh.threads = 2
    assert (fresh.floatX, fresh.threads) == ("float64", 0)


def test_flags():
    found = parse_flags(" floatX=float64, threads=2 ,winograd=false,deterministic=1")
    assert found == Settings("float64", "c", 2, True, False)
    assert parse_flags("") == Settings()
    for bad in ("floatx=float64", "threads=many", "mode", "winograd=maybe"):
        with pytest.raises(ConfigError):
            parse_flags(bad)


def test_the_environment_sets_the_program_up():
    code = "import symgraph as sg; print(sg.scalar().dtype)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"SYMGRAPH_FLAGS": "floatX=float64", "PATH": ""},
    )
    assert done.stdout.strip() == "float64"
