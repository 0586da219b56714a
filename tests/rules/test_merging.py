"""Equal nodes become one; different draws of random numbers never do."""

from __future__ import annotations

import numpy as np

from symgraph.graph import constant
from symgraph.ops import functions as F
from symgraph.ops.join import split
from symgraph.ops.random import RandomStream
from symgraph.rules.merging import merge_equal_nodes
from tests.rules.checking import ops_of, rewritten, shared, tensor

RULES = (merge_equal_nodes,)


def values_of(*variables):
    return {v: np.linspace(-1, 2, 3).astype(v.dtype) for v in variables}


def test_equal_chains_become_one_chain():
    x, y = tensor("x", 3), tensor("y", 3)
    twice = [F.exp(F.sin(x) + y), F.exp(F.sin(x) + y)]
    result, history = rewritten(twice, RULES, values_of(x, y))
    assert result.outputs[0] is result.outputs[1]
    assert ops_of(result) == ["Sin", "Add", "Exp"]
    assert history.counts() == {"merge_equal_nodes": 3}


def test_what_commutes_is_equal_in_either_order():
    x, y = tensor("x", 3), tensor("y", 3)
    same = [x + y, y + x, x * y, y * x, F.maximum(x, y), F.maximum(y, x)]
    result, _ = rewritten(same, RULES, values_of(x, y))
    assert ops_of(result) == ["Add", "Mul", "Maximum"]
    result, _ = rewritten([x - y, y - x], RULES, values_of(x, y))
    assert ops_of(result) == ["Sub", "Sub"]


def test_static_fields_and_outputs_tell_nodes_apart():
    x = tensor("x", 3)
    outputs = [F.cast(x, "int32"), F.cast(x, "int64"), *split(x, [1]), *split(x, [1])]
    result, _ = rewritten(outputs, RULES, values_of(x))
    assert ops_of(result) == ["Cast", "Cast", "Split"]
    assert result.outputs[2:4] == result.outputs[4:]
    assert result.outputs[2] is not result.outputs[3]


def test_constants_are_equal_by_dtype_shape_and_every_bit():
    x = tensor("x", 3)
    arrays = [np.ones(3), np.ones(3), np.ones((3, 1)), np.ones(3, "f4"), -np.zeros(3)]
    arrays += [np.zeros(3), np.array([1, 1, np.nan]), np.array([1, 1, np.nan])]
    result, _ = rewritten([x, *(constant(a) for a in arrays)], RULES, values_of(x))
    assert len(set(result.outputs[1:])) == 6


def test_large_constants_are_compared_whole():
    left = np.zeros(100_000)
    right = left.copy()
    right[77] = 1
    variables = [constant(a) for a in (left, right, left.copy())]
    result, _ = rewritten(variables, RULES, {})
    first, second, third = result.outputs
    assert first is third
    assert first is not second


def test_shared_variables_of_equal_value_are_two():
    p, q = shared(np.ones(3)), shared(np.ones(3))
    result, _ = rewritten([F.exp(p), F.exp(q), F.exp(p)], RULES, {})
    assert ops_of(result) == ["Exp", "Exp"]


def test_two_draws_are_two():
    stream = RandomStream(seed=5)
    first, second = stream.uniform((3,)), stream.uniform((3,))
    result, _ = rewritten([first, second, first], RULES, {})
    assert result.outputs[0] is result.outputs[2]
    assert result.outputs[0] is not result.outputs[1]


def test_a_canonical_node_is_rebuilt_from_canonical_inputs():
    x = tensor("x", 3)
    first, second = F.exp(x), F.exp(x)
    outputs = [first, F.sin(second), F.sin(first)]
    result, _ = rewritten(outputs, RULES, values_of(x))
    assert ops_of(result) == ["Exp", "Sin"]
    assert result.outputs[1] is result.outputs[2]
