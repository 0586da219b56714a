"""Random graphs of several dtypes: native code, as rewritten, against the reference.

Those that begin with an image are in ``tests/random_graphs``.
"""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symgraph as sg
from tests.random_graphs.number_steps import ARITHMETIC

UNARY = [
    sg.exp,
    sg.tanh,
    sg.sqrt,
    abs,
    sg.square,
    lambda x: -x,
    lambda x: x * 1 + 0,
    lambda x: x.T,
    lambda x: x[::-1],
    lambda x: x[1:, ::2],
    lambda x: x.sum(axis=0, keepdims=True),
    lambda x: x.mean(axis=1),
    lambda x: x.max(axis=-1, keepdims=True),
    lambda x: x.reshape((-1,)),
    lambda x: x.astype("float64"),
    lambda x: (x > 0).astype("int32"),
    lambda x: sg.concatenate([x, x], axis=0),
    lambda x: sg.pad(x, ((0, 1), (2, 0)), 0.5),
    lambda x: x[[1, 0, -1]],
    lambda x: sg.cumsum(x, axis=1),
    lambda x: x.argmax(axis=1).astype("float32"),
    lambda x: sg.set_subtensor(x[:1], 0),
    lambda x: x.std(axis=0),
    lambda x: sg.clip(x, -1, 1),
    sg.nn.softmax,
    sg.nn.sigmoid,
]
BINARY = [
    *ARITHMETIC,
    lambda x, y: sg.switch(x > y, x, y),
    lambda x, y: x @ y,
    lambda x, y: x @ y.T,
]


@st.composite
def graphs(draw):
    """Inputs and outputs: each step applies an op to what is there, where it fits."""
    rows = draw(st.sampled_from([None, 3]))
    leaves = [
        sg.tensor("x", shape=(rows, 5)),
        sg.tensor("y", shape=(rows, 5)),
        sg.tensor("b", shape=(5,)),
        sg.tensor("d", dtype="float64", shape=(7, 5)),
        sg.tensor("i", dtype="int32", shape=(5,)),
    ]
    values = list(leaves)
    for _ in range(draw(st.integers(2, 12))):
        build = draw(st.sampled_from([*UNARY, *BINARY]))
        count = 1 if build in UNARY else 2
        # The newest values are the likeliest, so that graphs grow deep.
        arguments = [
            values[-1 - draw(st.integers(0, len(values) - 1))] for _ in range(count)
        ]
        try:
            values.append(build(*arguments))
        except (ValueError, IndexError, TypeError):
            continue
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    return leaves, [*chosen, values[-1], *gradients(leaves, values[-1])]


def gradients(leaves, value):
    """The gradient of the sum with respect to every float, where there is one."""
    wrt = [leaf for leaf in leaves if leaf.dtype.startswith("float")]
    if not value.dtype.startswith("float"):
        return []
    try:
        return sg.grad(value.sum(), wrt, disconnected_inputs="ignore")
    except sg.GraphError:
        return []


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(graphs(), st.sampled_from([0, 1, 3]), st.integers(0, 1000))
def test_native_code_agrees_with_the_reference(graph, rows, seed):
    leaves, outputs = graph
    random = np.random.default_rng(seed)
    rows = leaves[0].type.shape[0] or rows
    shapes = [(rows, 5), (rows, 5), (5,), (7, 5), (5,)]
    arrays = [
        random.uniform(-2, 2, shape).astype(leaf.dtype)
        for leaf, shape in zip(leaves, shapes, strict=True)
    ]
    options = {"on_unused_input": "ignore"}
    try:
        expected = sg.function(leaves, outputs, mode="numpy", **options)(*arrays)
    except ValueError:  # the maximum of nothing
        return
    results = sg.function(leaves, outputs, mode="c", **options)(*arrays)
    for mine, theirs in zip(results, expected, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1)
        assert np.allclose(mine, theirs, 1e-3, 1e-5 * scale, equal_nan=True)
