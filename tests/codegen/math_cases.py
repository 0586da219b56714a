"""Transcendental functions: the errors that are stated, points, and NumPy's word.

``ERRORS`` is the statement: units in the last place, float32 and float64. References
are computed with more precision than the result has.
"""

from __future__ import annotations

import math

import numpy as np

from codegen import sizes
from codegen.ir import Buffer, Call, Kernel, Kind, Load, Loop, Program, Role, Store

ERRORS = {
    "exp": (1.1, 1.1),
    "exp_fall": (1.4, 1.4),
    "exp2": (1.2, 1.2),
    "expm1": (1.6, 2.3),
    "log": (0.9, 0.9),
    "log2": (0.6, 1.6),
    "log10": (0.6, 1.8),
    "log1p": (1.4, 1.0),
    "sigmoid": (2.3, 2.2),
    "softplus": (1.7, 1.7),
    "tanh": (2.2, 2.6),
    "sin": (1.6, 1.0),
    "cos": (1.6, 1.0),
    "tan": (0.6, 2.5),
    "asin": (0.6, 2.3),
    "acos": (0.6, 1.5),
    "atan": (0.6, 1.8),
    "sinh": (0.6, 2.5),
    "cosh": (0.6, 1.6),
    "asinh": (0.6, 1.8),
    "acosh": (0.6, 1.9),
    "atanh": (0.6, 2.0),
    "erf": (2.5, 2.2),
    "erfc": (2.9, 3.2),
}
ERRORS_OF_TWO = {"pow": (0.6, 1.2), "atan2": (0.6, 2.3)}
DTYPES = ("float32", "float64")
LONG = np.longdouble


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


REFERENCES = {
    "exp_fall": np.exp,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": lambda x: np.array([math.erf(v) for v in x], LONG),
    "erfc": lambda x: np.array([math.erfc(v) for v in x], LONG),
}
n, i = sizes.symbol("n"), sizes.symbol("i")


def program(function, dtype, arity=1):
    arguments = [Buffer(f"x{k}", dtype, (n,), Role.ARGUMENT) for k in range(arity)]
    y = Buffer("y", dtype, (n,), Role.ARGUMENT)
    call = Call(function, tuple(Load(x, i) for x in arguments), dtype)
    loop = Loop("i", 0, n, (Store(y, i, call),), Kind.PARALLEL)
    name = f"{function}_{dtype}"
    return Program(name, ("n",), (*arguments, y), (Kernel(loop, function),))


def points(function, dtype):
    """Points all over the domain: near 0 and 1, over the range, over all exponents."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    count = 4000
    wide = 100 if dtype == "float32" else 740
    low, high = math.log(float(info.smallest_subnormal)), math.log(float(info.max))
    exponents = np.exp(rng.uniform(low * 0.999, high * 0.999, count))
    sign = rng.choice([-1.0, 1.0], count)
    spread = [
        rng.uniform(-2, 2, count),
        rng.uniform(-10, 10, count),
        rng.uniform(-wide, wide, count),
        1 + rng.uniform(-0.01, 0.01, count),
        sign * exponents,
    ]
    if function in ("sin", "cos", "tan"):
        # the floats closest to a multiple of pi/2, and other multiples
        hexadecimal = {"float32": "0x1.f37c8ap95", "float64": "0x1.6ac5b262ca1ffp849"}
        closest = float.fromhex(hexadecimal[dtype])
        spread += [[closest, -closest, float(info.max)]]
        spread += [np.arange(1, count) * (np.pi / 2), np.arange(1, 9) * np.pi * 2.0**40]
    if function in ("asin", "acos", "atanh"):
        spread = [sign * spread[0] / 2, np.exp(-np.abs(spread[1])), spread[3] - 0.011]
    return in_domain(function, np.concatenate(spread).astype(dtype))


def in_domain(function, x):
    """Where a function is not defined, other points."""
    if function in ("log", "log2", "log10"):
        x = np.abs(x)
    if function == "exp_fall":
        x = -np.abs(x)
    if function == "log1p":
        x = np.where(x <= -1, -x, x)
    return 1 + np.abs(x) if function == "acosh" else x


def programs():
    """A program for each function and dtype."""
    one = [program(name, dtype) for name in ERRORS for dtype in DTYPES]
    return one + [program(name, d, 2) for name in ERRORS_OF_TWO for d in DTYPES]


def check_errors(module, function):
    """Within the stated error at all points; beyond the range what NumPy gives."""
    for dtype, allowed in zip(DTYPES, ERRORS[function], strict=True):
        x = points(function, dtype)
        y = np.empty_like(x)
        assert module[f"{function}_{dtype}"].run([x, y], (x.size,)) == 0
        reference = REFERENCES.get(function) or getattr(np, function)
        with np.errstate(all="ignore"):
            exact = reference(x.astype(LONG))
            rounded = exact.astype(dtype)
            finite = np.isfinite(rounded)
            unit = np.spacing(np.abs(rounded[finite])).astype(LONG)
            error = np.abs(y[finite].astype(LONG) - exact[finite]) / unit
        np.testing.assert_array_equal(y[~finite], rounded[~finite])
        worst = error.argmax()
        where = f"{function}({x[finite][worst]!r}) = {y[finite][worst]!r}"
        assert error[worst] <= allowed, where


def pairs(dtype):
    """Specials against specials; bases with powers over the whole range of results."""
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, 1e-40, 1e38]
    special += [np.inf, -np.inf, np.nan]
    a, b = (grid.ravel() for grid in np.meshgrid(special, special))
    top, count = math.log(np.finfo(dtype).max), 4000
    bases = [rng.uniform(0, 9, count), 1 + rng.uniform(-1e-3, 1e-3, count)]
    bases += [np.exp(rng.uniform(-top * 1.04, top, count))]
    bases = np.concatenate(bases)
    powers = rng.uniform(-1.03, 1.03, bases.size) * top / np.log(bases)
    a = np.concatenate([a, bases, rng.normal(0, 9, 500)])
    b = np.concatenate([b, powers, np.round(rng.normal(0, 9, 500))])
    return a.astype(dtype), b.astype(dtype)


def check_errors_of_two(module, function):
    """The same for functions of two arguments, and the signs of what is not finite."""
    for dtype, allowed in zip(DTYPES, ERRORS_OF_TWO[function], strict=True):
        a, b = pairs(dtype)
        y = np.empty_like(a)
        assert module[f"{function}_{dtype}"].run([a, b, y], (a.size,)) == 0
        reference = {"pow": np.power, "atan2": np.arctan2}[function]
        with np.errstate(all="ignore"):
            exact = reference(a.astype(LONG), b.astype(LONG))
            rounded = exact.astype(dtype)
        known, finite = ~np.isnan(rounded), np.isfinite(rounded)
        np.testing.assert_array_equal(y[~finite], rounded[~finite])
        assert (np.signbit(y) == np.signbit(rounded))[known].all()
        unit = np.spacing(np.abs(rounded[finite])).astype(LONG)
        error = np.abs(y[finite].astype(LONG) - exact[finite]) / unit
        worst = error.argmax()
        where = f"{function}({a[finite][worst]!r}, {b[finite][worst]!r})"
        assert error[worst] <= allowed, f"{where} = {y[finite][worst]!r}"
