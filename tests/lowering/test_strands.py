"""Loops over time in strands: which are cut, which are not; nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from codegen import ir
from codegen.build import build
from codegen.sizes import evaluate, symbol
from codegen.target import host_target, runnable
from symgraph import layers, training
from symgraph.graph import Graph
from symgraph.graph import evaluate as computed
from symgraph.lowering.lower import lower
from symgraph.lowering.strands import ENOUGH, FEWEST_ROWS, MOST_ROWS, _count
from tests.lowering.conftest import run_built

RANDOM = np.random.default_rng(0)
STEPS, FEATURES = 4, 6


def floats(*shape, dtype="float32"):
    return RANDOM.normal(scale=0.5, size=shape).astype(dtype)


def inputs(rows, dtype="float32"):
    """x over time, and a square of weights."""
    x = sg.tensor("x", dtype, (STEPS, rows, FEATURES))
    return x, sg.tensor("w", dtype, (FEATURES, FEATURES))


def loop(fn, rows, dtype="float32", more=()):
    """The graph of a scan over x from half of x[0] on, of steps fn(x, h, w, *more)."""
    x, w = inputs(rows, dtype)
    y, _ = sg.scan(lambda a, b: fn(a, b, w, *more), x, x[0] / 2)
    return Graph([x, w, *more], [y])


def strands_in(graph):
    """The strands of each loop of a graph as it is lowered."""
    program = lower(graph, "loop", host_target()).program
    steps = [kernel.step for kernel in program.kernels]
    return [step.strands for step in steps if isinstance(step, ir.Repeat)]


def recurrent(x, h, w):
    return sg.tanh(x + h @ w)


def over_features(x, h, w):
    """Rows that are put across, normalized, summed, cut and joined again."""
    turned = sg.nn.softmax((x + h @ w).T, axis=0).T
    centred = turned - turned.mean(axis=1, keepdims=True)
    return sg.concatenate([centred[:, :0], *sg.split(centred, [2, 4], axis=1)], axis=1)


def of_scalars(x, h, w):
    """What is made of nothing is as long as the rows."""
    return sg.where(x > 0, sg.zeros((x.shape[0], FEATURES)) + 0.5, h @ w) * 2


KEPT_APART = {"recurrent": recurrent, "of_scalars": of_scalars}


@pytest.mark.parametrize("rows", [16, 32, 96, None])
@pytest.mark.parametrize("name", KEPT_APART)
def test_rows_that_never_meet_are_cut(name, rows):
    (strands,) = strands_in(loop(KEPT_APART[name], rows))
    assert strands is not None
    assert strands.total == (rows or strands.total)


def test_what_may_end_the_call_keeps_rows_together():
    """A place that data decide is checked, by one thread alone."""
    x, w = inputs(64, "float32")
    table, places = sg.vector("table"), sg.lvector("places")
    for read in (table.__getitem__, lambda i: table[sg.argmax(table) + i - i]):
        steps = [x, places]
        y, _ = sg.scan(lambda a, i, b: recurrent(a, b, w) + read(i), steps, x[0])  # noqa: B023
        assert strands_in(Graph([x, places, w, table], [y])) == [None]


def test_a_branch_that_has_no_rows_goes_with_them():
    x, w = inputs(64, "float32")
    numbers = sg.vector("numbers")

    def step(a, number, b):
        return recurrent(a, b, w) + sg.ifelse(number > 0, sg.exp(number), number - 1)

    y, _ = sg.scan(step, [x, numbers], x[0])
    (strands,) = strands_in(Graph([x, numbers, w], [y]))
    assert strands is not None
    random = np.random.default_rng(0)
    arrays = [
        random.normal(size=(STEPS, 64, FEATURES)),
        np.array([1, -1, 2, -2, 0] * 9),
    ]
    arrays = [a.astype("float32")[:STEPS] for a in arrays]
    arrays.append(0.3 * random.normal(size=(FEATURES, FEATURES)).astype("float32"))
    results = [sg.function([x, numbers, w], y, mode=m)(*arrays) for m in ("c", "numpy")]
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)


def test_a_constant_with_rows_goes_with_them():
    mask = sg.tensor("mask", shape=(32, FEATURES))
    graph = loop(lambda x, h, w, m: sg.tanh(x + h @ w) * m, 32, more=(mask,))
    assert strands_in(graph)[0] is not None


@pytest.mark.parametrize(
    "fn",
    [
        lambda x, h, w: x + h @ w - h.mean(axis=0),
        lambda x, h, w: sg.nn.softmax(x + h @ w, axis=0),
        lambda x, h, w: x + h[::-1] @ w,
        lambda x, h, w: x + sg.nn.softmax(h[::-1].T, axis=0).T @ w,
        lambda x, h, w: x + sg.concatenate([h[1:], h[:1]], axis=0) @ w,
        lambda x, h, w: x + (h @ h.T) @ x @ w,
        lambda x, h, w: x + h @ w / sg.cast(h.shape[0], "float32"),
        lambda x, h, w: x + h.reshape((-1,))[: x.size].reshape(x.shape),
        lambda x, h, w: x[0] + h @ w,
    ],
    ids=[
        "mean",
        "softmax",
        "reversed",
        "turned",
        "rolled",
        "gram",
        "count",
        "reshaped",
        "first",
    ],
)
def test_rows_that_meet_are_not_cut(fn):
    assert strands_in(loop(fn, None)) == [None]


@pytest.mark.parametrize("rows", [1, 8, 15, 37])
def test_few_rows_or_a_number_without_parts(rows):
    assert strands_in(loop(recurrent, rows)) == [None]


def test_large_weights_are_read_by_all_threads_together():
    x, h = sg.tensor("x", shape=(3, 32, 512)), sg.tensor("h", shape=(32, 512))
    w = sg.tensor("w", shape=(512, 512))
    y, _ = sg.scan(lambda a, b: sg.tanh(a + b @ w), x, h)
    assert strands_in(Graph([x, h, w], [y])) == [None]


def test_a_state_without_rows_and_one_with_others():
    x, w = inputs(32)
    square = sg.tensor("square", shape=(FEATURES, FEATURES))
    outputs, _ = sg.scan(
        lambda a, b, s: [sg.tanh(a + b @ w), s + b.T @ b], x, [x[0], square]
    )
    assert strands_in(Graph([x, w, square], outputs)) == [None]


def test_every_strand_has_some_rows_and_none_too_many():
    for total in range(1, 1200):
        count = _count(total)
        if count is not None:
            assert total % count == 0 and count % 2 == 0
            assert FEWEST_ROWS <= total // count <= 2 * MOST_ROWS
        few = _symbolic(total)
        assert few == 1 or total // few >= min(FEWEST_ROWS, MOST_ROWS // 2)
        assert -(-total // few) <= MOST_ROWS
    assert _symbolic(ENOUGH * FEWEST_ROWS) == _count(ENOUGH * FEWEST_ROWS) == ENOUGH


def _symbolic(total):
    return evaluate(_count(symbol("n")), {"n": total})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_the_numbers_are_those_of_the_reference(target, dtype):
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    graphs = {
        (name, rows): loop(fn, rows, dtype)
        for name, fn in {"recurrent": recurrent, "features": over_features}.items()
        for rows in (32, None)
    }
    lowered = [
        lower(graph, f"p{place}", target) for place, graph in enumerate(graphs.values())
    ]
    module = build([one for each in lowered for one in each.programs], target)
    for ((_, rows), graph), each in zip(graphs.items(), lowered, strict=True):
        for actual in (rows,) if rows else (0, 1, 15, 16, 31, 33, 100):
            arrays = [
                floats(*(actual if n is None else n for n in v.type.shape), dtype=dtype)
                for v in graph.inputs
            ]
            given = dict(zip(graph.inputs, arrays, strict=True))
            (wanted,) = computed(graph.outputs, given)
            (result,) = run_built(module, each, arrays)
            np.testing.assert_allclose(result, wanted, tolerance, tolerance)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.Recurrent])
@pytest.mark.parametrize("rows", [32, None])
def test_a_training_step_gives_the_same_bits_on_all_threads(kind, rows):
    """Forward and backward, and the gradients of the weights."""
    x, y = floats(33 if rows is None else rows, 5, 3), floats(5, 7)
    found = []
    for threads in (1, 2, 4):
        net = kind(7, return_sequences=True).build((None, 5, 3), seed=1)
        given = sg.tensor("x", shape=(rows, 5, 3))
        loss = ((net(given, training=True) - y) ** 2).mean()
        step = sg.function(
            [given], loss, updates=training.sgd(loss, net.trainable, 0.1)
        )
        assert step.c_source.count("sg_strands(sg_strands_function") == 2
        with sg.config.context(threads=threads):
            losses = [step(x).tobytes() for _ in range(3)]
        found.append((losses, [v.get_value().tobytes() for v in net.trainable]))
    assert found[0] == found[1] == found[2]


def test_a_profile_counts_all_strands():
    """As many operations as the loop has that is not cut."""
    graph = loop(recurrent, 48)
    step = sg.function(graph.inputs, graph.outputs[0], profile=True)
    step(*(floats(*v.type.shape) for v in graph.inputs))
    products = [row for row in step.profile().rows if "MatMul" in row.kernel]
    assert sum(row.flops for row in products) >= 2 * STEPS * 48 * FEATURES * FEATURES
    assert sum(row.flops for row in products) < 3 * STEPS * 48 * FEATURES * FEATURES
