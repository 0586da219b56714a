"""Values that are computed where they are read."""

from codegen import ir
from symgraph.lowering.body import Body
from symgraph.lowering.values import Computed


def number(value):
    return Computed("float32", (), lambda index, body: ir.Literal(value, "float32"))


def test_a_value_is_computed_once_in_a_body():
    body, value = Body(), number(3.0)
    assert value.at((), body) is value.at((), body)


def test_a_value_is_not_taken_for_one_that_is_gone():
    body = Body()
    for value in range(100):  # each lies where one before it lay
        assert number(value).at((), body) == ir.Literal(value, "float32")
