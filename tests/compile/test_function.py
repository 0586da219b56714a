"""``function``: structures of outputs, unused inputs, givens, what a function shows."""

import copy
import pickle

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile import UnusedInputError, UnusedInputWarning


def test_outputs_come_back_in_the_structure_asked_for(mode):
    x = sg.vector("x")
    value = np.array([1, 2], "float32")
    assert isinstance(sg.function([x], x * 2, mode=mode)(value), np.ndarray)
    listed = sg.function([x], [x * 2, x.sum()], mode=mode)(value)
    assert isinstance(listed, list)
    assert listed[1].shape == () and listed[1] == 3
    assert isinstance(sg.function([x], (x * 2,), mode=mode)(value), tuple)
    named = sg.function([x], {"double": x * 2, 3: x}, mode=mode)(value)
    assert list(named) == ["double", 3]
    assert named["double"].tolist() == [2, 4]
    assert sg.function([], [], mode=mode)() == []
    assert sg.function([], mode=mode)() is None


def test_outputs_are_fresh_arrays(mode):
    x = sg.vector("x")
    w = sg.shared(np.ones(2, "float32"))
    k = sg.constant(np.ones(2, "float32"))
    fn = sg.function([x], [x, x, w, k, x.reshape((2, 1))], mode=mode)
    value = np.zeros(2, "float32")
    first = fn(value)
    for output in first:
        np.add(output, 7, out=output)
    assert value.tolist() == [0, 0]
    assert w.get_value().tolist() == [1, 1]
    second = fn(value)
    assert [o.ravel().tolist() for o in second] == [
        [0, 0],
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
    ]
    assert first[0].tolist() == [7, 7]


def test_outputs_that_need_no_input(mode):
    assert sg.function([], sg.constant(2.5) * 2, mode=mode)() == 5
    assert sg.function([], [1, np.arange(3)], mode=mode)()[1].tolist() == [0, 1, 2]


def test_an_inner_variable_can_be_an_input(mode):
    x = sg.vector("x")
    middle = sg.exp(x)
    fn = sg.function([middle], middle * 2, mode=mode)
    assert fn([1, 2]).tolist() == [2, 4]


def test_unused_inputs():
    x, y = sg.vector("x"), sg.vector("y")
    with pytest.raises(UnusedInputError, match=r"input 1 \(y: float32\[\?\]\)"):
        sg.function([x, y], x, mode="numpy")
    with pytest.warns(UnusedInputWarning, match="no output and no update depends"):
        sg.function([x, y], x, mode="numpy", on_unused_input="warn")
    with pytest.raises(sg.GraphError, match="on_unused_input: expected one of"):
        sg.function([x, y], x, mode="numpy", on_unused_input="shout")


def test_an_ignored_input_is_still_checked(mode):
    x, y = sg.vector("x"), sg.vector("y")
    fn = sg.function([y, x], x * 2, mode=mode, on_unused_input="ignore")
    assert fn([1], [1, 2]).tolist() == [2, 4]
    with pytest.raises(ValueError, match="argument 0 'y'"):
        fn(1.0, [1, 2])


def test_inputs_that_cannot_be_inputs():
    x, w = sg.vector("x"), sg.shared(1.0, name="w")
    with pytest.raises(sg.GraphError, match="inputs 0 and 1 are the same variable"):
        sg.function([x, x], x)
    with pytest.raises(sg.TypeMismatch, match="is a shared variable"):
        sg.function([w], w)
    with pytest.raises(sg.TypeMismatch, match="is a constant"):
        sg.function([sg.constant(1)], x)
    with pytest.raises(sg.TypeMismatch, match="must be a Variable or In"):
        sg.function([1.0], x)
    with pytest.raises(sg.TypeMismatch, match="inputs must be a list"):
        sg.function(x, x)
    with pytest.raises(sg.TypeMismatch, match="output 'y' must be a Variable"):
        sg.function([x], {"y": "text"})
    with pytest.raises(sg.GraphError, match="neither an input nor a shared"):
        sg.function([], x * 2)


def test_givens_stand_for_inputs_and_shared_variables(mode):
    x, y = sg.vector("x"), sg.vector("y")
    w = sg.shared(np.ones(2, "float32"), name="w", shape=(None,))
    expression = x * w + 1
    fn = sg.function([y], expression, givens={x: y * 2, w: y}, mode=mode)
    assert fn([1, 3]).tolist() == [3, 19]
    fixed = sg.function([], expression, givens=[(x, [5, 7])], mode=mode)
    assert fixed().tolist() == [6, 8]


def test_givens_reach_the_updates(mode):
    x, w = sg.vector("x"), sg.shared(np.zeros(2, "float32"))
    fn = sg.function([], updates={w: w + x}, givens={x: [1, 2]}, mode=mode)
    fn()
    fn()
    assert w.get_value().tolist() == [2, 4]


def test_givens_of_another_type_are_refused():
    x, y = sg.vector("x"), sg.matrix("y")
    with pytest.raises(
        sg.TypeMismatch, match=r"givens: x.*expects float32\[\?\], got y"
    ):
        sg.function([y], x * 2, givens={x: y})
    with pytest.raises(sg.GraphError, match=r"givens: x.* is input 0"):
        sg.function([x], x * 2, givens={x: sg.constant(np.ones(2, "float32"))})
    with pytest.raises(sg.GraphError, match="given twice"):
        sg.function([], x * 2, givens=[(x, [1.0]), (x, [2.0])])
    with pytest.raises(sg.TypeMismatch, match="'x' is not a variable"):
        sg.function([], x * 2, givens={"x": 1})


def test_what_a_function_shows(mode):
    x = sg.vector("x")
    w = sg.shared(1.0, name="w")
    fn = sg.function([x], x * 1 + w, updates={w: w + 1}, mode=mode, name="f")
    assert repr(fn) == f"<f(x: float32[?]) -> (float32[?]), 1 updates, {mode}>"
    assert fn.updates.keys() == {w}
    assert len(fn.graph) < len(fn.source_graph)
    assert len(fn.history) >= 1
    assert "sg_entry_function" in fn.c_source


def test_copying_and_pickling_say_what_to_do_instead():
    x = sg.vector("x")
    fn = sg.function([x], x, mode="numpy", name="f")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="f: a compiled function cannot be pickled"):
            attempt(fn)


def test_an_unknown_mode():
    with pytest.raises(sg.GraphError, match="mode: expected one of 'c', 'numpy'"):
        sg.function([], [], mode="fast")


def test_the_mode_can_come_from_config():
    with sg.config.context(mode="numpy"):
        assert sg.function([], []).mode.backend == "numpy"


def test_a_run_time_error_points_at_the_users_line(mode):
    x, i = sg.matrix("x"), sg.ivector("i")
    loss = sg.nn.cross_entropy(x, i)  # the line
    fn = sg.function([x, i], loss, mode=mode, name="f")
    with pytest.raises(IndexError) as caught:
        fn(np.zeros((2, 3), "float32"), np.array([0, 7], "int32"))
    text = "\n".join([str(caught.value), *caught.value.__notes__])
    assert "# the line" in text


def test_sizes_that_do_not_agree_point_at_the_users_line(mode):
    x, y = sg.vector("x"), sg.vector("y")
    z = x + y  # the sum
    fn = sg.function([x, y], z, mode=mode, name="f")
    with pytest.raises(ValueError) as caught:
        fn([1, 2], [1, 2, 3])
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "# the sum" in text
