"""Right operands that a step packs once for several products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.errors import CodegenError
from codegen.families import emit
from codegen.gemm import packed_shape, pays_once
from codegen.ir import Buffer, Kernel, PackRight, Program, Role
from codegen.target import AVX2, AVX512, SSE2
from tests.codegen.gemm_cases import TARGETS, Case, check, step_of

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
FLOATS = ("float32", "float64")


def packed_program(case, target, name):
    """``case`` by two steps: the first one packs y."""
    step = step_of(case)
    shape = packed_shape(step.k, step.n, case.dtype, target)
    panels = Buffer("panels", case.dtype, shape, Role.TEMPORARY)
    pack = PackRight(step.b, panels, step.k, step.n, case.transpose_b)
    product = replace(step, b=panels, transpose_b=False, packed=True)
    kernels = (Kernel(pack, "pack"), Kernel(product, "product"))
    return Program(name, case.names, (step.a, step.b, step.c), kernels)


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
def test_products_of_packed_operands(target, dtype):
    """Sizes around tiles and panels, tiny ones, long sums in chunks, nothing at all."""
    shapes = [(1, 1, 1), (7, 3, 5), (16, 33, 130), (37, 100, 41), (90, 17, 600)]
    shapes += [(3, 5, 3000), (0, 5, 3), (5, 0, 3), (5, 3, 0)]
    turns = [(False, False), (True, False), (False, True), (True, True)]
    cases = [Case(*shape, *turn, dtype) for shape in shapes for turn in turns]
    late = ("m", "mnk")
    cases += [Case(37, 100, 41, *t, dtype, symbolic=n) for t in turns for n in late]
    programs = [packed_program(c, target, f"f{i}") for i, c in enumerate(cases)]
    module = build(programs, target)
    for i, case in enumerate(cases):
        check(module[f"f{i}"], case, i)


@each_target
def test_an_operand_may_begin_anywhere(target):
    case = Case(20, 24, 70)
    step = step_of(case)
    y = Buffer("y", "float32", (1000 + 70 * 24,), Role.ARGUMENT)
    shape = packed_shape(70, 24, "float32", target)
    panels = Buffer("panels", "float32", shape, Role.TEMPORARY)
    pack = PackRight(y, panels, 70, 24, False, 1000)
    product = replace(step, b=panels, packed=True)
    kernels = (Kernel(pack, "pack"), Kernel(product, "product"))
    program = Program("f", (), (step.a, y, step.c), kernels)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 70), np.float32)
    whole = rng.standard_normal(1000 + 70 * 24, np.float32)
    z = np.zeros((20, 24), np.float32)
    assert build([program], target)["f"].run([x, whole, z], (), 1) == 0
    expected = x.astype(float) @ whole[1000:].reshape(70, 24)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-4)


def test_a_wrong_shape_is_refused():
    plain = Buffer("y", "float32", (70, 24), Role.ARGUMENT)
    panels = Buffer("panels", "float32", (70 * 24 - 1,), Role.TEMPORARY)
    with pytest.raises(CodegenError, match="pack right: packed is float32"):
        emit(PackRight(plain, panels, 70, 24), AVX2)


def test_where_packing_once_pays():
    assert pays_once(step_of(Case(16, 512, 128)), AVX2)  # its rows crowd a cache
    assert not pays_once(step_of(Case(16, 512, 128)), AVX512)  # read where it lies
    assert pays_once(step_of(Case(16, 512, 128, transpose_b=True)), AVX512)
    assert pays_once(step_of(Case(16, 512, 128)), SSE2)
    assert not pays_once(step_of(Case(1, 512, 128)), AVX2)  # one row reads it once
    assert not pays_once(step_of(Case(16, 512, 128, batch=2)), AVX2)
    assert not pays_once(step_of(Case(2, 4, 3)), AVX2)


def test_what_is_packed_has_whole_panels():
    assert packed_shape(70, 24, "float32", AVX2) == (70 * 32,)
    n = sizes.symbol("n")
    (numbers,) = packed_shape(3, n, "float64", AVX2)
    assert sizes.evaluate(numbers, {"n": 9}) == 3 * 16
