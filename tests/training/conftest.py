"""Learning is tested on the reference back end, and where it says so on the native."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from symgraph.graph.config import config


@pytest.fixture(autouse=True)
def numpy_mode() -> Iterator[None]:
    with config.context(mode="numpy"):
        yield
