"""One function called from several threads at once, with and without updates."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgraph as sg

CALLS, WORKERS = 200, 4


@pytest.fixture(params=["numpy", "c"])
def mode(request):
    return request.param


def in_threads(work):
    with ThreadPoolExecutor(WORKERS) as pool:
        return [
            future.result() for future in [pool.submit(work) for _ in range(WORKERS)]
        ]


def test_calls_do_not_share_their_workspace(mode):
    x = sg.matrix("x")
    fn = sg.function([x], sg.tanh(x @ x.T).sum(axis=1), mode=mode)
    random = np.random.default_rng(0)
    values = [random.normal(size=(n, 5)).astype("float32") for n in (2, 3, 7, 30)]
    expected = [np.tanh(v @ v.T).sum(axis=1) for v in values]

    def work():
        for k in range(CALLS):
            result = fn(values[k % 4])
            assert np.allclose(result, expected[k % 4], rtol=1e-4, atol=1e-5)

    in_threads(work)


def test_no_update_is_lost(mode):
    n, w = sg.shared(0), sg.shared(np.zeros(3, "float32"))
    x = sg.vector("x")
    fn = sg.function([x], updates={n: n + 1, w: w + x}, mode=mode)

    def work():
        for _ in range(CALLS):
            fn([1, 2, 3])

    in_threads(work)
    total = CALLS * WORKERS
    assert n.get_value() == total
    assert w.get_value().tolist() == [total, 2 * total, 3 * total]


def test_two_functions_that_update_the_same_variable_lose_nothing(mode):
    n = sg.shared(0)
    one = sg.function([], updates={n: n + 1}, mode=mode)
    hundred = sg.function([], updates={n: n + 1000}, mode=mode)

    def work():
        for _ in range(CALLS):
            one()
            hundred()

    in_threads(work)
    assert n.get_value() == CALLS * WORKERS * 1001


def test_readers_see_updates_together(mode):
    a, b = sg.shared(np.zeros(50)), sg.shared(np.zeros(50))
    swap = sg.function([], updates={a: a + 1, b: b - 1}, mode=mode)
    total = sg.function([], abs(a + b).max(), mode=mode)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            swap()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(total() == 0 for _ in range(CALLS))
    finally:
        stop.set()
        writer.join()


def test_what_is_kept_between_calls_follows_the_shared_variable(mode):
    x, w = sg.vector("x"), sg.shared(np.ones(3, "float32"))
    fn = sg.function([x], x * sg.exp(w), mode=mode)
    stop = threading.Event()

    def change():
        k = 0
        while not stop.is_set():
            k += 1
            w.set_value(np.full(3, k % 5, "float32"))

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(CALLS):
            result = fn([1, 1, 1])
            assert result[0] == result[1] == result[2]
    finally:
        stop.set()
        writer.join()
    w.set_value(np.zeros(3, "float32"))
    assert fn([1, 1, 1]).tolist() == [1, 1, 1]


def long_sums(threads):
    """Sums of products, filter gradients and reductions, made for some threads."""
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 40_000)).astype("float32")
    images = random.normal(size=(9, 3, 21, 21)).astype("float32")
    w = sg.shared(random.normal(size=(4, 3, 3, 3)).astype("float32"), "w")
    left, photographs = sg.matrix("x"), sg.tensor("photographs", shape=images.shape)
    cost = (sg.nn.conv2d(photographs, w) ** 2).mean()
    outputs = [left @ left.T, sg.grad(cost, w), left.sum(), photographs.sum(axis=0)]
    with sg.config.context(threads=threads):
        return sg.function([left, photographs], outputs)(x, images)


def test_results_do_not_depend_on_the_number_of_threads():
    one, two, four = (long_sums(threads) for threads in (1, 2, 4))
    for same in (two, four):
        assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))


def test_without_determinism_sums_are_cut_for_the_threads_there_are():
    with sg.config.context(deterministic=False):
        one, four = long_sums(1), long_sums(4)
    pairs = list(zip(one, four, long_sums(2), strict=True))
    assert all(np.allclose(a, c, 1e-3, 1e-3) for a, _, c in pairs)
    assert all(np.allclose(b, c, 1e-3, 1e-3) for _, b, c in pairs)
    assert not all(np.array_equal(a, b) for a, b, _ in pairs)
