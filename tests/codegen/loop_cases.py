"""Buffers and simple loops over them, for tests of programs of several kernels."""

from __future__ import annotations

from codegen.ir import Buffer, Call, Literal, Load, Loop, Role, Statement, Store
from codegen.schedule import elementwise
from codegen.sizes import Size


def temporary(name: str, *shape: Size) -> Buffer:
    """Memory of the call."""
    return Buffer(name, "float32", shape)


def argument(name: str, *shape: Size) -> Buffer:
    """Memory of the caller."""
    return Buffer(name, "float32", shape, Role.ARGUMENT)


def copied(
    source: Buffer,
    target: Buffer,
    start: Size = 0,
    extent: Size = 4,
    plus: float = 0.0,
    before: tuple[Statement, ...] = (),
) -> Loop:
    """target[start + i] = source[i] + plus, after what comes ``before`` each."""

    def body(index: tuple[Size, ...]) -> tuple[Statement, ...]:
        more = Literal(plus, "float32")
        value = Call("add", (Load(source, index[0]), more), "float32")
        return (*before, Store(target, start + index[0], value))

    return elementwise((extent,), body)
