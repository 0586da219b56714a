"""Sizes that are known at the call only: a wrong one is an error at the user's line."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile import ArgumentError


def ones(*shape):
    return np.ones(shape, "float32")


def matrices():
    return sg.matrix("x"), sg.matrix("y")


def sums():
    x, y = matrices()
    return [x, y], x + y, [ones(2, 3), ones(2, 5)]


def products():
    x, y = matrices()
    return [x, y], x @ y, [ones(2, 3), ones(5, 2)]


def joins():
    x, y = matrices()
    return [x, y], sg.concatenate([x, y]), [ones(2, 3), ones(2, 5)]


def reshapes():
    x, y = matrices()
    return [x, y], x.reshape((-1, 4)) + y[0, 0], [ones(2, 3), ones(1, 1)]


def biases():
    x, b = sg.matrix("x"), sg.vector("b")
    return [x, b], sg.nn.dense(x, ones(3, 5), b), [ones(2, 3), ones(7)]


def images():
    x = sg.tensor("x", shape=(None, 3, None, None))
    return [x], sg.nn.conv2d(x, ones(2, 3, 5, 5)), [ones(1, 3, 7, 4)]


def extremes():
    x, y = matrices()
    return [x, y], x.max(axis=1) + y.sum(axis=1), [ones(2, 0), ones(2, 3)]


def counts():
    n = sg.lscalar("n")
    return [n], sg.zeros((n, 2)), [-3]


def indices():
    x, i, j = sg.matrix("x"), sg.lvector("i"), sg.lvector("j")
    return [x, i, j], x[i, j], [ones(5, 3), [0, 1], [1, 2, 0]]


def repeats():
    x, n = sg.vector("x"), sg.lscalar("n")
    return [x, n], sg.broadcast_to(x, (2, n)), [ones(1), 5]


def rows():
    x, y = sg.vector("x"), sg.matrix("y")
    return [x, y], x + y, [ones(1), ones(2, 3)]


def known():
    x = sg.vector("x")
    return [x], sg.broadcast_to(x, (2, 3)), [ones(1)]


CASES = [
    sums,
    repeats,
    rows,
    known,
    indices,
    products,
    joins,
    reshapes,
    biases,
    images,
    extremes,
    counts,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_sizes_that_do_not_fit(case, mode):
    inputs, output, arrays = case()
    fn = sg.function(inputs, output, mode=mode, name="f")
    with pytest.raises(ValueError) as caught:
        fn(*arrays)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "test_agreement.py" in text
    assert "return [" in text


def test_the_error_is_that_of_a_graph_of_known_sizes(mode):
    inputs, output, arrays = images()
    fn = sg.function(inputs, output, mode=mode, name="f")
    with pytest.raises(ArgumentError, match="f: conv2d: a window spans 5 in width"):
        fn(*arrays)
    assert fn(ones(2, 3, 5, 7)).shape == (2, 2, 1, 3)


@pytest.mark.parametrize("case", [repeats, known])
def test_what_turns_out_to_be_1_does_not_broadcast(case, mode):
    inputs, output, arrays = case()
    fn = sg.function(inputs, output, mode=mode, name="f")
    message = r"f: broadcast_to: dimension 0 of float32\[\?\] is 1, expected [35]; only"
    with pytest.raises(ArgumentError, match=message):
        fn(*arrays)


def test_a_wrong_call_spoils_no_later_one(mode):
    inputs, output, arrays = sums()
    fn = sg.function(inputs, output, mode=mode)
    for _ in range(2):
        with pytest.raises(ValueError):
            fn(*arrays)
        assert np.array_equal(fn(ones(2, 3), ones(2, 3)), 2 * ones(2, 3))


def test_minibatches_by_index(mode):
    data = sg.shared(np.arange(70, dtype="float32").reshape(10, 7))
    index, x = sg.lscalar("index"), sg.matrix("x")
    batch = data[index * 3 : (index + 1) * 3]
    fn = sg.function([index], x.sum(axis=1), givens={x: batch}, mode=mode)
    expected = data.get_value().sum(axis=1)
    for k in range(4):
        assert np.array_equal(fn(k), expected[3 * k : 3 * k + 3])


def test_a_slice_of_nothing(mode):
    x = sg.tensor3("x")
    outputs = [x[0:0, :, 4::-1], sg.set_subtensor(x[:, 2:2], 7)]
    nothing, same = sg.function([x], outputs, mode=mode)(ones(5, 3, 7))
    assert nothing.shape == (0, 3, 5)
    assert np.array_equal(same, ones(5, 3, 7))


def test_sizes_that_are_divided(mode):
    n, k = sg.lscalar("n"), sg.lscalar("k")
    fn = sg.function(
        [n, k], [sg.zeros((abs(n // k),)), sg.zeros((n % k + 3,))], mode=mode
    )
    for top, bottom in ((7, 2), (-7, 2), (7, -2), (-7, -2), (6, -3), (7, 0)):
        quotient, rest = fn(top, bottom)
        assert quotient.shape == (abs(top // bottom) if bottom else 0,)
        assert rest.shape == ((top % bottom if bottom else 0) + 3,)


def test_a_shape_that_does_not_fit_the_elements(mode):
    x = sg.matrix("x")
    fn = sg.function([x], x.reshape((4, -1)), mode=mode)
    assert fn(ones(6, 2)).shape == (4, 3)
    expected = r"reshape: cannot give 9 elements the shape \[4, 2\]\n.*\[3, 3\]"
    with pytest.raises(ArgumentError, match=expected):
        fn(ones(3, 3))
