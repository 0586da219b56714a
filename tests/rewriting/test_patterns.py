"""Patterns match what they say, and say what they expected."""

from __future__ import annotations

import pytest

from symgraph.graph import GraphError, constant
from symgraph.rewriting import (
    Declined,
    Filled,
    Match,
    Mismatch,
    Wildcard,
    commutative,
    match,
    match_node,
    node,
    wildcards,
)
from tests.rewriting.tiny import Halves, Minus, Plus, Power, Spread, Times, vector

x, y, z = wildcards("x y z")


def once_used(_):
    return 1


def test_wildcards_bind_and_repeat():
    a, b = vector("a"), vector("b")
    found = match(node(Plus)(x, node(Minus)(y)), Plus()(a, Minus()(b)))
    assert isinstance(found, Match)
    assert found.bindings == {"x": a, "y": b}
    assert [n.op for n in found.nodes] == [Plus(), Minus()]
    assert isinstance(match(node(Plus)(x, x), Plus()(a, a)), Match)
    failure = match(node(Plus)(x, x), Plus()(a, b))
    assert isinstance(failure, Mismatch)
    assert "x is already a" in str(failure)


def test_a_repeated_wildcard_accepts_equal_constants():
    one, again = constant([1.0, 2.0, 3.0]), constant([1.0, 2.0, 3.0])
    assert isinstance(match(node(Plus)(x, x), Plus()(one, again)), Match)
    other = constant([1.0, 2.0, 4.0])
    assert isinstance(match(node(Plus)(x, x), Plus()(one, other)), Mismatch)


def test_static_fields_are_compared_bound_or_free():
    a = vector("a")
    power = Power(3)(a)
    assert isinstance(match(node(Power)(x), power), Match)
    assert isinstance(match(node(Power, exponent=3)(x), power), Match)
    failure = match(node(Power, exponent=2)(x), power)
    assert "whose exponent is 3, not 2" in str(failure)
    exponent = Wildcard("exponent")
    found = match(node(Power, exponent=exponent)(x), power)
    assert found.bindings["exponent"] == 3
    both = node(Plus)(
        node(Power, exponent=exponent)(x), node(Power, exponent=exponent)(y)
    )
    assert isinstance(match(both, Plus()(power, Power(3)(a))), Match)
    assert isinstance(match(both, Plus()(power, Power(5)(a))), Mismatch)


def test_an_unknown_field_is_an_error_that_names_the_known():
    with pytest.raises(GraphError, match=r"Power has the fields \['exponent'\]"):
        node(Power, degree=2)


def test_inputs_must_be_patterns():
    with pytest.raises(GraphError, match="expected patterns as inputs, got 0"):
        node(Plus)(x, 0)
    with pytest.raises(GraphError, match="expected 2 inputs, got 1"):
        commutative(Plus)(x)


def test_filled_constants_by_value_and_through_spreading():
    one = Filled(1, through=(Spread,))
    for variable in (constant(1.0), constant([1.0, 1.0]), Spread(3)(constant(1))):
        assert isinstance(match(one, variable), Match)
    for variable in (constant(2.0), constant([1.0, 2.0]), vector("a"), constant([])):
        assert isinstance(match(one, variable), Mismatch)
    assert isinstance(match(Filled(1), Spread(3)(constant(1))), Mismatch)


def test_commuting_gives_both_orders_also_when_nested():
    pattern = commutative(Plus)(x, commutative(Times)(y, Filled(2)))
    assert len(list(pattern.variants())) == 4
    a, b, two = vector("a"), vector("b"), constant([2.0, 2.0, 2.0], dtype="float64")
    for product in (Times()(b, two), Times()(two, b)):
        for total in (Plus()(a, product), Plus()(product, a)):
            results = [match(v, total) for v in pattern.variants()]
            assert sum(isinstance(r, Match) for r in results) == 1


def test_one_of_several_ops_any_inputs_and_names():
    a = vector("a")
    pattern = node(Plus, Minus)(...).named("inner")
    for variable in (Plus()(a, a), Minus()(a)):
        found = match(node(Power)(pattern), Power()(variable))
        assert found.bindings["inner"] is variable.owner
    assert isinstance(match(node(Power)(pattern), Power()(a)), Mismatch)


def test_outputs_are_told_apart():
    first, second = Halves()(vector("a", 4))
    pattern = node(Minus)(node(Halves)(x).output(1))
    assert isinstance(match(pattern, Minus()(second)), Match)
    assert isinstance(match(pattern, Minus()(first)), Mismatch)


def test_a_second_user_declines_what_asks_for_one():
    pattern = node(Minus)(node(Plus)(x, y).once())
    total = Plus()(vector("a"), vector("b"))
    target = Minus()(total).owner
    assert isinstance(match_node(pattern, target, once_used), Match)
    refused = match_node(pattern, target, lambda v: 3 if v is total else 1)
    assert isinstance(refused, Declined)
    assert "is used 3 times" in refused.reason


def test_restricted_wildcards_say_what_they_want():
    long = x.where(lambda v: v.type.shape[0] > 4, "a long vector")
    failure = match(node(Minus)(long), Minus()(vector("a")))
    assert str(failure).startswith("expected x (a long vector), found input 'a'")
    assert isinstance(match(node(Minus)(long), Minus()(vector("a", 5))), Match)


def test_the_number_of_inputs_is_part_of_the_pattern():
    failure = match(node(Plus)(x, y, z), Plus()(vector("a"), vector("b")))
    assert "with 2 inputs" in str(failure)
