"""Taking over memory: where it is allowed, where not, and with what results."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import sizes
from codegen.build import build
from codegen.inplace import in_place, renamed
from codegen.ir import (
    Accumulate,
    Buffer,
    Call,
    Gather,
    Gemm,
    Kernel,
    Kind,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    Program,
    Role,
    SizeValue,
    Store,
)
from codegen.schedule import elementwise, parallel
from codegen.traverse import buffers

m, n = sizes.symbol("m"), sizes.symbol("n")
SHAPE = (m, n)
X = Buffer("x", "float32", SHAPE, Role.ARGUMENT)
Y = Buffer("y", "float32", SHAPE, Role.ARGUMENT)


def temporary(name, shape=SHAPE, dtype="float32"):
    return Buffer(name, dtype, shape)


def add(a, b):
    return Call("add", (a, b), "float32")


def plain(i):
    return i[0] * n + i[1]


def sweep(target, value):
    """target[i, j] = value((i, j))"""
    return elementwise(SHAPE, lambda i: (Store(target, plain(i), value(i)),))


def program(*steps):
    kernels = tuple(Kernel(step, "step") for step in steps)
    return Program("p", ("m", "n"), (X, Y), kernels)


def taken(step, *others):
    """Whether ``b`` of ``step`` takes the memory of ``a``."""
    first = sweep(A, lambda i: Load(X, plain(i)))
    last = sweep(Y, lambda i: Load(B, plain(i)))
    done = in_place(program(first, *others, step, last))
    return B not in buffers(done.kernels[-1].step)


A, B = temporary("a"), temporary("b")


def test_an_elementwise_result_takes_the_memory_of_its_operand():
    assert taken(sweep(B, lambda i: add(Load(A, plain(i)), Load(X, plain(i)))))


def test_loops_in_blocks_count_as_one():
    strides = (n, 1)
    step = elementwise(
        SHAPE,
        lambda i: (
            Store(B, plain(i), add(Load(A, plain(i)), Load(X, i[1] * strides[1]))),
        ),
    )
    assert isinstance(step.body[0], Loop) and taken(step)


def softmax(i):
    row, col = i[0], sizes.symbol("c")
    total = Local("total", "float32")
    read = Load(A, row * n + col)
    return (
        Let("total", Literal(0, "float32")),
        Loop("c", 0, n, (Accumulate(total, "add", read),), Kind.SIMD),
        Loop("c", 0, n, (Store(B, row * n + col, add(read, total)),), Kind.SIMD),
    )


def test_rows_read_once_before_they_are_written_may_be_taken():
    assert taken(parallel((m,), softmax))


def test_a_row_that_is_read_after_it_was_written_may_not():
    def late(i):
        first, sums, store = softmax(i)
        return (first, store, sums)

    assert not taken(parallel((m,), late))


def test_a_row_may_be_written_more_than_once_at_one_place_only():
    row, col = sizes.symbol("i0"), sizes.symbol("c")

    def again(at):
        def body(i):
            first, sums, store = softmax(i)
            scaled = Store(B, at, half(Load(B, at)))
            return (first, sums, store, Loop("c", 0, n, (scaled,), Kind.SIMD))

        return body

    assert taken(parallel((m,), again(row * n + col)))
    assert not taken(parallel((m,), again(row * n + (n - 1 - col))))
    assert not taken(parallel((m,), again((m - 1 - row) * n + col)))


def test_an_element_that_another_one_needs_may_not_be_taken():
    shifted = sweep(B, lambda i: Load(A, plain(i) + 1))
    turned = sweep(B, lambda i: Load(A, i[1] * m + i[0]))
    data = sweep(B, lambda i: Gather(A, 0, 1, SizeValue(plain(i))))
    assert not any(map(taken, (shifted, turned, data)))


def test_memory_that_is_needed_later_may_not_be_taken():
    step = sweep(B, lambda i: Load(A, plain(i)))
    both = sweep(Y, lambda i: add(Load(A, plain(i)), Load(B, plain(i))))
    done = in_place(program(sweep(A, lambda i: Load(X, plain(i))), step, both))
    assert B in buffers(done.kernels[-1].step)


def test_dtypes_and_lengths_must_agree():
    for other in (temporary("b", (m, n * 2)), temporary("b", SHAPE, "int32")):
        value = Literal(0, other.dtype)
        steps = (
            sweep(A, lambda i: Load(X, plain(i))),
            elementwise(
                SHAPE,
                lambda i, other=other, value=value: (
                    Store(other, plain(i), value),
                    Store(Y, plain(i), Load(A, plain(i))),
                ),
            ),
            sweep(Y, lambda i: Load(Y, plain(i))),
        )
        assert in_place(program(*steps)) == program(*steps)


def test_an_element_written_twice_may_not_be_taken():
    twice = Loop("k", 0, 2, (sweep(B, lambda i: Load(A, plain(i))),))
    assert not taken(twice)


def test_other_kernels_follow_the_new_name():
    step = sweep(B, lambda i: Load(A, plain(i)))
    product = Gemm(B, B, Y, m, n, n)
    done = in_place(program(sweep(A, lambda i: Load(X, plain(i))), step, product))
    assert done.kernels[-1].step.a == A


def half(value):
    return Call("mul", (value, Literal(0.5, "float32")), "float32")


# name: the value at an index of operands a and c, and NumPy's word for it
OPS = {
    "add": (
        lambda i, a, c: add(Load(a, plain(i)), Load(c, plain(i))),
        lambda u, v: u + v,
    ),
    "row": (
        lambda i, a, c: add(Load(a, plain(i)), Load(c, i[1])),
        lambda u, v: u + v[0],
    ),
    "turn": (lambda i, a, c: Load(a, i[1] * n + i[0]), lambda u, v: u.T),
    "shift": (
        lambda i, a, c: Load(a, i[0] * n + (n - 1 - i[1])),
        lambda u, v: u[:, ::-1],
    ),
}


def made(kind, target, a, c, u, v):
    """A step that computes ``target``, and NumPy's result."""
    if kind == "softmax":
        step = renamed(parallel((m,), softmax), {A: a, B: target})
        return step, u + u.sum(1, keepdims=True)
    value, result = OPS[kind]
    return sweep(target, lambda i: half(value(i, a, c))), result(u, v) * np.float32(0.5)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*OPS, "softmax"]), st.integers(0, 3), st.integers(0, 3)
        ),
        max_size=8,
    )
)
def test_results_do_not_change(drawn):
    """Random programs on one square array give NumPy's results."""
    size = 37
    held, arrays = [X], [np.random.default_rng(0).random((size, size), "float32")]
    steps = []
    for number, (kind, back, other) in enumerate(drawn):
        one, two = -1 - back % len(held), -1 - other % len(held)
        operands = held[one], held[two], arrays[one], arrays[two]
        target = temporary(f"t{number}")
        step, result = made(kind, target, *operands)
        steps.append(step)
        held.append(target)
        arrays.append(np.ascontiguousarray(result))
    steps.append(sweep(Y, lambda i: Load(held[-1], plain(i))))
    y = np.zeros((size, size), "float32")
    build([program(*steps)])["p"].run((arrays[0], y), (size, size))
    np.testing.assert_allclose(y, arrays[-1], rtol=1e-4)


@pytest.mark.parametrize("length", [2, 6])
def test_a_chain_of_any_length_takes_one_buffer(length):
    chain = [temporary(f"t{k}") for k in range(length)]
    steps = [sweep(chain[0], lambda i: Load(X, plain(i)))]
    for before, after in pairwise(chain):
        steps.append(
            sweep(after, lambda i, b=before: add(Load(b, plain(i)), Load(X, i[1])))
        )
    steps.append(sweep(Y, lambda i: Load(chain[-1], plain(i))))
    native = build([program(*steps)])["p"]
    assert native.peak_bytes((16, 8)) == 512
