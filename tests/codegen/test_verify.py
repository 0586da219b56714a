"""Programs that cannot be printed as meant are refused, with the reason."""

from __future__ import annotations

import pytest

from codegen import sizes
from codegen.errors import CodegenError
from codegen.ir import (
    Accumulate,
    Assign,
    Buffer,
    Call,
    Check,
    Kernel,
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
from codegen.verify import verify

n, i, k = map(sizes.symbol, "nik")
X = Buffer("x", "float32", (n,), Role.ARGUMENT)
Y = Buffer("y", "float32", (n,), Role.ARGUMENT)
ONE = Literal(1, "float32")
DOUBLE = Local("a", "float64")


def program(*body, name="p", arguments=(X, Y)):
    kernel = Kernel(Loop("i", 0, n, body), "the loop")
    return Program(name, ("n",), arguments, (kernel,))


def test_a_good_program_passes():
    total = Local("total", "float32")
    verify(
        program(
            Let("total", Literal(0, "float32")),
            Let("at", SizeValue(i * 2)),
            Loop("k", 0, i, (Accumulate(total, "add", Load(X, k)),)),
            Store(Y, sizes.symbol("at"), total),
        )
    )


REFUSED = [
    (Store(Y, k, ONE), "k: no such index here"),
    (Store(Y, i, Literal(1, "float64")), "buffer y: expected float32, got float64"),
    (Store(Y, i, Local("a", "float32")), "local a: used before it is declared"),
    (Assign(Local("a", "float32"), ONE), "local a: used before it is declared"),
    (Check(ONE, 1), "a check: expected bool, got float32"),
    (Check(Literal(True, "bool"), 1, (ONE,)), "number of a check: expected int64"),
    (Check(Literal(True, "bool"), 1, (SizeValue(i),) * 4), "most 3 numbers, got 4"),
    (Store(Buffer("z", "float32", (n,), Role.CONSTANT), i, ONE), "z: not listed"),
    (Store(Buffer("z", "complex64", (n,)), i, ONE), "z: no dtype complex64"),
    (Store(Buffer("y", "float32", (3,)), i, ONE), "two buffers have this name"),
    (Let("sg_sum", ONE), "'sg_sum' cannot be a name in C"),
    (Let("double", ONE), "'double' cannot be a name in C"),
    (Let('x; system("rm")', ONE), "cannot be a name in C"),
    (
        Store(Y, i, Call("add", (ONE, Literal(1, "float64")), "float32")),
        "add: expected float32, got float32, float64",
    ),
    (Check(Call("lt", (ONE, Literal(1, "int32")), "bool"), 1), "lt: gives bool"),
]


@pytest.mark.parametrize("statement, message", REFUSED)
def test_faults_are_named(statement, message):
    with pytest.raises(CodegenError) as caught:
        verify(program(statement))
    assert message in str(caught.value) and "p, the loop: " in str(caught.value)


@pytest.mark.parametrize("name", ["", "2x", "a b", 'x; system("rm -rf /")', "x\n", "é"])
def test_names_that_are_not_of_c(name):
    with pytest.raises(CodegenError, match="cannot be a name in C"):
        verify(program(Store(Y, i, ONE), name=name))
    with pytest.raises(CodegenError, match="cannot be a name in C"):
        verify(program(arguments=(Buffer(name, "float32", (n,), Role.ARGUMENT),)))


def test_names_are_not_used_twice():
    with pytest.raises(CodegenError, match="two things are called x"):
        verify(program(arguments=(X, X)))


def test_a_local_ends_with_its_loop():
    inner = Loop("k", 0, 3, (Let("a", ONE),))
    with pytest.raises(CodegenError, match="local a: used before"):
        verify(program(inner, Store(Y, i, Local("a", "float32"))))
