"""The sides of a comparison, each a process that answers ``peers/protocol.py``."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.peers.protocol import THREADS

ROOT = Path(__file__).resolve().parents[2]
PEERS = {
    "numpy": "numpy_blas",
    "onnxruntime": "onnx_runtime",
    "openvino": "openvino_cpu",
    "torch": "pytorch",
    "tensorflow": "tensorflow_cpu",
    "jax": "jax_cpu",
    "pytensor": "pytensor_numba",
}
SETTINGS = {
    "OMP_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "NUMBA_NUM_THREADS": str(THREADS),
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
HANDICAPS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # kernels for older processors


class SideError(Exception):
    """A side that could not do what it was asked, in its own words."""


class Side:
    """A process that was started, and what it can do."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._log = log
        settings = {**os.environ, **SETTINGS, **(environment or {})}
        for handicap in HANDICAPS:
            settings.pop(handicap, None)
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=settings,
            )
        about = self.ask("about")
        self.version: str = about["version"]
        self.ways: dict[str, list[str]] = about["ways"]

    def ask(self, what: str, **details: object) -> dict:
        """The answer to a request; raises SideError where there is none."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"ask": what, **details}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise SideError(self._last_words()) from None
        line = self.process.stdout.readline()
        if not line:
            raise SideError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise SideError(answer["error"].splitlines()[0])
        return answer

    def cpu_seconds(self) -> float:
        """The processor time that the process has had so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[-1]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it may have ended by itself
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text().splitlines() if line.strip()]
        return f"it ended: {lines[-1] if lines else 'without a word'}"


def symgraph(folder: Path, environment: Mapping[str, str] | None = None) -> Side:
    """symgraph, by the interpreter that runs this."""
    command = [sys.executable, "-m", "tests.benchmarks.symgraph_side"]
    return Side("symgraph", command, folder / "symgraph.log", environment)


def peer(
    name: str, python: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Side:
    """A peer, by the interpreter of the peers' virtual environment."""
    command = [python, "-m", f"tests.benchmarks.peers.{PEERS[name]}"]
    return Side(name, command, folder / f"{name}.log", environment)


def busy_when_idle(sides: Sequence[Side], seconds: float = 0.3) -> dict[str, float]:
    """The share of a core that each side takes while nobody asks it anything."""
    time.sleep(0.05)
    before = [side.cpu_seconds() for side in sides]
    time.sleep(seconds)
    return {
        side.name: (side.cpu_seconds() - then) / seconds
        for side, then in zip(sides, before, strict=True)
    }
