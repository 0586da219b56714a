"""Right operands of products that stay what they are: packed once, not each time."""

from __future__ import annotations

import numpy as np

import symgraph as sg
from codegen import ir
from codegen.target import host_target
from symgraph.graph import Graph
from symgraph.lowering.lower import lower

RANDOM = np.random.default_rng(0)
WIDE = 96


def floats(*shape):
    return RANDOM.normal(scale=0.1, size=shape).astype("float32")


def steps(program):
    """The steps of a program, and for a loop those of its body."""
    return [
        [inner.step for inner in kernel.step.body]
        if isinstance(kernel.step, ir.Repeat)
        else kernel.step
        for kernel in program.kernels
    ]


def packings(line):
    return [one for one in line if isinstance(one, ir.PackRight)]


def products(line):
    return [one for one in line if isinstance(one, ir.Gemm)]


def loop():
    """x and w, and a loop of x over h w'."""
    x = sg.tensor("x", "float32", (5, 40, WIDE))
    w = sg.tensor("w", "float32", (WIDE, WIDE))
    y, _ = sg.scan(lambda a, h: sg.tanh(a + h @ w.T), x, x[0])
    return x, w, y


def test_a_loop_packs_its_weights_before_it_begins(check):
    x, w, y = loop()
    given = [floats(*v.type.shape) for v in (x, w)]
    line = steps(check([x, w], [y], given).program)
    (body,) = (one for one in line if isinstance(one, list))
    assert len(packings(line)) == 1 and not packings(body)
    (product,) = products(body)
    assert product.packed and product.b == packings(line)[0].packed


def test_what_a_loop_changes_is_packed_where_it_is_used():
    x = sg.tensor("x", "float32", (5, WIDE, WIDE))
    y, _ = sg.scan(lambda a, h: sg.tanh(a @ h), x, x[0])
    line = steps(lower(Graph([x], [y]), "loop", host_target()).program)
    (body,) = (one for one in line if isinstance(one, list))
    assert not packings(line) and not packings(body)
    assert not any(product.packed for product in products(body))


def test_weights_that_no_call_changes_are_packed_in_the_prologue():
    x = sg.tensor("x", "float32", (40, WIDE))
    w = sg.shared(floats(WIDE, WIDE), name="w")
    lowered = lower(Graph([x], [x @ w.T]), "dense", host_target())
    assert len(packings(steps(lowered.prologue))) == 1
    (product,) = products(steps(lowered.program))
    assert product.packed
    dense = sg.function([x], x @ w.T)
    value = floats(40, WIDE)
    for _ in range(2):
        expected = value @ w.get_value().T
        np.testing.assert_allclose(dense(value), expected, rtol=0, atol=1e-5)
        w.set_value(floats(WIDE, WIDE))


def test_weights_of_a_loop_that_no_call_changes_are_packed_in_the_prologue():
    x = sg.tensor("x", "float32", (5, 40, WIDE))
    w = sg.shared(floats(WIDE, WIDE), name="w")
    y, _ = sg.scan(lambda a, h: sg.tanh(a + h @ w.T), x, x[0])
    lowered = lower(Graph([x], [y]), "loop", host_target())
    assert len(packings(steps(lowered.prologue))) == 1
    assert not packings(steps(lowered.program))
    value = floats(5, 40, WIDE)
    loop = sg.function([x], y)
    reference = sg.function([x], y, mode="numpy")
    for _ in range(2):
        np.testing.assert_allclose(loop(value), reference(value), rtol=0, atol=1e-5)
        w.set_value(floats(WIDE, WIDE))


def test_a_loop_of_constants_alone_packs_in_the_prologue_before_it_begins():
    x = sg.shared(floats(5, 40, WIDE), name="x")
    w = sg.shared(floats(WIDE, WIDE), name="w")
    y, _ = sg.scan(lambda a, h: sg.tanh(a + h @ w.T), x, x[0])
    line = steps(lower(Graph([], [y]), "loop", host_target()).prologue)
    (body,) = (one for one in line if isinstance(one, list))
    assert len(packings(line)) == 1 and not packings(body)


def test_a_loop_in_a_loop_packs_once_a_turn_of_the_outer_one(check):
    x = sg.tensor("x", "float32", (3, WIDE, WIDE))
    z = sg.tensor("z", "float32", (40, WIDE))

    def outer(weights, h):
        inner, _ = sg.scan(lambda g: sg.tanh(g @ weights.T), None, h, n_steps=4)
        return inner[-1]

    y, _ = sg.scan(outer, x, z)
    line = steps(check([x, z], [y], [floats(*v.type.shape) for v in (x, z)]).program)
    (body,) = (one for one in line if isinstance(one, list))
    assert len(packings(body)) == 1


def test_columns_that_are_few_at_the_call_only(check):
    x = sg.tensor("x", "float32", (None, WIDE))
    w = sg.tensor("w", "float32", (40, WIDE))
    given = [floats(2, WIDE), floats(40, WIDE)]
    check([x, w], [w @ x[:3].T], given)
