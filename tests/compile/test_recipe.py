"""A function made again: from disk, without rewriting, the same in every respect."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile import compilation
from symgraph.compile import fingerprint as room
from tests.effort import unoptimized


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A cache that is empty, and source that counts as what runs."""
    unoptimized(monkeypatch)
    monkeypatch.setenv("SYMGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(room, "_STARTED", float("inf"))
    room._source.cache_clear()
    yield
    room._source.cache_clear()


@pytest.fixture
def forbidden(monkeypatch):
    """What makes rewriting an error, and when called again makes it none."""
    kept = compilation.rewrite_graph

    def refuse(*args):
        raise AssertionError("a rewrite")

    def toggle():
        now = compilation.rewrite_graph
        new = refuse if now is kept else kept
        monkeypatch.setattr(compilation, "rewrite_graph", new)

    return toggle


def network(scale=0.5, **options):
    """A function with all there is to keep: sizes, updates, a prologue, constants."""
    x = sg.tensor("x", shape=(None, 5))
    labels = sg.ivector("labels")
    w = sg.shared(np.linspace(-1, 1, 15, dtype="float32").reshape(5, 3), name="w")
    n = sg.shared(np.float32(0), name="n")
    table = sg.constant(np.arange(3, dtype="float32") * scale)
    logits = x @ sg.exp(w) + table
    loss = sg.nn.cross_entropy(logits, labels).mean()
    n_new = n + loss
    fn = sg.function([x, labels], [loss, logits], {n: n_new}, mode="c", **options)
    return fn, n, w


def called(fn, n, w):
    x = np.linspace(0, 1, 20, dtype="float32").reshape(4, 5)
    labels = np.array([0, 2, 1, 1], "int32")
    first = fn(x, labels)
    w.set_value(w.get_value() * 2)
    return [*first, *fn(x[:2], labels[:2]), n.get_value()]


def test_a_function_on_disk_is_not_rewritten_and_computes_the_same(forbidden):
    cold = called(*network())
    forbidden()
    warm = called(*network())
    for mine, theirs in zip(warm, cold, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(AssertionError, match="a rewrite"):
        network(scale=0.25)


def test_what_a_reader_asks_for_is_made_when_asked(forbidden):
    cold = network()[0]
    forbidden()
    warm = network()[0]
    assert warm.c_source == cold.c_source
    assert warm.memory(x=(4, 5), labels=(4,)) == cold.memory(x=(4, 5), labels=(4,))
    forbidden()
    assert str(warm.graph) == str(cold.graph)
    assert [step.rule for step in warm.history] == [step.rule for step in cold.history]
    assert "exp" in str(warm.explain("fold_constants", warm.graph.outputs[0])).lower()


def test_what_is_made_later_has_the_settings_of_then():
    with sg.config.context(winograd=False):
        network()
        warm = network()[0]
    settings = warm._compilation._settings
    assert settings["winograd"] is False and sg.config.winograd is True
    assert warm._compilation.lowered.program.kernels


def test_errors_name_the_line_of_now(forbidden):
    def failing():
        x, i = sg.vector("x"), sg.lscalar("i")
        return sg.function([x, i], x[i] * 2, mode="c")  # the line

    failing()
    forbidden()
    with pytest.raises(IndexError, match="# the line"):
        failing()(np.ones(3, "float32"), 3)


def test_errors_of_sizes_are_those_of_the_first_time(forbidden):
    network()
    forbidden()
    fn = network()[0]
    with pytest.raises(ValueError, match=r"labels|sizes"):
        fn(np.ones((4, 5), "float32"), np.zeros(3, "int32"))


def test_damage_and_loss_are_made_good(tmp_path):
    fn = network()[0]
    expected = called(*network())
    library = fn._native.module.path
    library.with_name("checksum").write_text("wrong")
    with pytest.warns(UserWarning, match="damaged"):
        again = called(*network())
    for mine, theirs in zip(again, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_profile_is_of_programs_that_were_made():
    network()
    fn = network(profile=True)[0]
    fn(np.ones((2, 5), "float32"), np.zeros(2, "int32"))
    assert fn.profile().rows


def test_a_second_thread_gets_the_same_graph():
    network()
    fn = network()[0]
    with ThreadPoolExecutor(4) as pool:
        graphs = set(pool.map(lambda _: fn.graph, range(8)))
    assert len(graphs) == 1
