"""Learning that is interrupted changes nothing and can be gone on with."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from symgraph import training
from symgraph.training import DataError, Interrupted
from tests.training.learning import (
    X,
    bad,
    batches,
    convnet,
    norms,
    not_finite,
    statistics,
)


def interrupted_at(batch, source, calls):
    """``source``, with a Ctrl-C before batch number ``batch`` of all sweeps."""

    def stopping():
        for item in source():
            if calls[0] == batch:
                calls[0] += 1
                raise KeyboardInterrupt
            calls[0] += 1
            yield item

    return stopping


@pytest.mark.parametrize(
    ("estimator", "stop"),
    [("minibatch", 0), ("minibatch", 4)] + [("population", k) for k in (0, 2, 5, 6, 9)],
)
def test_a_ctrl_c_changes_nothing_and_can_be_gone_on_from(stop, estimator):
    whole, halted = convnet(), convnet()
    for name, parameter in whole.named_parameters.items():
        if parameter.missing is None:
            halted.named_parameters[name].set_value(parameter.get_value())
    source = batches(X, 5)
    for net in (whole, halted):
        training.pre_learn(net, source)
    training.post_learn(whole, source, estimator)
    calls = [0]
    stopping = interrupted_at(stop, source, calls)
    with pytest.raises(Interrupted, match="post_learn: interrupted in sweep") as caught:
        training.post_learn(halted, stopping, estimator)
    assert all(norm["mean"].missing is not None for norm in norms(halted))
    calls[0] = 0
    counted = interrupted_at(-1, source, calls)
    training.post_learn(halted, counted, estimator, resume=caught.value.state)
    for one, other in zip(statistics(whole), statistics(halted), strict=True):
        np.testing.assert_array_equal(one, other)
    assert calls[0] == (5 if stop >= 5 or estimator == "minibatch" else 10)


def test_other_batches_after_a_ctrl_c_start_the_sweep_anew():
    net = convnet()
    source = batches(X, 5)
    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, interrupted_at(2, source, [0]))
    training.pre_learn(net, batches(X[::-1], 5), resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_a_source_may_fill_the_same_array_again_and_again():
    net, array, order, stop = convnet(), np.empty((5, *X.shape[1:])), [0, 1, 2, 3], [2]

    def source():
        for number in order:
            if number == stop[0]:
                raise KeyboardInterrupt
            array[:] = X[5 * number : 5 * number + 5]
            yield array

    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, source)
    order.reverse()
    stop[0] = None
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X[:20].mean((0, 2, 3)))


def test_shuffled_batches_are_gone_on_with_in_their_order():
    net = convnet()
    source = training.batches(X, 5, shuffle=True)
    stop = [2]

    def check(generator, x):
        if stop[0] == 0:
            stop[0] = -1
            raise KeyboardInterrupt
        stop[0] -= 1
        return x

    source.transform = check
    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, source)
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))
    assert source.epoch == 1


def test_a_signal_inside_a_step_waits_for_its_end():
    net = convnet()
    source = batches(X, 5)

    def sending():
        for i, x in enumerate(source()):
            if i == 2:
                signal.raise_signal(signal.SIGINT)
            yield x

    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, sending)
    assert caught.value.state.batch == 2
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_statistics_learned_before_stay_when_learning_fails():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    training.post_learn(net, batches(X, 5))
    before = statistics(net)
    with pytest.raises(DataError):
        training.post_learn(net, bad(3, not_finite(np.nan)))
    for one, other in zip(before, statistics(net), strict=True):
        np.testing.assert_array_equal(one, other)
