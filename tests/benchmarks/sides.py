"""The sides of a comparison, each a process that answers ``peers/protocol.py``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
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
# Kernels for older processors; modules parsed anew each time, if not installed.
HANDICAPS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of everybody who is measured, with ``more``."""
    settings = {**os.environ, **SETTINGS, **more}
    return {name: settings[name] for name in settings if name not in HANDICAPS}


class SideError(Exception):
    """A side that could not do what it was asked, in its own words."""


class Side:
    """A process that was started, and what it can do.

    It is stopped while it is not asked anything: threads that spin as they wait would
    take the processor from the side whose turn it is.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=surroundings(environment or {}),
            )
        about = self.ask("about")
        self.version: str = about["version"]
        self.ways: dict[str, list[str]] = about["ways"]

    def ask(self, what: str, **details: object) -> dict:
        """The answer to a request; raises SideError where there is none."""
        line = self._answer(json.dumps({"ask": what, **details}))
        if not line:
            raise SideError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise SideError(answer["error"].splitlines()[0])
        return answer

    def _answer(self, request: str) -> str:
        """The line that the side gives back; it runs only until it has."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline()
        except BrokenPipeError:
            return ""
        finally:
            self.process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGCONT)
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


def symgraph(
    folder: Path,
    threads: int = THREADS,
    flags: str = "",
    environment: Mapping[str, str] | None = None,
) -> Side:
    """symgraph, by the interpreter that runs this; ``flags`` as SYMGRAPH_FLAGS has."""
    command = [sys.executable, "-m", "tests.benchmarks.symgraph_side"]
    settings = {"SYMGRAPH_FLAGS": ",".join(filter(None, (f"threads={threads}", flags)))}
    settings |= environment or {}
    return Side("symgraph", command, folder / "symgraph.log", settings)


def peer(
    name: str, python: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Side:
    """A peer, by the interpreter of the peers' virtual environment."""
    command = [python, "-m", f"tests.benchmarks.peers.{PEERS[name]}"]
    return Side(name, command, folder / f"{name}.log", environment)
