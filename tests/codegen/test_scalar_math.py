"""Transcendental functions keep to their stated errors, in vectors and at the ends."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from codegen.build import build
from codegen.printer import print_programs
from codegen.target import LEVELS, SSE2, runnable
from codegen.toolchain import FLAGS, INCLUDE, find_toolchain
from tests.codegen.math_cases import (
    DTYPES,
    ERRORS,
    ERRORS_OF_TWO,
    REFERENCES,
    check_errors,
    check_errors_of_two,
    program,
    programs,
)


@pytest.fixture(scope="module", params=runnable(), ids=lambda target: target.name)
def module(request):
    return build(programs(), request.param)


@pytest.mark.parametrize("function", ERRORS)
def test_errors_in_units_of_the_last_place(module, function):
    check_errors(module, function)


@pytest.mark.parametrize("function", ERRORS)
def test_ends_of_the_range(module, function):
    """At zeros, infinities and nan functions give what NumPy gives, with its signs."""
    ends = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]
    if function in ("sin", "cos", "tan"):
        ends = ends[:2] + ends[4:]
    if function in ("tanh", "erf", "sinh", "asinh", "atan", "cosh", "expm1"):
        ends = ends[:2] + ends[4:]
    if function == "exp_fall":
        ends = [x for x in ends if not x > 0]
    for dtype in DTYPES:
        x = np.array(ends, dtype)
        y = np.empty_like(x)
        module[f"{function}_{dtype}"].run([x, y], (x.size,))
        reference = REFERENCES.get(function) or getattr(np, function)
        with np.errstate(all="ignore"):
            expected = reference(x).astype(dtype)
        np.testing.assert_allclose(y, expected, rtol=4e-7)
        known = ~np.isnan(expected)
        assert (np.signbit(y) == np.signbit(expected))[known].all()


@pytest.mark.parametrize("function", ERRORS_OF_TWO)
def test_two_arguments(module, function):
    check_errors_of_two(module, function)


@pytest.mark.parametrize("target", LEVELS, ids=lambda target: target.name)
def test_loops_become_vectors(target, tmp_path):
    """gcc reports each of them as vectorized, on every target."""
    if "gcc" not in find_toolchain().identity:
        pytest.skip("the report on vectors is gcc's")
    chosen = [program(name, dtype) for name in ERRORS for dtype in DTYPES]
    # SSE2 has no fused multiplication, nor masks enough
    chosen = chosen if target is SSE2 else programs()
    source = print_programs(chosen, target).text
    path = tmp_path / "module.c"
    path.write_text(source)
    command = [*find_toolchain().command, *FLAGS, *target.flags]
    command += [f"-I{INCLUDE}", "-fopt-info-vec-optimized", "-c", str(path)]
    command += ["-o", str(tmp_path / "module.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {
        int(line) for line in re.findall(r"module\.c:(\d+):.*vectorized", done.stderr)
    }
    loops = [
        k for k, line in enumerate(source.splitlines(), 1) if "for (int64_t" in line
    ]
    missing = [source.splitlines()[k] for k in loops if not found & {k - 1, k, k + 1}]
    assert not missing
