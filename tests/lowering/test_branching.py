"""Branches in native code: kernels under guards, results where they belong."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from codegen.repeats import leaves


def kernels(inputs, outputs):
    """The label of each kernel, and what its guard says of each condition."""
    lowered = sg.compile_pipeline(sg.Graph(inputs, outputs), "lower").lowered
    line = [kernel for program in lowered.programs for kernel in program.kernels]
    return [(kernel.label, [holds for _, holds in kernel.guard]) for kernel in line]


def flag():
    return sg.tensor("flag", "bool", ())


def test_each_branch_is_one_kernel_that_stores_to_the_result():
    c, x = flag(), sg.matrix("x")
    found = kernels([c, x], [sg.ifelse(c, sg.exp(x) + 1, sg.sin(x) * 2)])
    assert sorted(found) == [("Exp+Add", [True]), ("Sin+Mul", [False])]


def test_kernels_of_different_branches_are_not_fused():
    c, x, y = flag(), sg.matrix("x"), sg.matrix("y")
    before = sg.tanh(x)
    outputs = [sg.ifelse(c, before @ y, sg.exp(before)), sg.ifelse(c, before, y)]
    assert sorted(kernels([c, x, y], outputs)) == [
        ("Exp", [False]),
        ("IfElse", [False]),
        ("IfElse", [True]),
        ("MatMul", [True]),
        ("Tanh", []),
    ]


def test_a_product_in_a_branch_keeps_its_epilogue():
    c, x, y = flag(), sg.matrix("x"), sg.matrix("y")
    found = kernels([c, x, y], [sg.ifelse(c, sg.nn.relu(x @ y), x)])
    assert ("MatMul+Relu", [True]) in found


def test_nested_guards_name_the_outer_condition_first():
    c, x = flag(), sg.matrix("x")
    inner = sg.ifelse(x.sum() > 0, sg.exp(x), sg.sin(x))
    found = kernels([c, x], [sg.ifelse(c, inner, x)])
    assert ("Exp", [True, True]) in found
    assert ("Sin", [True, False]) in found
    sums = [guard for label, guard in found if "Sum" in label]
    assert sums
    assert all(guard == [True] for guard in sums)


def test_weights_are_prepared_for_a_branch_as_ever():
    """What comes of shared variables alone, under no condition of a call's own."""
    c, x = flag(), sg.matrix("x")
    w, v = (sg.shared(np.full((3, 5), n, "float32")) for n in (1, 2))
    turned = w + v
    output = sg.ifelse(c, x @ turned, x @ (turned * turned))
    lowered = sg.compile_pipeline(sg.Graph([c, x], [output]), "lower").lowered
    first, *rest = [kernel.label for kernel in lowered.prologue.kernels]
    assert first == "Add" and set(rest) <= {"pack"}  # for the products, where it pays
    fn = sg.function([c, x], output)
    for value, entry in ((True, 3), (False, 9)):
        found = fn(value, np.ones((2, 3), "float32"))
        np.testing.assert_array_equal(found, np.full((2, 5), 3 * entry))


def test_a_branch_of_shared_variables_alone_is_kept_between_calls():
    c, w = sg.shared(np.array(True)), sg.shared(np.ones(3, "float32"))
    x = sg.vector("x")
    fn = sg.function([x], x + sg.ifelse(c, sg.exp(w), sg.sin(w)))
    np.testing.assert_allclose(fn(np.zeros(3, "float32")), np.e * np.ones(3), rtol=1e-6)
    c.set_value(np.array(False))
    np.testing.assert_allclose(
        fn(np.zeros(3, "float32")), np.sin(np.ones(3)), rtol=1e-6
    )


def test_a_copy_made_in_a_branch_is_made_again_outside():
    """A transposed operand is brought in order where it is read; both need it."""
    c, x = flag(), sg.tensor3("x")
    turned = x.transpose((1, 2, 0))
    flat = turned.reshape((-1,))
    outputs = [sg.ifelse(c, sg.exp(flat), 0 * x.reshape((-1,))), flat]
    values = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    expected = values.transpose(1, 2, 0).reshape(-1)
    fn = sg.function([c, x], outputs)
    for value in (False, True):
        chosen, same = fn(value, values)
        np.testing.assert_array_equal(same, expected)
        wanted = np.exp(expected) if value else 0 * expected
        np.testing.assert_allclose(chosen, wanted, rtol=1e-6)


def test_images_in_branches():
    c, x = flag(), sg.tensor("x", shape=(2, 3, 9, 8))
    w = sg.shared(np.random.default_rng(1).normal(size=(20, 3, 3, 3)).astype("float32"))
    image = sg.nn.relu(sg.nn.conv2d(x, w))
    pooled = sg.ifelse(c, sg.nn.max_pool2d(image, 2), image[:, :, :3, :3])
    values = np.random.default_rng(2).normal(size=(2, 3, 9, 8)).astype("float32")
    for mode in ("c", "debug"):
        fn = sg.function([c, x], [pooled, sg.grad(pooled.sum(), w)], mode=mode)
        for value in (True, False):
            expected = [v.eval({c: value, x: values}) for v in (pooled,)]
            np.testing.assert_allclose(fn(value, values)[0], expected[0], atol=1e-5)


def test_a_loop_in_a_branch_has_one_guard():
    c, x = flag(), sg.vector("x")
    total = sg.scan(lambda a, s: sg.tanh(a * s), x, sg.constant(1.0))[0][-1]
    output = sg.ifelse(c, total, x.sum())
    lowered = sg.compile_pipeline(sg.Graph([c, x], [output]), "lower").lowered
    loops = [k for k in lowered.program.kernels if k not in tuple(leaves((k,)))]
    assert any(len(kernel.guard) == 1 for kernel in loops)
    fn = sg.function([c, x], output)
    assert fn(False, [1, 2, 3]) == 6
    assert abs(fn(True, [1, 2, 3]) - total.eval({x: [1, 2, 3]})) < 1e-6


@pytest.mark.parametrize("threads", [1, 2])
def test_a_branch_that_is_not_taken_takes_no_time(threads):
    c, x = flag(), sg.matrix("x")
    y = x
    for _ in range(4):
        y = y @ x
    with sg.config.context(threads=threads):
        fn = sg.function([c, x], sg.ifelse(c, y, x), profile=True)
    values = np.eye(64, dtype="float32")
    np.testing.assert_array_equal(fn(False, values), values)
    rows = {row.kernel: row for row in fn.profile().rows}
    assert rows["MatMul"].seconds == 0
    np.testing.assert_array_equal(fn(True, values), values)
    assert {row.seconds > 0 for row in fn.profile().rows if row.kernel == "MatMul"} == {
        True
    }


def test_memory_is_shared_between_branches():
    """What one branch needs may lie where the other has its own."""
    c, x = flag(), sg.tensor("x", shape=(1000, 500))

    def branch(f):
        return f(f(x) @ f(x).T).sum()

    both = sg.function([c, x], sg.ifelse(c, branch(sg.exp), branch(sg.sin)))
    one = sg.function([x], branch(sg.exp))
    assert both.memory().workspace < 1.1 * one.memory().workspace
