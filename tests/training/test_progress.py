"""Bars on a terminal, silence elsewhere."""

from __future__ import annotations

import io

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


def test_a_report_stays():
    screen = console(True)
    report("epoch 1/2 [bold]", console=screen)
    assert screen.file.getvalue() == "epoch 1/2 [bold]\n"


def test_learning_is_quiet_when_nobody_watches(capfd):
    net = layers.Sequential([layers.Dense(2)], input_shape=(None, 3))
    x, y = np.ones((6, 3), np.float32), np.zeros(6, np.int64)
    training.fit(net, data=(x, y), epochs=1, validation=(x, y))
    assert capfd.readouterr() == ("", "")
