"""Batches made in threads while the compiled step runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from symgraph.training.errors import DataError

_END = object()


class Prefetch:
    """A source whose items are made in threads, ahead of their use, in their order."""

    def __init__(
        self,
        source: Callable[[], Iterable[Any]],
        prepare: Callable[[Any], Any] | None = None,
        workers: int = 1,
        depth: int | None = None,
    ) -> None:
        self.source = source
        self.prepare = prepare
        self.workers = workers
        self.depth = depth

    def __call__(self) -> Iterator[Any]:
        """A fresh iterator."""
        items = self.source()
        if self.prepare is None:
            return ahead(items, self.depth or 2)
        return in_order(items, self.prepare, self.workers, self.depth)

    @property
    def epoch(self) -> int:
        """The epoch that comes next, where the source counts them."""
        return self.source.epoch  # type: ignore[attr-defined, no-any-return]

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self.source.epoch = epoch  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self.source)  # type: ignore[arg-type]


def prefetch(
    source: Callable[[], Iterable[Any]],
    prepare: Callable[[Any], Any] | None = None,
    workers: int = 1,
    depth: int | None = None,
) -> Prefetch:
    """``source`` with its items ready before they are asked for.

    ``prepare`` makes a batch from an item, several at a time in ``workers`` threads;
    without it one thread runs the iterator ahead. ``depth`` is how many items may wait
    (by default one more than there are workers). Order and exceptions are kept.
    """
    if not callable(source):
        raise DataError(
            "prefetch: expected a callable that returns a fresh iterator, "
            f"got {type(source).__name__}"
        )
    if workers < 1 or (depth is not None and depth < 1):
        raise DataError(
            f"prefetch: expected workers >= 1 and depth >= 1, got {workers}"
        )
    return Prefetch(source, prepare, workers, depth)


def in_order(
    items: Iterable[Any],
    prepare: Callable[[Any], Any],
    workers: int,
    depth: int | None = None,
) -> Iterator[Any]:
    """prepare(item) for each item, computed in threads, given out in order."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch")
    waiting: deque[Future[Any]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(prepare, item))
            if len(waiting) > (depth or workers + 1):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def ahead(items: Iterable[Any], depth: int) -> Iterator[Any]:
    """The items themselves, up to ``depth`` of them taken ahead by one thread."""
    iterator = iter(items)
    pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
    waiting = deque(pool.submit(next, iterator, _END) for _ in range(depth))
    try:
        while True:
            item = waiting.popleft().result()
            if item is _END:
                return
            waiting.append(pool.submit(next, iterator, _END))
            yield item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
