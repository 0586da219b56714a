"""Values that are computed where they are read."""

import numpy as np

from codegen import ir
from symgraph.lowering.body import Body
from symgraph.lowering.values import Computed
from symgraph.ops import Relu, tensor
from symgraph.ops.conv import Conv2D


def number(value):
    return Computed("float32", (), lambda index, body: ir.Literal(value, "float32"))


def test_a_value_is_computed_once_in_a_body():
    body, value = Body(), number(3.0)
    assert value.at((), body) is value.at((), body)


def test_a_value_is_not_taken_for_one_that_is_gone():
    body = Body()
    for value in range(100):  # each lies where one before it lay
        assert number(value).at((), body) == ir.Literal(value, "float32")


def test_views_of_blocked_images_are_delivered(check):
    """Not as the whole image: its dimensions turned, or a part of it."""
    x, filters = tensor("x", shape=(2, 1, None, 5)), tensor("w", shape=(3, 1, 1, 1))
    y = Relu()(Conv2D()(x, filters))
    views = [y.transpose((0, 2, 3, 1)), y.transpose((2, 1, 0, 3)), y[:, :, 1:]]
    rng = np.random.default_rng(0)
    arrays = [
        rng.normal(size=s).astype("float32") for s in [(2, 1, 2, 5), (3, 1, 1, 1)]
    ]
    check([x, filters], views, arrays)
    for view in views:
        check([x, filters], [view], arrays)
