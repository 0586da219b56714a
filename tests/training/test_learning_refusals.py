"""Learning refuses data it cannot learn from, and what comes in the wrong order."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph import MissingValue, Variable
from symgraph.training import DataError, LearningError
from tests.training.learning import X, bad, batches, convnet, norms, not_finite


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (bad(3, not_finite(np.nan)), r"batch 3: has nan at \[1, 2, 3, 4\]"),
        (bad(2, not_finite(np.inf)), r"batch 2: has inf at \[1, 2, 3, 4\]"),
        (bad(1, X[:4, :2]), r"batch 1: expected float64\[\?, 3, 8, 9\], got shape"),
        (bad(0, X[:4, 0]), "batch 0: expected float64"),
        (bad(4, X[:0]), "batch 4: has no examples"),
        (bad(0, np.array(["a"])), "batch 0: expected numbers, got dtype"),
        (bad(0, X[:4] * 1j), "batch 0: expected numbers, got dtype complex128"),
        (lambda: iter([]), "the iterator of sweep 1 is empty"),
        (lambda: 3, "expected an iterator of batches, got int"),
        (iter([X]), "expected a callable that returns a fresh iterator"),
        (X, "expected a callable that returns a fresh iterator"),
    ],
)
def test_data_that_cannot_be_learned_from(source, message):
    net = convnet()
    with pytest.raises(DataError, match=f"pre_learn: .*{message}"):
        training.pre_learn(net, source)
    assert net[0]["mean"].missing is not None


def test_an_iterator_that_is_used_up():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    once = iter(np.split(X[:20], 5))
    with pytest.raises(DataError, match=r"sweep 2 is empty.*fresh iterator each time"):
        training.post_learn(net, lambda: once)
    assert norms(net)[0]["mean"].missing is not None


def test_read_only_and_strided_arrays_are_fine():
    net = convnet()
    strided = np.asfortranarray(X)[::-1]
    strided.flags.writeable = False
    training.pre_learn(net, lambda: iter([strided]))
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_a_single_example_has_no_variance():
    net = layers.Sequential([layers.BatchNorm()], input_shape=(None, 2))
    with pytest.raises(LearningError, match="a batch has a single example"):
        training.post_learn(net, batches(np.ones((3, 2)), 2), "minibatch")
    assert net[0]["mean"].missing is not None


def test_unknown_estimators_and_missing_data():
    net = convnet()
    with pytest.raises(LearningError, match="no estimator 'median'; there are: popula"):
        training.post_learn(net, batches(X, 5), "median")
    with pytest.raises(LearningError, match="estimator 'population' needs batches"):
        training.post_learn(net)
    with pytest.raises(LearningError, match="batch_norm_1: no running averages"):
        training.post_learn(net, estimator="running")


def test_post_learning_before_pre_learning():
    with pytest.raises(MissingValue, match=r"standardize_1.*training\.pre_learn"):
        training.post_learn(convnet(), batches(X, 5))


def test_a_function_refuses_statistics_that_were_never_learned():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    x = Variable(net.input_type, name="x")
    predict = function([x], net(x))
    with pytest.raises(MissingValue, match=r"batch_norm_1.*training\.post_learn"):
        predict(X)
    training.post_learn(net, batches(X, 5))
    assert predict(X).shape == (23, 2)
