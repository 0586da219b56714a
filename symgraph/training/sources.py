"""Data: callables that return a fresh iterator over batches, made from arrays.

This is the one shape of data that learning and ``fit`` know. A batch is an array or a
tuple of arrays, of which the first is the network's input. A source with a length
tells how many batches an iterator gives; one with an attribute ``epoch`` is told
which epoch comes next, so that it can be asked for the same batches again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.layers.initializers import Draws
from symgraph.training.errors import DataError
from symgraph.training.prefetching import in_order

Batch: TypeAlias = "NDArray[Any] | tuple[NDArray[Any], ...]"
Source: TypeAlias = Callable[[], Iterable[Any]]
Transform: TypeAlias = Callable[..., Any]


class Batches:
    """A fresh iterator over batches of some arrays with each call.

    Batch b of epoch e is the same on every machine and for any number of workers.
    """

    def __init__(
        self,
        arrays: Sequence[NDArray[Any]],
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
        workers: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.arrays = tuple(arrays)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.transform = transform
        self.workers = workers
        self.drop_last = drop_last
        self.epoch = 0

    @property
    def examples(self) -> int:
        """How many examples an epoch has."""
        total = len(self.arrays[0])
        return total - total % self.batch_size if self.drop_last else total

    def __len__(self) -> int:
        return (self.examples + self.batch_size - 1) // self.batch_size

    def __call__(self) -> Iterator[Any]:
        """The batches of the next epoch."""
        epoch, self.epoch = self.epoch, self.epoch + 1
        items = [(epoch, number) for number in range(len(self))]
        order = self._order(epoch)
        if self.workers:
            return in_order(items, lambda item: self._batch(order, *item), self.workers)
        return (self._batch(order, *item) for item in items)

    def _order(self, epoch: int) -> NDArray[Any]:
        total = len(self.arrays[0])
        if not self.shuffle:
            return np.arange(total)
        draws = Draws(self.seed, ("order", str(epoch)))
        return np.argsort(draws.uniform((total,)), kind="stable")

    def _batch(self, order: NDArray[Any], epoch: int, number: int) -> Any:
        start = number * self.batch_size
        rows = order[start : min(start + self.batch_size, self.examples)]
        parts = tuple(array[rows] for array in self.arrays)
        if self.transform is not None:
            key = np.random.SeedSequence([self.seed, epoch, number])
            parts = self.transform(np.random.Generator(np.random.Philox(key)), *parts)
        return parts[0] if isinstance(parts, tuple) and len(parts) == 1 else parts


def batches(
    arrays: ArrayLike | Sequence[ArrayLike],
    batch_size: int = 100,
    shuffle: bool = False,
    seed: int = 0,
    transform: Transform | None = None,
    workers: int = 0,
    drop_last: bool = False,
) -> Batches:
    """A source of batches of one array, or of a tuple of arrays of one length.

    The last batch is smaller where ``batch_size`` does not divide the number of
    examples, unless it is dropped. ``shuffle`` gives each epoch an order of its own.
    ``transform(generator, *arrays)`` makes the batch that is given out from that of
    the arrays, in ``workers`` threads where there are any, ahead of its use; its
    ``generator`` depends on seed, epoch and batch alone.

    >>> [len(b) for b in batches(np.zeros((7, 2)), batch_size=3)()]
    [3, 3, 1]
    """
    parts = arrays if isinstance(arrays, tuple) else (arrays,)
    made = tuple(np.asarray(part) for part in parts)
    if not made or any(array.ndim == 0 for array in made):
        raise DataError("batches: expected arrays of at least one dimension")
    lengths = [len(array) for array in made]
    if len(set(lengths)) > 1:
        raise DataError(f"batches: expected arrays of one length, got {lengths}")
    if batch_size < 1 or workers < 0:
        raise DataError(
            f"batches: expected batch_size >= 1 and workers >= 0, "
            f"got {batch_size} and {workers}"
        )
    return Batches(made, batch_size, shuffle, seed, transform, workers, drop_last)


def length_of(source: Source) -> int | None:
    """How many batches an iterator of ``source`` gives, where the source knows."""
    try:
        return len(source)  # type: ignore[arg-type]
    except TypeError:
        return None


def go_to_epoch(source: Source, epoch: int) -> None:
    """Tell a source that counts epochs which one comes next."""
    if hasattr(source, "epoch"):
        source.epoch = epoch
