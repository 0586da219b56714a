"""Two small programs, one that computes and one that checks, and arrays for them."""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.ir import (
    Buffer,
    Call,
    Check,
    Kernel,
    Kind,
    Literal,
    Load,
    Loop,
    Program,
    Requirement,
    Role,
    SizeValue,
    Store,
)

n, m, i = map(sizes.symbol, ("n", "m", "i"))
X = Buffer("x", "float32", (n,), Role.ARGUMENT)
Y = Buffer("y", "float32", (n,), Role.ARGUMENT)


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def sweep(*body):
    return Loop("i", 0, n, body, Kind.PARALLEL)


def chained():
    """y = (x + 1) * 2 by way of a temporary, plus a constant array."""
    t = Buffer("t", "float32", (n,))
    c = Buffer("c", "float32", (3,), Role.CONSTANT)
    first = sweep(Store(t, i, call("add", Load(X, i), Load(c, 1))))
    second = sweep(Store(Y, i, call("mul", Load(t, i), Load(c, 2))))
    values = np.array([[9, 1, 2]], "float64")
    kernels = (Kernel(first, "add"), Kernel(second, "multiply"))
    return Program("chained", ("n",), (X, Y), kernels, ((c, values),))


def checked():
    """y = x, but error 7 where an x is negative, 5 where n differs from m."""
    held = call("ge", Load(X, i), Literal(0, "float32"), dtype="bool")
    check = Check(held, 7, (SizeValue(i), SizeValue(n)))
    loop = Loop("i", 0, n, (check, Store(Y, i, Load(X, i))), Kind.PARALLEL)
    late = sweep(Store(Y, i, Literal(1, "float32")))
    kernels = (Kernel(loop, "check"), Kernel(late, "later"))
    return Program("checked", ("n", "m"), (X, Y), kernels, (), (Requirement(n, m, 5),))


def pair(count=1000):
    return np.arange(count, dtype="float32"), np.zeros(count, "float32")
