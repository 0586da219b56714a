"""Softmax and cross-entropy: rows alone and side by side, losses with gradients."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from codegen.build import build
from codegen.inplace import in_place
from codegen.target import runnable
from codegen.traverse import buffers
from symgraph.graph import Graph, evaluate
from symgraph.lowering.lower import lower
from symgraph.ops import tensor, transpose
from tests.effort import effort
from tests.lowering.conftest import run_built
from tests.lowering.graphs import labels, random

TOLERANCE = {"float32": 3e-6, "float64": 1e-14}
SHAPES = [  # and the axis: rows alone, in blocks full and not, side by side in memory
    ((60, 10), 1),
    ((33, 1), 1),
    ((1, 10), 1),
    ((70, 2), 1),
    ((3, 5, 7), 2),
    ((2, 5, 131), 1),
    ((41, 5, 3), 1),
    ((40, 37), 0),
    ((5, 1003), 1),
    ((3, 200, 17), 1),
    ((2, 3000, 64), 1),
    ((0, 10), 1),
    ((7, 0), 1),
]
SPECIAL = (np.nan, np.inf, -np.inf, 1e30, -1e30, 88.0)


def normalized(shape, axis, dtype):
    """Both softmaxes of one shape, and numbers of which some are not ordinary."""
    x = tensor("x", dtype=dtype, shape=shape)
    array = random(*shape, dtype=dtype) * 3
    whole = array.reshape(-1)
    whole[: len(SPECIAL)] = SPECIAL[: whole.size]
    if array.size > 100:
        array[-1] = -np.inf
    return [x], [sg.nn.softmax(x, axis), sg.nn.log_softmax(x, axis)], [array]


def classified(rows, classes, dtype, static=True):
    """Losses and their gradients by random weights."""
    x = tensor("x", dtype=dtype, shape=(rows if static else None, classes))
    y, weights = sg.ivector("y"), tensor("weights", dtype=dtype, shape=(None,))
    losses = sg.nn.cross_entropy(x, y)
    gradient = sg.grad((losses * weights).sum(), x)
    found = np.arange(rows, dtype="int32") * 7 % classes
    arrays = [random(rows, classes, dtype=dtype) * 3, found, random(rows, dtype=dtype)]
    return [x, y, weights], [losses, gradient], arrays


def agree(got, want):
    tolerance = TOLERANCE[want.dtype.name]
    np.testing.assert_allclose(got, want, 10 * tolerance, tolerance)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_all_shapes(target, dtype):
    cases = [normalized(shape, axis, dtype) for shape, axis in SHAPES]
    sizes = [(60, 10), (70, 1), (1, 10), (9, 3), (5, 1003), (0, 10), (131, 40)]
    cases += [classified(*size, dtype, static) for size in sizes for static in (1, 0)]
    made = [
        lower(Graph(inputs, outputs), f"p{place}", target)
        for place, (inputs, outputs, _) in enumerate(cases)
    ]
    programs = [p for each in made for p in each.programs]
    module = build(programs, target, flags=effort(target, dtype))
    for (inputs, outputs, arrays), each in zip(cases, made, strict=True):
        wanted = evaluate(outputs, dict(zip(inputs, arrays, strict=True)))
        for got, want in zip(run_built(module, each, arrays), wanted, strict=True):
            agree(got, want)


@pytest.mark.parametrize("turned", [(1, 0), (0, 1)])
def test_rows_that_are_columns_in_memory(check, turned):
    x = tensor("x", shape=(35, 45))
    view = transpose(x, turned)
    check([x], [sg.nn.softmax(view, 0), sg.nn.softmax(view, 1)], [random(35, 45)])


@pytest.mark.parametrize("classes", [10, 300])
def test_neither_threads_nor_neighbours_change_a_row(classes):
    inputs, outputs, arrays = classified(301, classes, "float32", static=False)
    outputs = [*outputs, sg.nn.softmax(inputs[0]), sg.nn.log_softmax(inputs[0])]

    def results(threads, part):
        with sg.config.context(threads=threads):
            return sg.function(inputs, outputs)(*(array[part] for array in arrays))

    whole = results(1, slice(None))
    for threads in (2, 4):
        for one, other in zip(whole, results(threads, slice(None)), strict=True):
            np.testing.assert_array_equal(one, other)
    for part in (slice(5, 290), slice(300, None), slice(None, None, -1)):
        for one, other in zip(whole, results(1, part), strict=True):
            np.testing.assert_array_equal(one[part], other)


# --- one unit -------------------------------------------------------------------------


def test_a_loss_and_its_gradient_are_one_sweep(check):
    inputs, outputs, arrays = classified(60, 10, "float32")
    both = "CrossEntropy+CrossEntropyGrad"
    assert labels(check(inputs, outputs, arrays).program)[-2:] == ["labels", both]


def test_a_gradient_by_the_loss_itself_is_not(check):
    x, y = tensor("x", shape=(None, 10)), sg.ivector("y")
    losses = sg.nn.cross_entropy(x, y)
    gradient = sg.grad((losses**2).sum(), x)
    arrays = [random(60, 10), np.arange(60, dtype="int32") % 10]
    found = labels(check([x, y], [losses, gradient], arrays).program)
    assert found.count("labels") == 2 and "CrossEntropyGrad" in found


def test_other_labels_are_another_sweep(check):
    x, y, z = tensor("x", shape=(None, 10)), sg.ivector("y"), sg.ivector("z")
    gradient = sg.grad(sg.nn.cross_entropy(x, y).sum(), x)
    numbers = np.arange(60, dtype="int32")
    arrays = [random(60, 10), numbers % 10, numbers % 7]
    outputs = [sg.nn.cross_entropy(x, z), gradient]
    assert "CrossEntropy" in labels(check([x, y, z], outputs, arrays).program)


@pytest.mark.parametrize("classes", [10, 300])
def test_results_take_the_memory_of_what_they_are_made_of(lowered, classes):
    x, y = tensor("x", shape=(200, classes)), sg.ivector("y")
    soft = sg.nn.softmax(sg.tanh(x))
    losses = sg.nn.cross_entropy(soft, y)
    gradient = sg.grad(losses.sum(), soft)
    program = in_place(lowered([x, y], [losses, sg.tanh(gradient).sum()]).program)
    used = {b for kernel in program.kernels for b in buffers(kernel.step)}
    roles = [b.role for b in used if b.shape == (200, classes)]
    assert sorted(role.value for role in roles) == ["argument", "temporary"]


# --- labels ---------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [10, 300])
@pytest.mark.parametrize("wanted", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("label", [-1, 300, 2**40, -(2**62)])
def test_a_wrong_label_names_its_example(classes, wanted, label):
    x, y = tensor("x", shape=(None, classes)), sg.lvector("y")
    losses = sg.nn.cross_entropy(x, y)
    outputs = [losses, sg.grad(losses.sum(), x)]
    chosen = [outputs[place] for place in wanted]
    found = np.zeros(67, "int64")
    found[65] = label
    message = f"label {label} of example 65 is out of range for {classes} classes"
    function = sg.function([x, y], chosen)
    with pytest.raises(IndexError, match=message):
        function(random(67, classes), found)
    function(random(67, classes), 0 * found)
