"""Philox by its published answers; draws by their definitions and their moments."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.autodiff import grad
from symgraph.graph import GraphError, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn
from symgraph.ops.draws import RandomBits, RandomUniform
from symgraph.ops.dropout import Dropout
from symgraph.ops.philox import philox4x32, random_words
from symgraph.ops.random import RandomStream

# counter, key, answer: Random123, kat_vectors, "philox4x32 10"
KNOWN = [
    ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return [int(word, 16) for word in text.split()]


def value(variable):
    return evaluate([variable])[0]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_answers(counter, key, answer):
    assert philox4x32(words(counter), words(key)).tolist() == words(answer)


def test_counters_are_independent_of_their_number():
    counters = np.arange(20, dtype=np.uint64).reshape(5, 4)
    together = philox4x32(counters, [3, 5])
    alone = [philox4x32(counter, [3, 5]) for counter in counters]
    np.testing.assert_array_equal(together, alone)


def test_a_draw_is_laid_out_as_documented():
    state = np.array([0x1234567890ABCDEF, 0xFEDCBA9876543210], np.uint64)
    found = random_words(state, 7, 11)
    key = [0x90ABCDEF, 0x12345678]
    for i, word in enumerate(found):
        block = philox4x32([i // 4, 7, 0x76543210, 0xFEDCBA98], key)
        assert word == block[i % 4]
    wide = RandomBits("uint64", (5,), 7).reference(state)
    low, high = found[0:10:2].astype(np.uint64), found[1:10:2].astype(np.uint64)
    np.testing.assert_array_equal(wide, low | high << np.uint64(32))


@pytest.mark.parametrize(
    ("dtype", "bits", "wide"), [("float32", 24, "uint32"), ("float64", 53, "uint64")]
)
def test_uniform_is_the_high_bits(dtype, bits, wide):
    state = np.array([5, 9], np.uint64)
    op = RandomUniform(dtype, (3, 5), 2)
    uniform = op.reference(state)
    drawn = RandomBits(wide, (3, 5), 2).reference(state)
    width = 32 if wide == "uint32" else 64
    expected = [(int(word) >> (width - bits)) / 2**bits for word in drawn.ravel()]
    assert uniform.dtype == dtype
    assert uniform.ravel().tolist() == expected
    np.testing.assert_array_equal(value(op.expand(sg.constant(state))), uniform)


def test_seed_call_and_draw_each_change_the_numbers():
    stream, same, other = RandomStream(1), RandomStream(1), RandomStream(2)
    first, second = stream.uniform((2, 3)), stream.uniform((2, 3))
    assert not np.array_equal(value(first), value(second))
    np.testing.assert_array_equal(value(first), value(same.uniform((2, 3))))
    assert not np.array_equal(value(first), value(other.uniform((2, 3))))
    before = value(first)
    stream.state.set_value(value(stream.state.default_update))
    assert stream.state.get_value().tolist() == [1, 1]
    assert not np.array_equal(before, value(first))
    stream.seed(1)
    np.testing.assert_array_equal(before, value(first))


def test_a_shape_may_be_symbolic():
    rows = sg.tensor("rows", dtype="int64", shape=())
    stream = RandomStream(3)
    y = stream.uniform((rows, 5), dtype="float64")
    assert y.type.shape == (None, 5)
    (found,) = evaluate([y], {rows: 3})
    fixed = RandomUniform("float64", (3, 5), 0).reference(stream.state.get_value())
    np.testing.assert_array_equal(found, fixed)
    assert evaluate([y], {rows: 0})[0].shape == (0, 5)
    assert value(stream.uniform()).shape == ()
    assert value(stream.uniform(7)).shape == (7,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(dtype):
    stream, n = RandomStream(4), 40_000
    u = value(stream.uniform(n, dtype=dtype))
    assert u.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01
    assert abs(u.var() - 1 / 12) < 0.005
    z = value(stream.normal(n, mean=2.0, std=3.0, dtype=dtype))
    assert z.dtype == dtype
    assert abs(z.mean() - 2) < 0.06
    assert abs(z.std() - 3) < 0.06
    assert abs((((z - 2) / 3) ** 4).mean() - 3) < 0.2
    scaled = value(stream.uniform(n, -2.0, 5.0, dtype=dtype))
    assert -2 <= scaled.min() < -1.9
    assert 4.9 < scaled.max() <= 5


def test_parameters_may_be_variables():
    stream = RandomStream(5)
    mean = sg.constant(np.array([[10.0], [20.0]], "float32"))
    z = value(stream.normal((2, 300), mean=mean))
    assert abs(z[0].mean() - 10) < 0.3
    assert abs(z[1].mean() - 20) < 0.3
    p = sg.constant(np.array([[0.0], [1.0]], "float32"))
    assert value(stream.bernoulli((2, 5), p)).tolist() == [[False] * 5, [True] * 5]
    shift = sg.constant(np.float32(1.5))
    (d_shift,) = grad(stream.normal((7,), mean=shift).sum(), [shift])
    assert value(d_shift) == 7


def test_bernoulli_is_true_with_probability_p():
    stream = RandomStream(6)
    draws = value(stream.bernoulli(40_000, 0.3))
    assert draws.dtype == bool
    assert abs(draws.mean() - 0.3) < 0.01
    assert value(stream.bernoulli(5, 1.0, dtype="int8")).tolist() == [1] * 5


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint64"])
def test_integers_cover_their_range_evenly(dtype):
    draws = value(RandomStream(7).integers(3, 10, (7000,), dtype=dtype))
    assert draws.dtype == dtype
    found, counts = np.unique(draws, return_counts=True)
    assert found.tolist() == list(range(3, 10))
    assert counts.min() > 850 and counts.max() < 1150


def test_integers_are_the_high_half_of_a_product():
    stream = RandomStream(8)
    span, low = 2**32 - 5, -(2**31)
    draws = value(stream.integers(low, low + span, (11,)))
    wide = RandomBits("uint64", (11,), 0).reference(stream.state.get_value())
    assert draws.tolist() == [low + (int(word) * span >> 64) for word in wide]
    assert value(stream.integers(1, shape=(5,))).tolist() == [0] * 5


def test_what_makes_no_sense_is_named():
    stream = RandomStream(9)
    with pytest.raises(GraphError, match=r"expected 1 to 2\^32 values"):
        stream.integers(5, 5)
    with pytest.raises(GraphError, match="does not fit int8"):
        stream.integers(0, 200, dtype="int8")
    with pytest.raises(TypeMismatch, match="dtype must be an integer one"):
        stream.integers(5, dtype="float32")
    with pytest.raises(TypeMismatch, match="uniform: dtype must be float32 or float64"):
        stream.uniform(5, dtype="int32")
    with pytest.raises(TypeMismatch, match="bits: dtype must be uint32 or uint64"):
        stream.bits(5, dtype="int32")
    for seed in (-1, 2**64, 1.0, True):
        with pytest.raises(GraphError, match="seed must be in"):
            RandomStream(seed)
    with pytest.raises(TypeMismatch, match=r"a state must be uint64\[2\]"):
        RandomUniform("float32", (5,), 0)(sg.constant(np.zeros(3, np.uint64)))


def test_dropout_scales_what_it_keeps():
    x = sg.constant(np.full((100, 100), 3.0))
    stream = RandomStream(10)
    y = value(nn.dropout(x, 0.25, stream))
    assert set(np.unique(y)) == {0.0, 4.0}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert abs(y.mean() - 3) < 0.1


def test_the_gradient_of_dropout_uses_the_same_mask():
    x = sg.constant(np.random.default_rng(26).normal(size=(5, 7)))
    y = nn.dropout(x, 0.5, RandomStream(11))
    (dx,) = grad(y.sum(), [x])
    assert dx.owner.op == y.owner.op == Dropout(0.5)
    assert dx.owner.inputs[1] is y.owner.inputs[1]
    forward, backward = evaluate([y, dx])
    np.testing.assert_array_equal(backward, np.where(forward == 0, 0.0, 2.0))


def test_dropout_hides_even_nan_and_shares_decisions():
    values = np.ones((2, 30, 5, 7), "float32")
    y = value(
        nn.dropout(sg.constant(values), 0.5, RandomStream(12), shared_axes=(2, 3))
    )
    per_channel = y.reshape(60, 35)
    assert (per_channel == per_channel[:, :1]).all()
    assert 0 < (per_channel[:, 0] == 0).sum() < 60
    mask = np.array([True, False])
    kept = Dropout(0.5).reference(np.array([np.nan, np.nan]), mask)
    assert np.isnan(kept).tolist() == [True, False]
    expanded = Dropout(0.5).expand(sg.constant(np.array([3.0, 5.0])), sg.constant(mask))
    assert value(expanded).tolist() == [6, 0]


def test_dropout_of_nothing_is_the_input():
    x = sg.tensor("x", shape=(2, 3))
    assert nn.dropout(x, 0.0, RandomStream(13)) is x
    for rate in (-0.1, 1.0):
        with pytest.raises(GraphError, match="rate must be in"):
            nn.dropout(x, rate, RandomStream(13))
    with pytest.raises(TypeMismatch, match="mask must be bool, got float32"):
        Dropout(0.5)(x, x)


def test_a_permutation_holds_each_number_once():
    stream = RandomStream(14)
    first, second = value(stream.permutation(50)), value(stream.permutation(50))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.dtype == "int64"
    count = sg.tensor("count", dtype="int64", shape=())
    assert evaluate([stream.permutation(count)], {count: 0})[0].shape == (0,)
