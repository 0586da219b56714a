"""Elementwise sweeps: every arrangement of axes gives NumPy's result."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.ir import (
    Buffer,
    Call,
    Kernel,
    Kind,
    Load,
    Loop,
    Program,
    Role,
    SizeValue,
    Store,
)
from codegen.schedule import Axis, elementwise, merged

i, j, n = map(sizes.symbol, "ijn")


def place(indices, strides):
    return sum((a * s for a, s in zip(indices, strides, strict=True)), 0)


def added(name, extents, strides, names=()):
    """y = a + b, each operand read with its own strides (0 where it repeats)."""
    shape = tuple(extents)
    a = Buffer("a", "float32", shape, Role.ARGUMENT)
    b = Buffer("b", "float32", shape, Role.ARGUMENT)
    y = Buffer("y", "float32", shape, Role.ARGUMENT)
    own = sizes.contiguous_strides(shape)

    def body(at):
        left, right = (
            Load(buffer, place(at, steps))
            for buffer, steps in zip((a, b), strides, strict=True)
        )
        return (Store(y, place(at, own), Call("add", (left, right), "float32")),)

    step = elementwise(extents, body)
    return Program(name, names, (a, b, y), (Kernel(step, "add"),)), step


def strides_of(array):
    return tuple(step // array.itemsize for step in array.strides)


def operands():
    """Pairs of arrays that lie alike, repeated, or turned against each other."""
    rng = np.random.default_rng(0)
    for shape in [(), (1,), (5000,), (2, 3, 5, 7), (70, 90), (300, 3), (3, 5000, 2)]:
        a = rng.normal(size=shape).astype("float32")
        yield a, a * 2  # together
        if len(shape) > 1:
            yield a, np.broadcast_to(a[..., :1, :1], shape)
            yield a, np.broadcast_to(a[:1], shape)
            yield a, np.ascontiguousarray(a.T).T  # read across


def symbolic_strides(a, b, extents):
    """The strides of both arrays, were their ``extents`` not known."""
    own = sizes.contiguous_strides(extents)
    if b.strides != a.strides and 0 not in b.strides:
        return own, sizes.contiguous_strides(extents[::-1])[::-1]
    pairs = zip(b.strides, own, strict=True)
    return own, tuple(0 if step == 0 else size for step, size in pairs)


def memory_of(a, b, symbolic):
    """The array that b is read from."""
    if 0 in b.strides:
        return np.ascontiguousarray(a if symbolic else b.base)
    return np.ascontiguousarray(b.T if b.flags.f_contiguous else b)


@pytest.mark.parametrize("symbolic", [False, True])
def test_every_layout_agrees_with_numpy(symbolic):
    cases, programs = [*operands()], []
    for number, (a, b) in enumerate(cases):
        names = tuple(f"n{axis}" for axis in range(a.ndim)) if symbolic else ()
        extents = tuple(map(sizes.symbol, names)) if symbolic else a.shape
        strides = strides_of(a), strides_of(b)
        if symbolic:
            strides = symbolic_strides(a, b, extents)
        programs.append(added(f"p{number}", extents, strides, names)[0])
    module = build(programs)
    for number, (a, b) in enumerate(cases):
        held = memory_of(a, b, symbolic)
        for threads in (1, 2, 3):
            y = np.full(a.shape, np.nan, "float32")
            given = a.shape if symbolic else ()
            module[f"p{number}"].run([a, held, y], given, threads)
            np.testing.assert_array_equal(y, a + b)


def test_axes_that_lie_together_become_one():
    shape = (2, 3, 5)
    own = sizes.contiguous_strides(shape)
    _, step = added("p", shape, (own, own))
    assert isinstance(step, Loop) and step.stop == 30
    assert not any(isinstance(inner, Loop) for inner in step.body)


def test_a_repeated_operand_keeps_its_axes_apart():
    _, step = added("p", (2, 30, 50), ((1500, 50, 1), (0, 1, 0)))
    extents = []
    while isinstance(step, Loop):
        extents.append(step.stop)
        (step,) = step.body
    assert extents == [2, 30, 50]


def test_run_time_extents_merge_too():
    y = Buffer("y", "int64", (n, 5))
    store = Store(y, i * 5 + j, SizeValue(i * 5 + j))
    axes, (only,) = merged([Axis("i", n), Axis("j", 5)], (store,))
    assert axes == [Axis("j", n * 5)]
    assert only == Store(y, j, SizeValue(j))


def test_an_index_used_alone_forbids_merging():
    y = Buffer("y", "int64", (n, 5))
    axes, _ = merged([Axis("i", n), Axis("j", 5)], (Store(y, i * 5 + j, SizeValue(j)),))
    assert len(axes) == 2


def test_a_short_last_axis_is_unrolled():
    _, step = added("p", (700, 3), ((3, 1), (0, 1)))
    assert step.kind is Kind.PARALLEL
    assert step.body[0].kind is Kind.UNROLL
