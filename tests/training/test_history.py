"""Curves in files and figures."""

from __future__ import annotations

import csv

import pytest

from symgraph.training import History, LearningError
from symgraph.training import history as module


def made():
    history = History()
    history.append({"loss": 2.0, "error": 0.5})
    history.append({"loss": 1.0, "error": 0.25})
    return history


def test_curves():
    history = made()
    assert history.epochs == 2
    assert history["loss"] == [2.0, 1.0]
    assert History().epochs == 0
    with pytest.raises(KeyError, match="no curve 'los'; there are: loss, error"):
        history["los"]


def test_csv(tmp_path):
    made().to_csv(tmp_path / "curves.csv")
    with open(tmp_path / "curves.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["epoch", "loss", "error"],
        ["1", "2.0", "0.5"],
        ["2", "1.0", "0.25"],
    ]


def test_plot(tmp_path):
    made().plot(tmp_path / "curves.png", "loss")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib(tmp_path, monkeypatch):
    def fail(name):
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", fail)
    with pytest.raises(LearningError, match=r"history\.plot needs matplotlib"):
        made().plot(tmp_path / "curves.png")
