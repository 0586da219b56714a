"""Ctrl-C where it does no harm, and what is needed to go on afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C between two batches; ``resume=state`` goes on from there."""

    def __init__(self, message: str, state: Any) -> None:
        super().__init__(message)
        self.state = state


@contextmanager
def shielded() -> Iterator[None]:
    """A Ctrl-C inside is raised at the end of the block; the second one at once.

    Signals reach the main thread alone, so in other threads there is nothing to do.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(
        previous
    ):
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []

    def remember(number: int, frame: FrameType | None) -> None:
        caught.append((number, frame))
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if caught:
            previous(*caught[0])
