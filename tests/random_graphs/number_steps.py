"""Steps that compute: elementwise, reductions, products, branches, loops."""

from __future__ import annotations

import symgraph as sg
from symgraph.graph import Variable
from tests.random_graphs.scene import Scene

nn = sg.nn
UNARY = [
    lambda x: -x,
    nn.relu,
    sg.tanh,
    nn.sigmoid,
    abs,
    sg.sin,
    sg.square,
    lambda x: x * 2 - 1,
    lambda x: sg.exp(sg.tanh(x)),
    lambda x: sg.sqrt(abs(x) + 0.1),
    lambda x: sg.log(abs(x) + 0.1),
    lambda x: 1 / (x * x + 1),
    lambda x: sg.clip(x, -0.7, 0.9),
    lambda x: sg.switch(x > 0.1, x, sg.sin(x)),
]
ARITHMETIC = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (abs(y) + 1),
    sg.maximum,
]
BINARY = [
    *ARITHMETIC,
    lambda x, y: sg.switch(x > y, x, sg.sin(y)),
]
REDUCTIONS = [sg.sum, sg.mean, sg.max, sg.min, sg.var, sg.logsumexp]
ALONG = [nn.softmax, nn.log_softmax, sg.cumsum, sg.sort]


def unary(scene: Scene) -> Variable:
    """A function of each number."""
    return scene.choose(UNARY)(scene.pick().variable)


def binary(scene: Scene) -> Variable:
    """A function of two numbers each; one value may be broadcast."""
    x, array = scene.pick()
    y = scene.pick(lambda a: a.shape in (array.shape, array.shape[1:], ()))
    return scene.choose(BINARY)(x, y.variable)


def reduced(scene: Scene) -> Variable:
    """Over any axes."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    axes = tuple(axis for axis in range(array.ndim) if scene.maybe())
    return scene.choose(REDUCTIONS)(x, axis=axes or None, keepdims=scene.maybe())


def along(scene: Scene) -> Variable:
    """What keeps the shape but combines numbers of one axis."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    return scene.choose(ALONG)(x, axis=scene.number(0, array.ndim - 1))


def dense(scene: Scene) -> Variable:
    """A dense layer over the last axis."""
    x, array = scene.pick(lambda a: a.ndim > 1)
    out = scene.choose([1, 3, 8, 17])
    bias = scene.parameter(out) if scene.maybe() else 0.0
    return scene.choose(UNARY)(
        sg.matmul(x, scene.parameter(array.shape[-1], out)) + bias
    )


def multiplied(scene: Scene) -> Variable:
    """The product of two values of the pool, perhaps of one with itself."""
    x, array = scene.pick(lambda a: a.ndim > 1)
    y, other = scene.pick(lambda a: a.ndim > 1 and a.shape[-1] == array.shape[-1])
    return sg.matmul(x, sg.swapaxes(y, other.ndim - 2, other.ndim - 1))


def branched(scene: Scene) -> Variable:
    """One branch of two, chosen by data; both read the same values."""
    x, array = scene.pick()
    y = scene.pick(lambda a: a.shape == array.shape).variable
    condition = scene.pick().variable.sum() > scene.number(-1, 1) + 0.25
    return sg.ifelse(condition, scene.choose(UNARY)(x), x * y)


def looped(scene: Scene) -> Variable:
    """A loop over the first axis: all of its states, or the last."""
    x, _ = scene.pick(lambda a: a.ndim > 0 and a.shape[0] > 0)
    states, _ = sg.scan(
        lambda row, state: sg.tanh(row + 0.5 * state),
        x,
        sg.zeros_like(x[0]),
        go_backwards=scene.maybe(),
    )
    return states[-1] if scene.maybe() else states


def recurrent(scene: Scene) -> Variable:
    """A loop whose step multiplies its state with weights."""
    x, array = scene.pick(lambda a: a.ndim in (2, 3) and a.size > 0)
    weights = scene.parameter(array.shape[-1], array.shape[-1])
    states, _ = sg.scan(
        lambda row, state, w: sg.tanh(row + sg.dot(state, w)),
        x,
        sg.zeros_like(x[0]),
        weights,
    )
    return states[-1] if scene.maybe() else states


STEPS = [
    unary,
    binary,
    reduced,
    along,
    dense,
    multiplied,
    branched,
    looped,
    recurrent,
]
