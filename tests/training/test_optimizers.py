"""Each optimizer against its definition in NumPy, for several steps."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function, shared
from symgraph.graph import GraphError, TensorType, TypeMismatch, Variable
from symgraph.training import schedules

STEPS = 4
SCALE = np.array([1.0, -2.0, 0.5])


def descend(optimizer, dtype="float64", **options):
    """Minimize sum(scale * w^3) / 3 from w = (1, 2, 3); the values of w."""
    w = shared(np.array([1.0, 2.0, 3.0], dtype), name="w")
    loss = (SCALE.astype(dtype) * w * w * w).sum() / 3.0
    updates = optimizer(loss, [w], **options)
    step = function([], loss, updates=updates)
    found = []
    for _ in range(STEPS):
        step()
        found.append(w.get_value())
    assert w.dtype == dtype
    return np.array(found)


def gradient(w):
    return SCALE * w**2


def expected(rule, slots):
    """Apply ``rule(t, w, dw, *slots) -> (w, *slots)``."""
    w, memory, found = np.array([1.0, 2.0, 3.0]), [np.zeros(3)] * slots, []
    for t in range(1, STEPS + 1):
        w, *memory = rule(t, w, gradient(w), *memory)
        found.append(w)
    return np.array(found)


def sgd(t, w, dw):
    return (w - 0.1 * dw,)


def momentum(t, w, dw, v):
    v = 0.8 * v - 0.1 * dw
    return w + v, v


def nesterov(t, w, dw, v):
    v = 0.8 * v - 0.1 * dw
    return w + 0.8 * v - 0.1 * dw, v


def adagrad(t, w, dw, s):
    s = s + dw**2
    return w - 0.1 * dw / np.sqrt(s + 1e-6), s


def rmsprop(t, w, dw, s):
    s = 0.9 * s + 0.1 * dw**2
    return w - 0.1 * dw / np.sqrt(s + 1e-6), s


def adadelta(t, w, dw, s, u):
    s = 0.95 * s + 0.05 * dw**2
    step = dw * np.sqrt(u + 1e-6) / np.sqrt(s + 1e-6)
    return w - 0.1 * step, s, 0.95 * u + 0.05 * step**2


def adam(t, w, dw, m, v):
    m, v = 0.9 * m + 0.1 * dw, 0.999 * v + 0.001 * dw**2
    step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w - 0.1 * step, m, v


def adamw(t, w, dw, m, v):
    after, m, v = adam(t, w, dw, m, v)
    return after - 0.1 * 0.05 * w, m, v


CASES = [
    (training.sgd, {}, sgd, 0),
    (training.momentum, {"momentum": 0.8}, momentum, 1),
    (training.momentum, {"momentum": 0.8, "nesterov": True}, nesterov, 1),
    (training.adagrad, {}, adagrad, 1),
    (training.rmsprop, {}, rmsprop, 1),
    (training.adadelta, {}, adadelta, 2),
    (training.adam, {}, adam, 2),
    (training.adamw, {"weight_decay": 0.05}, adamw, 2),
]


@pytest.mark.parametrize(("optimizer", "options", "rule", "slots"), CASES)
def test_steps(optimizer, options, rule, slots):
    found = descend(optimizer, learning_rate=0.1, **options)
    np.testing.assert_allclose(found, expected(rule, slots), rtol=1e-10)


@pytest.mark.parametrize(("optimizer", "options", "rule", "slots"), CASES)
def test_steps_in_float32(optimizer, options, rule, slots):
    found = descend(optimizer, "float32", learning_rate=0.1, **options)
    np.testing.assert_allclose(found, expected(rule, slots), rtol=2e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate_dtype", ["float32", "float64"])
def test_a_variable_as_learning_rate(dtype, rate_dtype):
    rate = shared(np.array(0.1, rate_dtype))
    found = descend(training.sgd, dtype, learning_rate=rate)
    np.testing.assert_allclose(found, expected(sgd, 0), rtol=1e-5)


def test_a_schedule_as_learning_rate_counts_steps():
    schedule = schedules.Exponential(0.1, 0.5)

    def rule(t, w, dw):
        return (w - 0.1 * 0.5 ** (t - 1) * dw,)

    found = descend(training.sgd, learning_rate=schedule)
    np.testing.assert_allclose(found, expected(rule, 0), rtol=1e-10)


def test_gradients_may_be_given():
    def from_gradients(loss, parameters, **options):
        return training.sgd([p * 0.0 + 1.0 for p in parameters], parameters, **options)

    found = descend(from_gradients, learning_rate=0.5)
    np.testing.assert_allclose(found[1], [0.0, 1.0, 2.0])


def test_clipping_by_norm():
    limit = 2.0

    def rule(t, w, dw):
        return (w - 0.1 * dw * limit / max(limit, np.linalg.norm(dw)),)

    optimizer = training.clipped(training.sgd, norm=limit)
    found = descend(optimizer, learning_rate=0.1)
    np.testing.assert_allclose(found, expected(rule, 0), rtol=1e-10)


def test_a_small_gradient_is_not_clipped():
    optimizer = training.clipped(training.sgd, norm=1e6, value=1e6)
    found = descend(optimizer, learning_rate=0.1)
    np.testing.assert_allclose(found, expected(sgd, 0), rtol=1e-12)


def test_clipping_by_value():
    def rule(t, w, dw):
        return (w - 0.1 * np.clip(dw, -1.5, 1.5),)

    found = descend(training.clipped(training.sgd, value=1.5), learning_rate=0.1)
    np.testing.assert_allclose(found, expected(rule, 0), rtol=1e-10)


def test_weight_decay():
    def rule(t, w, dw):
        return (w - 0.1 * (dw + 0.3 * w),)

    found = descend(training.decayed(training.sgd, 0.3), learning_rate=0.1)
    np.testing.assert_allclose(found, expected(rule, 0), rtol=1e-10)


def test_one_norm_for_all_gradients():
    parts = [shared(np.array([3.0])), shared(np.array([4.0]))]
    loss = (parts[0] * parts[0]).sum() / 2.0 + (parts[1] * parts[1]).sum() / 2.0
    step = training.clipped(training.sgd, norm=1.0)(loss, parts, learning_rate=1.0)
    function([], None, updates=step)()
    np.testing.assert_allclose(parts[0].get_value(), [3.0 - 0.6])
    np.testing.assert_allclose(parts[1].get_value(), [4.0 - 0.8])


def test_slots_are_named_after_their_parameter():
    w = shared(np.ones((2, 3), np.float32), name="w")
    (velocity, _) = training.momentum((w * w).sum(), [w])
    assert velocity.name == "w.velocity"
    assert velocity.type == TensorType("float32", (2, 3))


@pytest.mark.parametrize("optimizer", [training.momentum, training.adam])
@pytest.mark.parametrize("wrap", [None, training.clipped])
def test_running_averages_come_with_every_optimizer(optimizer, wrap):
    net = layers.Sequential(
        [layers.Dense(3), layers.BatchNorm(), layers.Dense(2)], input_shape=(None, 5)
    )
    loss = net(Variable(net.input_type, name="x"), training=True).sum()
    chosen = wrap(optimizer, norm=1.0) if wrap else optimizer
    updates = chosen(loss, net.trainable)
    norm = net[1]
    for name in ("running_mean", "running_variance", "running_steps"):
        assert norm[name] in updates
    assert norm["mean"] not in updates


def test_no_running_averages_at_inference():
    norm = layers.BatchNorm().build((None, 3))
    loss = norm(Variable(norm.input_type, name="x")).sum()
    assert training.running_averages(loss) == {}


@pytest.mark.parametrize(
    ("loss", "parameters", "options", "error", "message"),
    [
        (None, [], {}, GraphError, "at least one parameter"),
        (None, [3], {}, TypeMismatch, "expected shared variables, got 3"),
        ([], None, {}, GraphError, "expected 1 gradients"),
        (None, None, {"learning_rate": -1.0}, GraphError, "learning_rate expects >= 0"),
        (None, None, {"learning_rate": np.nan}, GraphError, "learning_rate expects"),
    ],
)
def test_what_an_optimizer_refuses(loss, parameters, options, error, message):
    w = shared(np.ones(3), name="w")
    loss = (w * w).sum() if loss is None else loss
    parameters = [w] if parameters is None else parameters
    with pytest.raises(error, match=message):
        training.sgd(loss, parameters, **options)


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan])
def test_limits_must_be_positive(limit):
    w = shared(np.ones(3))
    for clip in (training.clip_by_norm, training.clip_by_value):
        with pytest.raises(GraphError, match="limit expects > 0, got"):
            clip([w * 1.0], limit)


@pytest.mark.parametrize(
    ("optimizer", "name", "value", "message"),
    [
        (training.momentum, "momentum", 1.5, "momentum expects >= 0 and < 1, got 1.5"),
        (training.momentum, "momentum", -0.1, "momentum expects >= 0 and < 1"),
        (training.rmsprop, "rho", 1.0, "rho expects >= 0 and < 1, got 1.0"),
        (training.adadelta, "rho", np.nan, "rho expects"),
        (training.adagrad, "epsilon", -1e-6, "epsilon expects >= 0"),
        (training.adam, "beta1", 1.0, "beta1 expects >= 0 and < 1"),
        (training.adam, "beta2", 2, "beta2 expects >= 0 and < 1, got 2"),
        (training.adam, "epsilon", np.inf, "epsilon expects >= 0, got inf"),
        (training.adamw, "weight_decay", -0.1, "weight_decay expects >= 0"),
        (training.momentum, "momentum", "0.9", "momentum expects a number, got '0.9'"),
        (training.adam, "beta1", [0.9], "beta1 expects a number"),
    ],
)
def test_numbers_out_of_range(optimizer, name, value, message):
    w = shared(np.ones(3), name="w")
    with pytest.raises(GraphError, match=f"optimizer: {message}"):
        optimizer((w * w).sum(), [w], **{name: value})


def test_numbers_may_be_scalar_variables():
    w, rate = shared(np.ones(3), name="w"), shared(np.array(0.9), name="rate")
    assert training.momentum((w * w).sum(), [w], momentum=rate)
    with pytest.raises(GraphError, match="momentum expects a scalar, got w"):
        training.momentum((w * w).sum(), [w], momentum=w)
    with pytest.raises(GraphError, match="decayed: rate expects >= 0"):
        training.decayed(training.sgd, -1e-4)
