"""``updates``: computed from old values, applied together, or not at all."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import MissingValue


def test_updates_use_old_values_and_outputs_too(mode):
    a, b = sg.shared(1.0, name="a"), sg.shared(10.0, name="b")
    fn = sg.function([], [a, b], updates={a: b, b: a + b}, mode=mode)
    seen = [tuple(float(v) for v in fn()) for _ in range(4)]
    assert seen == [(1, 10), (10, 11), (11, 21), (21, 32)]


def test_updates_as_pairs_and_python_values(mode):
    x = sg.vector("x")
    w, n = sg.shared(np.zeros(2, "float32")), sg.shared(0)
    fn = sg.function([x], None, updates=[(w, w - 0.5 * x), (n, n + 1)], mode=mode)
    assert fn([2, 4]) is None
    fn([2, 4])
    assert w.get_value().tolist() == [-2, -4]
    assert n.get_value() == 2
    sg.function([], updates={w: [1, 2], n: 0}, mode=mode)()
    assert w.get_value().tolist() == [1, 2]


def test_views_of_old_values_stay_as_they_were(mode):
    w = sg.shared(np.zeros(3, "float32"))
    fn = sg.function([], w * 2, updates={w: w + 1}, mode=mode)
    views, outputs = [], []
    for _ in range(5):
        views.append(w.get_value(borrow=True))
        outputs.append(fn())
    assert [v.tolist() for v in views] == [[k] * 3 for k in range(5)]
    assert [o.tolist() for o in outputs] == [[2 * k] * 3 for k in range(5)]


def test_a_borrowed_array_of_the_user_is_never_written(mode):
    backing = np.zeros(6, "float32")
    w = sg.shared(np.zeros(3, "float32"))
    w.set_value(backing[:3], borrow=True)
    view = w.get_value(borrow=True)
    fn = sg.function([], updates={w: w + 1}, mode=mode)
    for _ in range(4):
        fn()
    assert backing.tolist() == [0] * 6
    assert view.tolist() == [0] * 3


def test_set_value_between_calls_is_seen(mode):
    x, w = sg.vector("x"), sg.shared(np.ones(2, "float32"))
    fn = sg.function([x], x * sg.exp(w * 2), mode=mode)
    assert np.allclose(fn([1, 1]), np.exp(2))
    w.set_value(np.zeros(2, "float32"))
    assert np.allclose(fn([1, 1]), 1)


def test_a_failing_call_changes_nothing(mode):
    x, i = sg.matrix("x"), sg.ivector("i")
    w = sg.shared(np.zeros((2, 3), "float32"))
    n = sg.shared(0)
    loss = sg.nn.cross_entropy(x + w, i).mean()  # the line
    fn = sg.function([x, i], loss, updates=[(n, n + 1), (w, w + loss)], mode=mode)
    before = w.get_value(), w.version, n.version
    for label in (3, -1, 2**31 - 1, -(2**31)):
        with pytest.raises(IndexError, match=r"cross_entropy: .*label") as caught:
            fn(np.zeros((2, 3), "float32"), np.array([0, label], "int32"))
        told = [str(caught.value), *caught.value.__notes__]
        assert any("# the line" in text for text in told)
    assert np.array_equal(w.get_value(), before[0])
    assert (w.version, n.version) == before[1:]
    fn(np.zeros((2, 3), "float32"), np.array([0, 2], "int32"))
    assert n.get_value() == 1


def test_an_update_of_another_shape_changes_nothing(mode):
    x, w = sg.vector("x"), sg.shared(np.zeros(2, "float32"), name="w")
    fn = sg.function([x], updates={w: x * 2}, mode=mode, name="f")
    fn([1, 2])
    with pytest.raises(ValueError, match=r"f: the update of w.*has shape \[3\]"):
        fn([1, 2, 3])
    assert w.get_value().tolist() == [2, 4]


def test_a_shared_variable_may_change_its_open_dimensions(mode):
    x = sg.vector("x")
    w = sg.shared(np.zeros(2, "float32"), shape=(None,))
    fn = sg.function([x], w.sum(), updates={w: sg.concatenate([w, x])}, mode=mode)
    totals = [float(fn([1, 2, 3])) for _ in range(3)]
    assert totals == [0, 6, 12]
    assert w.get_value().shape == (11,)


def test_updates_that_cannot_be():
    x = sg.vector("x")
    w = sg.shared(np.zeros(2, "float32"), name="w")
    with pytest.raises(sg.GraphError, match=r"w.* is updated twice"):
        sg.function([], updates=[(w, w + 1), (w, w + 2)])
    with pytest.raises(sg.TypeMismatch, match="only a shared variable"):
        sg.function([x], updates={x: x + 1})
    with pytest.raises(sg.TypeMismatch, match=r"expected \(variable, value\) pairs"):
        sg.function([], updates=[w])
    with pytest.raises(sg.GraphError, match=r"w: float32\[2\] expects float32\[2\]"):
        sg.function([], updates={w: np.zeros(3, "float32")})


def test_a_widened_dtype_names_the_node_that_widened_it():
    w = sg.shared(np.zeros(2, "float32"), name="w")
    rate = sg.tensor("rate", dtype="float64", shape=())
    step = w * 2
    wide = step * rate  # widened here
    with pytest.raises(sg.TypeMismatch) as caught:
        sg.function([rate], updates={w: w - wide})
    text = str(caught.value)
    assert "w: float32[2], made at" in text
    assert "would become float64[2]" in text
    assert "# widened here" in text
    assert "because of rate: float64[]" in text
    assert ".astype('float32')" in text


def test_default_updates_apply_unless_replaced(mode):
    n = sg.shared(0, name="n")
    n.default_update = n + 1
    fn = sg.function([], n * 10, mode=mode)
    assert [int(fn()) for _ in range(3)] == [0, 10, 20]
    other = sg.function([], n * 10, updates={n: n + 5}, mode=mode)
    assert [int(other()) for _ in range(2)] == [30, 80]
    for excluded in (True, [n]):
        still = sg.function([], n, no_default_updates=excluded, mode=mode)
        assert [int(still()) for _ in range(2)] == [13, 13]


def test_default_updates_of_what_a_default_update_reads(mode):
    a, b = sg.shared(0, name="a"), sg.shared(100, name="b")
    a.default_update, b.default_update = b + 0, b + 1
    fn = sg.function([], a, mode=mode)
    assert [int(fn()) for _ in range(3)] == [0, 100, 101]
    assert b.get_value() == 103


def test_a_value_replaced_by_givens_has_no_default_update(mode):
    n = sg.shared(0, name="n")
    n.default_update = n + 1
    fn = sg.function([], n * 2, givens={n: 7}, mode=mode)
    assert [int(fn()) for _ in range(2)] == [14, 14]
    assert n.get_value() == 0


def test_a_shared_variable_without_a_value_says_how_to_get_one(mode):
    w = sg.shared(np.zeros(2, "float32"), name="w")
    w.missing = "layer: statistics were never learned; call post_learn"
    fn = sg.function([], w * 2, mode=mode)
    with pytest.raises(MissingValue, match="call post_learn"):
        fn()
    w.set_value(np.ones(2, "float32"))
    assert fn().tolist() == [2, 2]


def test_an_update_gives_a_missing_value(mode):
    w = sg.shared(np.zeros(2, "float32"), name="w")
    w.missing = "never learned"
    sg.function([], updates={w: np.ones(2, "float32")}, mode=mode)()
    assert w.get_value().tolist() == [1, 1]
