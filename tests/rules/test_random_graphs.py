"""The whole pipeline on random graphs: what they compute stays the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.graph import Graph
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.rules import DEFAULT
from tests.rules.checking import rewritten, tensor

UNARY = [F.exp, F.tanh, nn.relu, nn.sigmoid, F.abs, lambda x: -x, F.square]
BINARY = [F.add, F.sub, F.mul, F.maximum, lambda x, y: F.where(x > y, x, y)]
SHAPED = [
    lambda x: x.sum(axis=1, keepdims=True) + x,
    lambda x: x.T.T,
    lambda x: x.reshape((-1,)).reshape(x.shape),
    lambda x: F.concatenate([x, x], axis=0)[: x.shape[0]],
    lambda x: x - x.max(axis=1, keepdims=True),
    lambda x: F.log(nn.softmax(x)),
    lambda x: x @ F.constant(np.eye(4, dtype=x.dtype)[:, ::-1].copy()),
    lambda x: (x + F.constant(np.arange(4, dtype=x.dtype))) * 2.0,
    lambda x: 1.0 / (1.0 + F.exp(-x)),
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_graphs_keep_their_values(data):
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    x, y = tensor("x", None, 4, dtype=dtype), tensor("y", None, 4, dtype=dtype)
    pool = [x, y]
    for _ in range(data.draw(st.integers(2, 10))):
        a, b = (data.draw(st.sampled_from(pool)) for _ in "ab")
        kind = data.draw(st.sampled_from(["unary", "binary", "shaped"]))
        if kind == "binary":
            pool.append(data.draw(st.sampled_from(BINARY))(a, b))
        else:
            choice = UNARY if kind == "unary" else SHAPED
            pool.append(F.tanh(data.draw(st.sampled_from(choice))(a)))
    rows = data.draw(st.integers(1, 3))
    draw = np.random.default_rng(data.draw(st.integers(0, 100)))
    values = {v: draw.normal(size=(rows, 4)).astype(dtype) for v in (x, y)}
    result, _ = rewritten(Graph([x, y], pool[-2:]), DEFAULT, values)
    assert result.inputs == (x, y)
