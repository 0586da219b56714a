"""The order of units: memory is let go as soon as the graph allows."""

import numpy as np

import symgraph as sg


def kernels(outputs):
    lowered = sg.compile_pipeline(outputs, stop_after="lower").lowered
    return [kernel.label for kernel in lowered.program.kernels]


def test_a_reduction_runs_as_soon_as_it_can():
    x = sg.tensor("x", shape=(300, 200))
    first = sg.nn.softmax(x)
    last = sg.nn.softmax(first)
    # the graph's own order has both softmaxes first
    labels = kernels([last.sum(), first.max()])
    assert labels.index("Max(axes=(0, 1))") < labels.index("Sum(axes=(0, 1))")
    assert [label.split("(")[0] for label in labels[:2]] == ["Softmax", "Max"]


def test_what_would_take_more_memory_keeps_its_place():
    x = sg.tensor("x", shape=(30, 200))
    small = x.sum(axis=1)
    large = small.dimshuffle(0, "x") * sg.nn.softmax(x)
    labels = kernels([sg.nn.softmax(large), sg.nn.softmax(x @ x.T)])
    assert [label.split("(")[0] for label in labels if "Soft" in label][-1] == "Softmax"
    assert labels.index("MatMul") > labels.index("Sum(axes=(1,))")


def test_gradients_of_weights_do_not_pile_up():
    depth, rows, width = 12, 512, 16
    x, target = sg.tensor("x", shape=(rows, width)), sg.tensor("y", shape=(rows, width))
    weights = [sg.shared(np.eye(width, dtype="float32")) for _ in range(depth)]
    h = x
    for w in weights:
        h = sg.tanh(h @ w)
    cost = sg.square(h - target).sum()
    pairs = zip(weights, sg.grad(cost, weights), strict=True)
    updates = {w: w - 0.1 * g for w, g in pairs}
    memory = sg.function([x, target], cost, updates=updates, mode="c").memory()
    # the values of the forward pass, and a few cotangents beside them
    assert memory.workspace < (depth + 5) * rows * width * 4


def test_updates_of_small_parameters_run_last_and_together():
    x, target = sg.tensor("x", shape=(64, 8)), sg.tensor("y", shape=(64, 8))
    weights = [sg.shared(np.ones((8, 8), "float32")) for _ in range(3)]
    h = x
    for w in weights:
        h = sg.tanh(h @ w)
    cost = sg.square(h - target).mean()
    updates = sg.training.adam(cost, weights)
    labels = kernels([cost, *updates.values()])
    places = [place for place, label in enumerate(labels) if "Sqrt" in label]
    assert len(places) == 3
    last = max(place for place, label in enumerate(labels) if "MatMul" in label)
    assert places == list(range(places[0], places[0] + 3)) and places[0] > last
