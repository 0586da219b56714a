"""Sizes: one normal form, and the arithmetic of integers under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import sizes
from codegen.sizes import (
    coefficient,
    contiguous_strides,
    evaluate,
    floordiv,
    maximum,
    minimum,
    mod,
    product,
    substitute,
    symbol,
    symbols_of,
    text,
    total,
)

a, b, c = symbol("a"), symbol("b"), symbol("c")
VALUES = {"a": 7, "b": 3, "c": 5}


@st.composite
def expressions(draw, depth=3):
    """A size and a Python function of the same meaning."""
    if depth == 0 or draw(st.booleans()):
        name = draw(st.sampled_from("abc12"))
        if name.isdigit():
            return int(name), lambda v, k=int(name): k
        return symbol(name), lambda v, n=name: v[n]
    left, f = draw(expressions(depth=depth - 1))
    right, g = draw(expressions(depth=depth - 1))
    match draw(st.sampled_from(["+", "-", "*", "//", "%", "min", "max"])):
        case "+":
            return left + right, lambda v: f(v) + g(v)
        case "-":
            return left - right, lambda v: f(v) - g(v)
        case "*":
            return left * right, lambda v: f(v) * g(v)
        case "//":
            divisor = draw(st.integers(1, 4))
            return floordiv(left, divisor), lambda v: f(v) // divisor
        case "%":
            divisor = draw(st.integers(1, 4))
            return mod(left, divisor), lambda v: f(v) % divisor
        case "min":
            return minimum(left, right), lambda v: min(f(v), g(v))
    return maximum(left, right), lambda v: max(f(v), g(v))


@given(st.lists(expressions(depth=2), max_size=5))
def test_a_total_is_the_sum(pairs):
    added = 0
    for size, _ in pairs:
        added = added + size
    assert total(size for size, _ in pairs) == added


@given(expressions(), st.lists(st.integers(0, 50), min_size=3, max_size=3))
def test_a_size_is_the_integer_it_stands_for(pair, numbers):
    size, function = pair
    values = dict(zip("abc", numbers, strict=True))
    assert evaluate(size, values) == function(values)
    assert substitute(size, values) == function(values)
    assert symbols_of(size) <= set(values)


@given(expressions(), expressions())
def test_sums_and_products_commute_and_distribute(first, second):
    p, q = first[0], second[0]
    assert p + q == q + p and p * q == q * p
    assert (p + q) * 3 == q * 3 + p * 3
    assert p - p == 0


@given(expressions())
def test_the_text_is_the_size(pair):
    size, function = pair
    names = {
        "sg_floordiv": int.__floordiv__,
        "sg_mod": int.__mod__,
        "sg_min": min,
        "sg_max": max,
    }
    assert eval(text(size), names, dict(VALUES)) == function(VALUES)


def test_one_form_for_equal_shapes():
    assert (a * 3) * 4 == a * 12
    assert (a + b) * (a - b) == a * a - b * b
    assert hash(a * b) == hash(b * a)
    assert a * 0 == 0 and a - a + 5 == 5
    assert str(2 * a + 3) == "3 + 2*a"


def test_divisions_that_come_out_are_done():
    assert floordiv(a * 12, 4) == a * 3
    assert mod(a * 12, 4) == 0
    assert floordiv(a, 1) is a
    assert (a + 1) // 2 == floordiv(a + 1, 2) and (a + 1) % 2 == mod(a + 1, 2)
    assert evaluate(7 // a, {"a": 2}) == 3


def test_what_divides_comes_out_of_a_division():
    assert floordiv(a * 6 + 7, 3) == a * 2 + 2
    assert mod(a * 6 + 7, 3) == 1
    assert floordiv(a * 4 + b, 4) == a + floordiv(b, 4)
    assert mod(a * 4 + b - 1, 4) == mod(b + 3, 4)
    assert floordiv(a - 1, 4) == floordiv(a + 3, 4) - 1


def test_extrema_of_what_differs_by_a_number_are_known():
    assert minimum(a + 3, a + 5) == a + 3
    assert maximum(a + 3, a + 5) == a + 5
    assert minimum(4, 9) == 4
    assert symbols_of(minimum(a, b)) == {"a", "b"}


def test_coefficients_are_those_of_linear_sizes():
    size = a * b * 4 + a * 2 + c
    assert coefficient(size, "a") == b * 4 + 2
    assert coefficient(size, "d") == 0
    assert coefficient(a * a, "a") is None
    assert coefficient(floordiv(a, 2), "a") is None
    assert coefficient(floordiv(b, 2) * a, "a") == floordiv(b, 2)


def test_strides_are_row_major():
    assert contiguous_strides((2, 3, 5)) == (15, 5, 1)
    assert contiguous_strides((a, b, 4)) == (b * 4, 4, 1)
    assert contiguous_strides(()) == () and product(()) == 1


def test_substitution_reaches_into_divisions():
    assert substitute(floordiv(a * b, 4), {"a": 8}) == b * 2
    assert substitute(minimum(a, b), {"a": b + 1}) == b
    assert substitute(maximum(a, 4) + mod(a, 3), {"a": 5}) == 7


def test_a_run_time_size_has_no_truth():
    with pytest.raises(TypeError, match="the size a is not known before the call"):
        bool(a)


def test_names_of_the_module_are_of_integers():
    assert isinstance(sizes.product((2, 3)), int)


def test_a_division_by_nothing_is_nothing():
    for divided in (floordiv, mod):
        assert divided(7, 0) == 0 and divided(a, 0) == 0
        assert evaluate(divided(a, b), {"a": 7, "b": 0}) == 0
    for left, right in ((7, -2), (-7, -2), (-7, 2), (6, -2)):
        values = {"a": left, "b": right}
        assert evaluate(floordiv(a, b), values) == left // right
        assert evaluate(mod(a, b), values) == left % right
