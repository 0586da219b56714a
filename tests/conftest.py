"""What all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# NumPy, which is not imported yet, works on one thread: each worker has a processor,
# and threads that wait for small products of references take what others need.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A gate tries the same examples each time; elsewhere every run tries new ones.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")
# A run in the background of a shell inherits that Ctrl-C is ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what is printed now as what is expected from now on",
    )


@pytest.fixture
def golden(request):
    """Compare a text with the file of that name in ``golden/`` beside the test."""
    folder = Path(request.path).parent / "golden"

    def compare(name, text):
        path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{path} differs; see --update-golden"

    return compare
