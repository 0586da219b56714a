"""Bars on a terminal, silence elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from symgraph import layers, training
from symgraph.training.progress import bar, report


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


@pytest.mark.parametrize("total", [3, None])
def test_a_bar_on_a_terminal(total):
    screen = console(True)
    with bar("learn", total, console=screen) as advance:
        for number in range(3):
            advance(f"step [{number}]")
    shown = screen.file.getvalue()
    assert "step [2]" in shown
    assert "3/" in shown


@pytest.mark.parametrize(("terminal", "enabled"), [(False, True), (True, False)])
def test_silence(terminal, enabled):
    screen = console(terminal)
    with bar("learn", 3, enabled, screen) as advance:
        advance()
    report("a line", enabled, screen)
    assert screen.file.getvalue() == ""


def test_a_real_terminal_shows_the_bars():
    program = (
        "import numpy as np\n"
        "from symgraph import layers, training\n"
        "net = layers.Sequential([layers.BatchNorm()], input_shape=(None, 2))\n"
        "training.post_learn(net, training.batches(np.ones((9, 2)), 3))\n"
    )
    terminal, end = pty.openpty()
    environment = {**os.environ, "SYMGRAPH_FLAGS": "mode=numpy", "TERM": "xterm"}
    subprocess.run(
        [sys.executable, "-c", program], stderr=end, env=environment, check=True
    )
    os.close(end)
    shown = b""
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as screen:
        while part := screen.read(1024):  # an error is how the end of a terminal looks
            shown += part
    assert b"post_learn: sweep 1 of 1" in shown and b"3/3" in shown


def test_a_report_stays():
    screen = console(True)
    report("epoch 1/2 [bold]", console=screen)
    assert screen.file.getvalue() == "epoch 1/2 [bold]\n"


@pytest.mark.parametrize("forced", ["FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE"])
def test_learning_is_quiet_when_nobody_watches(capfd, monkeypatch, forced):
    monkeypatch.setenv(forced, "1")
    net = layers.Sequential([layers.Dense(2)], input_shape=(None, 3))
    x, y = np.ones((6, 3), np.float32), np.zeros(6, np.int64)
    training.fit(net, data=(x, y), epochs=1, validation=(x, y))
    assert capfd.readouterr() == ("", "")
