"""Every scalar function on every dtype gives NumPy's result."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.errors import CodegenError
from codegen.ir import Buffer, Call, Kernel, Kind, Load, Loop, Program, Role, Store
from codegen.scalars import C_TYPES, SCALARS, template
from codegen.target import runnable

n, i = sizes.symbol("n"), sizes.symbol("i")
INTEGERS = [d for d in C_TYPES if "int" in d]
FLOATS = ["float32", "float64"]
NUMBERS = INTEGERS + FLOATS
EVERY = ["bool", *NUMBERS]
EXACT = {
    "add": (np.add, EVERY),
    "sub": (np.subtract, NUMBERS),
    "mul": (np.multiply, EVERY),
    "div": (np.divide, FLOATS),
    "floordiv": (np.floor_divide, NUMBERS),
    "mod": (np.mod, NUMBERS),
    "neg": (np.negative, NUMBERS),
    "abs": (np.abs, EVERY),
    "sign": (np.sign, NUMBERS),
    "square": (np.square, NUMBERS),
    "reciprocal": (np.reciprocal, FLOATS),
    "relu": (lambda x: np.maximum(x, x.dtype.type(0)), NUMBERS),
    "maximum": (np.maximum, EVERY),
    "minimum": (np.minimum, EVERY),
    "eq": (np.equal, EVERY),
    "ne": (np.not_equal, EVERY),
    "lt": (np.less, EVERY),
    "le": (np.less_equal, EVERY),
    "gt": (np.greater, EVERY),
    "ge": (np.greater_equal, EVERY),
    "isnan": (np.isnan, NUMBERS),
    "isinf": (np.isinf, NUMBERS),
    "isfinite": (np.isfinite, NUMBERS),
    "logical_and": (np.logical_and, EVERY),
    "logical_or": (np.logical_or, EVERY),
    "logical_xor": (np.logical_xor, EVERY),
    "logical_not": (np.logical_not, EVERY),
    "bitwise_and": (np.bitwise_and, ["bool", *INTEGERS]),
    "bitwise_or": (np.bitwise_or, ["bool", *INTEGERS]),
    "bitwise_xor": (np.bitwise_xor, ["bool", *INTEGERS]),
    "invert": (np.invert, ["bool", *INTEGERS]),
    "left_shift": (np.left_shift, INTEGERS),
    "right_shift": (np.right_shift, INTEGERS),
    "floor": (np.floor, EVERY),
    "ceil": (np.ceil, EVERY),
    "trunc": (np.trunc, EVERY),
    "round": (np.round, NUMBERS),
    "sqrt": (np.sqrt, FLOATS),
}
EXTREMES = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e10, math.inf, -math.inf, math.nan]


def kernel(label, function, dtypes, result):
    """The loop y = function(a, b, ...) over vectors of ``dtypes``, and its buffers."""
    arguments = [
        Buffer(f"{label}x{place}", dtype, (n,), Role.ARGUMENT)
        for place, dtype in enumerate(dtypes)
    ]
    y = Buffer(f"{label}y", result, (n,), Role.ARGUMENT)
    loads = tuple(Load(x, i) for x in arguments)
    store = Store(y, i, Call(function, loads, result))
    loop = Loop("i", 0, n, (store,), Kind.PARALLEL)
    return Kernel(loop, label or function), (*arguments, y)


def elementwise(name, function, dtypes, result):
    """The program of one such loop."""
    loop, buffers = kernel("", function, dtypes, result)
    return Program(name, ("n",), buffers, (loop,))


class Case(NamedTuple):
    """A function that is called on some arrays, and what it should give."""

    label: str
    function: str
    inputs: list
    expected: np.ndarray


def check_together(cases, target=None):
    """Lists of cases, each a program: of a small one most is its entry."""
    programs = []
    for name, some in cases.items():
        loops, buffers = zip(
            *(
                kernel(
                    case.label,
                    case.function,
                    [x.dtype.name for x in case.inputs],
                    case.expected.dtype.name,
                )
                for case in some
            ),
            strict=True,
        )
        programs.append(Program(f"on_{name}", ("n",), sum(buffers, ()), loops))
    module = build(programs, target)
    for name, some in cases.items():
        results = [np.zeros_like(case.expected) for case in some]
        pairs = [*zip(some, results, strict=True)]
        arrays = [array for case, y in pairs for array in (*case.inputs, y)]
        assert module[f"on_{name}"].run(arrays, (203,)) == 0
        for case, y in pairs:
            np.testing.assert_array_equal(y, case.expected, f"{case.label} on {name}")


def samples(dtype, count, seed):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, count).astype(bool)
    if dtype in FLOATS:
        values = rng.normal(0, 30, count).astype(dtype)
        values[: count // 3] = rng.choice(EXTREMES, count // 3)
        return values
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max, count, dtype, endpoint=True)
    small = rng.integers(max(info.min, -9), 9, count // 2)
    values[: count // 2] = small.astype(dtype)
    return values


@pytest.mark.parametrize(
    ("target", "only"),
    [(target, FLOATS if place else EVERY) for place, target in enumerate(runnable())],
    ids=[target.name for target in runnable()],
)
def test_exact_functions_agree_with_numpy(target, only):
    check_together({dtype: [*exact_cases(dtype)] for dtype in only}, target)


def exact_cases(dtype):
    """Every function that is defined on a dtype."""
    for name, (reference, dtypes) in EXACT.items():
        if dtype not in dtypes:
            continue
        inputs = [samples(dtype, 203, seed) for seed in range(SCALARS[name].arity)]
        if "shift" in name:
            bits = 8 * np.dtype(dtype).itemsize
            inputs[1] = (np.abs(inputs[1].astype("int64")) % (bits + 3)).astype(dtype)
        with np.errstate(all="ignore"):
            expected = np.asarray(reference(*inputs))
        result = "bool" if expected.dtype == bool else dtype
        yield Case(name, name, inputs, expected.astype(result))


def test_casts_between_all_dtypes():
    check_together({dtype: [*casts_from(dtype)] for dtype in EVERY})


def casts_from(source):
    for result in EVERY:
        x = samples(source, 203, 0)
        if source in FLOATS and "int" in result:  # out of range C has no answer
            info = np.iinfo(result)
            bound = min(float(info.max) / 2, 1e9)
            x = np.clip(np.nan_to_num(x), max(float(info.min), -bound), bound)
            x = x.astype(source)
        with np.errstate(over="ignore"):
            yield Case(f"to_{result}", "cast", [x], x.astype(result))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_keep_gives_zero_elsewhere(dtype):
    """Also where the number is not finite."""
    module = build([elementwise("p", "keep", [dtype, "bool"], dtype)])
    a = np.array([1, 2, 3, 4, 5]).astype(dtype)
    if dtype in FLOATS:
        a[:3] = np.nan, np.inf, -0.0
    condition = np.array([True, False, True, False, True])
    y = np.full_like(a, 7)
    assert module["p"].run([a, condition, y], (5,)) == 0
    np.testing.assert_array_equal(y, np.where(condition, a, a.dtype.type(0)))


def test_where_chooses_by_a_bool():
    module = build(
        [elementwise("p", "where", ["bool", "float32", "float32"], "float32")]
    )
    condition, a, b = samples("bool", 203, 0), samples("float32", 203, 1), np.ones(203)
    y = np.zeros(203, "float32")
    module["p"].run([condition, a, b.astype("float32"), y], (203,))
    np.testing.assert_array_equal(y, np.where(condition, a, b.astype("float32")))


def test_integer_powers_wrap_around():
    module = build([elementwise(d, "pow", [d, d], d) for d in INTEGERS])
    for dtype in INTEGERS:
        base = samples(dtype, 203, 0)
        exponent = (np.arange(203) % 7).astype(dtype)
        y = np.zeros(203, dtype)
        module[dtype].run([base, exponent, y], (203,))
        np.testing.assert_array_equal(y, base**exponent)


def philox(key, high, low):
    """Four words, in Python's integers."""
    c = [low & 0xFFFFFFFF, low >> 32, high & 0xFFFFFFFF, high >> 32]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [
            (b >> 32) ^ c[1] ^ k[0],
            b & 0xFFFFFFFF,
            (a >> 32) ^ c[3] ^ k[1],
            a & 0xFFFFFFFF,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def test_philox_makes_the_published_words():
    words = ["uint64", "uint64", "uint64", "uint32"]
    module = build([elementwise("p", "philox4x32", words, "uint32")])
    rng = np.random.default_rng(0)
    key, high, low = rng.integers(0, 1 << 64, (3, 100), np.uint64)
    key[0] = high[0] = low[0] = 0
    which = (np.arange(100) % 4).astype("uint32")
    y = np.zeros(100, "uint32")
    module["p"].run([key, high, low, which, y], (100,))
    expected = [philox(*map(int, (key[k], high[k], low[k])))[k % 4] for k in range(100)]
    assert y.tolist() == expected
    assert f"{y[0]:08x}" == "6627e8d5"  # known answer of the authors' test suite


def test_functions_that_are_not_there_are_refused():
    with pytest.raises(CodegenError, match="frobnicate: no such scalar function"):
        template("frobnicate", "float32")
    with pytest.raises(CodegenError, match="exp: not defined on int32"):
        template("exp", "int32")
