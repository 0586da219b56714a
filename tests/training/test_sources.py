"""Batches of arrays, and batches made ahead of their use."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from symgraph import training
from symgraph.training import DataError
from symgraph.training.sources import length_of

X = np.arange(14.0).reshape(7, 2)
Y = np.arange(7)


def test_batches_in_order():
    source = training.batches((X, Y), batch_size=3)
    assert len(source) == 3
    parts = list(source())
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), Y)
    assert [len(y) for _, y in parts] == [3, 3, 1]


def test_one_array_gives_arrays():
    (first, *_) = training.batches(X, batch_size=3)()
    assert isinstance(first, np.ndarray)


def test_the_last_batch_may_be_dropped():
    source = training.batches(X, batch_size=3, drop_last=True)
    assert len(source) == 2
    assert [len(x) for x in source()] == [3, 3]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_epoch_has_an_order_of_its_own(workers):
    source = training.batches((X, Y), 3, shuffle=True, seed=5, workers=workers)
    epochs = [np.concatenate([y for _, y in source()]) for _ in range(3)]
    assert all(sorted(order) == list(range(7)) for order in epochs)
    assert not np.array_equal(epochs[0], epochs[1])
    source.epoch = 1
    again = np.concatenate([y for _, y in source()])
    np.testing.assert_array_equal(again, epochs[1])


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_transform_depends_on_seed_epoch_and_batch_alone(workers):
    def crop(generator, x, y):
        return x + generator.integers(100), y

    source = training.batches(
        (X, Y), 3, shuffle=True, seed=5, transform=crop, workers=workers
    )
    found = [x.tolist() for _ in range(2) for x, _ in source()]
    plain = training.batches((X, Y), 3, shuffle=True, seed=5, transform=crop)
    assert found == [x.tolist() for _ in range(2) for x, _ in plain()]
    assert found[:3] != found[3:]


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((X, Y[:5]), {}, r"one length, got \[7, 5\]"),
        ((), {}, "at least one dimension"),
        ((np.float32(3),), {}, "at least one dimension"),
        ((X,), {"batch_size": 0}, "batch_size >= 1"),
        ((X,), {"workers": -1}, "workers >= 0"),
    ],
)
def test_what_batches_refuses(arrays, options, message):
    with pytest.raises(DataError, match=message):
        training.batches(arrays, **options)


def test_prefetch_runs_ahead_in_order():
    main = threading.current_thread()
    threads = []

    def numbers():
        for i in range(20):
            threads.append(threading.current_thread())
            yield i

    assert list(training.prefetch(numbers, depth=3)()) == list(range(20))
    assert main not in threads
    assert len(set(threads)) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_prefetch_prepares_in_threads_and_keeps_the_order(workers):
    def prepare(i):
        time.sleep(0.002 * (i % 3))
        return -i

    fetched = training.prefetch(lambda: range(20), prepare, workers=workers)
    assert list(fetched()) == [-i for i in range(20)]
    assert list(fetched()) == [-i for i in range(20)]


def test_prefetch_does_not_run_ahead_without_bound():
    started = []
    items = training.prefetch(lambda: range(100), started.append, workers=2, depth=3)()
    next(items)
    time.sleep(0.05)
    assert len(started) <= 4
    items.close()


@pytest.mark.parametrize("prepare", [None, lambda i: 1 // (3 - i)])
def test_errors_come_where_they_belong(prepare):
    def numbers():
        for i in range(10):
            if prepare is None:
                _ = 1 // (3 - i)
            yield i

    seen = []
    with pytest.raises(ZeroDivisionError):
        for item in training.prefetch(numbers, prepare)():
            seen.append(item)
    assert len(seen) == 3


def test_an_abandoned_iterator_leaves_no_thread():
    before = threading.active_count()
    items = training.prefetch(lambda: iter(range(100)))()
    next(items)
    items.close()
    assert threading.active_count() == before


def test_prefetch_of_batches_is_a_source_like_them():
    source = training.prefetch(training.batches((X, Y), 3, shuffle=True))
    assert length_of(source) == 3
    first = [y.tolist() for _, y in source()]
    source.epoch = 0
    assert [y.tolist() for _, y in source()] == first
    assert not hasattr(training.prefetch(lambda: iter([])), "epoch")
    assert length_of(training.prefetch(lambda: iter([]))) is None


def test_what_prefetch_refuses():
    with pytest.raises(DataError, match="a callable that returns a fresh iterator"):
        training.prefetch(iter([1, 2]))
    for options in ({"workers": 0}, {"depth": 0}):
        with pytest.raises(DataError, match="expected workers >= 1 and depth >= 1"):
            training.prefetch(lambda: iter([]), **options)
