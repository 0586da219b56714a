"""``Apply``: what it infers, remembers and reports; how ops print."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import symgraph as sg
from symgraph.graph import (
    Apply,
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    Variable,
    inherit_site,
    scope,
)


@dataclass(frozen=True)
class Picky(Op):
    """Takes one vector; has fields with and without defaults."""

    size: int
    label: str = "a"
    ratio: float = 0.5

    def infer_type(self, x):
        if x.ndim != 1:
            raise GraphError(f"picky: x must have 1 dimension, got {x}")
        return x, x.with_shape(())


def test_an_op_prints_what_is_not_at_its_default():
    assert str(Picky(3)) == "Picky(size=3)"
    assert str(Picky(3, "b")) == "Picky(size=3, label='b')"
    assert str(sg.exp(sg.vector()).owner.op) == "Exp"


def test_ops_are_equal_by_class_and_parameters():
    assert Picky(3) == Picky(3, "a")
    assert Picky(3) != Picky(4)
    add, sub = (f(sg.vector(), 1).owner.op for f in (sg.add, sg.sub))
    assert add != sub
    assert add == sg.add(sg.scalar(), 2).owner.op
    assert hash(add) == hash(sg.add(sg.scalar(), 2).owner.op)


def test_several_outputs_come_as_a_tuple():
    y, z = Picky(3)(sg.vector())
    assert (y.index, z.index) == (0, 1)
    assert y.owner is z.owner
    assert (y.ndim, z.ndim) == (1, 0)


def test_an_error_shows_the_line_of_each_argument():
    image = sg.matrix("image")
    with pytest.raises(GraphError) as caught:
        Picky(3)(image)
    lines = str(caught.value).splitlines()
    assert lines[0] == "picky: x must have 1 dimension, got float32[?, ?]"
    assert "argument 0: image: float32[?, ?], made at" in lines[1]
    assert 'image = sg.matrix("image")' in lines[1]
    assert "applied at" in lines[2]
    assert "Picky(3)(image)" in lines[2]


def test_an_error_keeps_its_class_and_names_no_value_that_is_no_variable():
    with pytest.raises(TypeMismatch, match="expected float32 or float64, got int64"):
        sg.exp(sg.vector()).owner.op(sg.lvector())
    with pytest.raises(GraphError, match="expected a Variable, got 3"):
        Picky(3)(3)


def test_a_broadcasting_error_shows_both_shapes_and_lines():
    a = sg.tensor("a", shape=(2, 3))
    b = sg.tensor("b", shape=(5, 3))
    with pytest.raises(GraphError) as caught:
        a + b
    text = str(caught.value)
    assert "add: cannot broadcast float32[2, 3] with float32[5, 3]" in text
    assert "dimension -2 is 2 and 5" in text
    assert 'b = sg.tensor("b", shape=(5, 3))' in text


def test_sites_name_the_layers_around_them():
    with scope("block"), scope("conv"):
        y = sg.exp(sg.vector())
    assert y.site.scope == ("block", "conv")
    assert " in block.conv: y = sg.exp" in str(y.site)


def test_sites_can_be_inherited():
    x = sg.vector()
    y = sg.exp(x)
    with inherit_site(y.site):
        z = sg.log(y)
    assert z.site == y.site
    with inherit_site(None):
        assert sg.log(y).site != y.site


def test_every_op_has_the_interface_of_op():
    op = Op()
    x = Variable(TensorType("float32", (3,)))
    with pytest.raises(NotImplementedError, match="infer_type"):
        op(x)
    with pytest.raises(NotImplementedError, match="reference"):
        op.reference()
    with pytest.raises(GraphError, match="no derivative is defined"):
        op.vjp((), (), ())
    assert op.expand(x) is None
    assert op.infer_shape([(2, 3)], [None]) == (2, 3)


def test_an_apply_prints_its_arguments():
    x = sg.vector("x")
    assert repr(Apply(Picky(3), [x])) == "Picky(size=3)(x: float32[?])"
