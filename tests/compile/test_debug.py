"""``mode="debug"`` names the rewrite, or the node, that is wrong."""

import numpy as np
import pytest

import symgraph as sg
from symgraph import ops
from symgraph.compile import DebugError, Mode
from symgraph.compile.debug import difference
from symgraph.rewriting import RewriteChangedValue, Stage, node, rewrite, wildcards

(x_,) = wildcards("x_")


@rewrite(node(ops.Exp)(x_), label="exact")
def exp_is_identity(x_):
    """exp(x) -> x, which is wrong."""
    return x_


def test_a_wrong_rule_is_named_with_its_theorem():
    x = sg.vector("x")
    y = sg.exp(x)  # the line
    fn = sg.function(
        [x], y * 2, mode=Mode("debug", (Stage("wrong", (exp_is_identity,)),))
    )
    with pytest.raises(RewriteChangedValue) as caught:
        fn([1, 2])
    assert "exp_is_identity" in str(caught.value)
    assert "which is wrong" in str(caught.value)
    assert "# the line" in str(caught.value)


def test_a_wrong_node_of_native_code_is_named(monkeypatch):
    x = sg.vector("x")
    y = sg.exp(x)  # the line
    fn = sg.function([x], y * 2, mode="debug")
    monkeypatch.setattr(ops.Exp, "reference", lambda self, x: np.exp(x) + 1)
    with pytest.raises(DebugError) as caught:
        fn([1, 2])
    text = str(caught.value)
    assert "output 0 of native code differs" in text
    assert "the first wrong node is Exp" in text
    assert "# the line" in text


def test_what_counts_as_a_difference():
    a = np.array([1, np.nan, np.inf], "float32")
    assert difference(a, a) is None
    assert difference(a * np.float32(1 + 1e-6), a) is None
    negated = a * np.array([1, 1, -1], "float32")
    assert difference(negated, a).startswith("1 of 3 values, the first at [2]")
    assert "float64[3], expected float32[3]" in difference(a.astype("float64"), a)
    assert difference(np.array([1, 2]), np.array([1, 3])).startswith("1 of 2 values")
    assert difference(np.zeros(0), np.zeros(0)) is None


def test_what_cancels_is_no_difference():
    x, bias = sg.tensor4("x"), sg.shared(np.ones(2, "float32"))
    filters = np.linspace(-1, 1, 54, dtype="float32").reshape(2, 3, 3, 3)
    y = sg.nn.conv2d(x, filters, bias)
    ones, zeros = np.ones(2, "float32"), np.zeros(2, "float32")
    normal, *_ = sg.nn.batch_norm_training(y, ones, zeros)
    nothing = sg.grad((normal**3).sum(), bias)  # normal does not depend on it
    values = np.random.default_rng(0).normal(size=(5, 3, 7, 11)).astype("float32")
    assert np.abs(sg.function([x], nothing, mode="debug")(values)).max() < 1e-2
