"""Operations counted from the IR, against counts by hand for every kernel family."""

import pytest

import symgraph as sg
from codegen.work import flops


def count(outputs, **sizes):
    """The operations of all kernels that compute ``outputs``."""
    lowered = sg.compile_pipeline(outputs, stop_after="lower").lowered
    values = dict(zip(lowered.program.sizes, sizes.values(), strict=True))
    return sum(flops(kernel, values) for p in lowered.programs for kernel in p.kernels)


def image(*shape):
    return sg.tensor("x", shape=shape)


def test_elementwise_functions_count_one_each_and_conversions_none():
    x, y = sg.matrix("x"), sg.tensor("y", shape=(1, 7))
    assert count(sg.exp(x) * x + y, n=5, m=7) == 3 * 5 * 7
    assert count(sg.switch(x > 0, x, 2 * x), n=300, m=100) == 300 * 100
    assert count(x.astype("float64"), n=5, m=7) == 0
    i = sg.lvector("i")
    assert count(i * i + 1, n=5) == 0


@pytest.mark.parametrize("length", [3, 5000, 10_000])
def test_blocks_and_tiles_count_what_is_in_them(length):
    assert count(sg.vector("x") * 2 + 1, n=length) == 2 * length
    transposed = sg.matrix("x").T * sg.tensor("y", shape=(length, 70))
    assert count(transposed, n=70, m=length) in (70 * length,)


def test_sums_count_an_addition_for_each_element():
    x = sg.tensor("x", shape=(40, 300))
    for axis, results in ((None, 1), (0, 300), (1, 40)):
        total = count(x.sum(axis=axis))
        assert 40 * 300 - results <= total <= 1.1 * 40 * 300


def test_products_count_two_for_each_term_and_their_epilogues():
    x, w = sg.tensor("x", shape=(None, 30)), sg.tensor("w", shape=(30, 20))
    assert count(x @ w, n=10) == 2 * 10 * 30 * 20
    b = sg.tensor("b", shape=(20,))
    assert count(sg.nn.relu(x @ w + b), n=10) == 2 * 10 * 30 * 20 + 2 * 10 * 20
    batched = sg.tensor("a", shape=(4, 5, 6)) @ sg.tensor("c", shape=(4, 6, 7))
    assert count(batched) == 2 * 4 * 5 * 6 * 7


def test_convolutions_count_as_direct_ones():
    x, w = image(2, 16, 9, 11), sg.tensor("w", shape=(24, 16, 3, 3))
    y = sg.nn.conv2d(x, w)
    direct = 2 * 2 * 24 * 16 * 9 * 7 * 9
    assert count(y) == direct
    assert count(sg.nn.relu(y)) == direct + 2 * 24 * 7 * 9
    dy = sg.tensor("dy", shape=(2, 24, 7, 9))
    assert count(sg.grad(None, w, known_grads={y: dy})) == direct
    assert count(sg.grad(None, x, known_grads={y: dy})) == direct


def test_grouped_convolutions_count_their_own_channels():
    x, w = image(1, 16, 5, 5), sg.tensor("w", shape=(16, 1, 3, 3))
    assert count(sg.nn.conv2d(x, w, groups=16)) == 2 * 16 * 9 * 3 * 3
