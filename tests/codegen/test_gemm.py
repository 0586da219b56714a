"""Matrix products: every way, every remainder, every target, any thread count."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.build import build
from codegen.errors import CodegenError
from codegen.gemm import emit_gemm
from codegen.gemm.plan import plan_of
from codegen.gemm.product import product_of
from codegen.ir import Buffer, Gemm
from codegen.target import AVX512
from tests.codegen.gemm_cases import (
    TARGETS,
    TURNS,
    Case,
    check,
    check_all,
    program,
    step_of,
)
from tests.codegen.unseen import check as unseen_check
from tests.codegen.unseen import each_unseen_target

FLOATS = ("float32", "float64")
IN_DTYPES = [(turns, "float32") for turns in TURNS]
IN_DTYPES += [(turns, "float64") for turns in TURNS[1:3]]
KINDS = [
    Case(0, 0, 0, *turns, dtype, batch, symbolic="mnk")
    for turns in TURNS
    for dtype in FLOATS
    for batch in (1, 2)
]
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)


@pytest.fixture(scope="module", params=TARGETS, ids=lambda t: t.name)
def late(request):
    """Products of every kind of operand, all sizes known at the call only."""
    programs = [program(case, f"f{at}") for at, case in enumerate(KINDS)]
    module = build(programs, request.param)
    natives = {case: module[f"f{at}"] for at, case in enumerate(KINDS)}
    return request.param, natives


@each_unseen_target
def test_what_this_machine_does_not_run(unseen, tmp_path):
    cases = [*KINDS, Case(139, 1100, 300), Case(512, 100, 784, True)]
    programs = [program(case, f"f{at}") for at, case in enumerate(cases)]
    unseen_check(programs, unseen, tmp_path)


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_remainder(late, dtype):
    target, natives = late
    lanes = target.lanes(dtype)
    for case, native in natives.items():
        if case.dtype != dtype or case.batch != 1:
            continue
        for m in range(1, 27):
            check(native, case.at(m, lanes + 3, 41))
        for n in range(1, 4 * lanes + 2):
            check(native, case.at(17, n, 41))
        for k in (0, 1, 2, 3, 5, 7, 15, 16, 17, 31, 127, 128, 129, 256, 257, 515):
            check(native, case.at(13, 37, k))


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_few_columns_behind_whole_panels(target, dtype):
    panel = 2 * target.lanes(dtype)
    kinds = [
        Case(0, panel + few, 0, turned, False, dtype, symbolic="mk")
        for few in (1, 2, 3, 4, panel // 2 + 3)
        for turned in (False, True)
    ]
    programs = [program(case, f"f{at}") for at, case in enumerate(kinds)]
    module = build(programs, target)
    for at, case in enumerate(kinds):
        for m in range(1, 27):
            check(module[f"f{at}"], case.at(m, case.n, 40 + m % 5))
        for k in (0, 1, 2, 3, 4, 5, 511, 512, 513, 515, 1030):
            check(module[f"f{at}"], case.at(14, case.n, k))


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
def test_far_columns_by_the_depth_of_the_call(target, dtype):
    case = Case(784, 100, 0, True, dtype=dtype, symbolic="k")
    native = build([program(case)], target)["f"]
    for k in (0, 1, 191, 192, 193, 512, 700):
        check(native, case.at(784, 100, k))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_sizes_known_at_the_call_only(late, data):
    _, natives = late
    case = data.draw(st.sampled_from(sorted(natives, key=str)))
    extent = st.one_of(st.integers(0, 70), st.integers(0, 400))
    shape = data.draw(st.tuples(extent, extent, extent))
    check(natives[case], case.at(*shape))


@each_target
@pytest.mark.parametrize("turns", TURNS)
def test_products_larger_than_every_block(target, turns):
    shapes = [(139, 1100, 300), (150, 64, 1030), (129, 256, 1024), (100, 33, 129)]
    check_all((Case(*shape, *turns) for shape in shapes), target)


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("transposed", [False, True])
def test_left_operands_packed_before(target, transposed, dtype):
    shapes = [(37, 2048, 1024), (290, 1700, 1536), (384, 1633, 512), (79, 5200, 1024)]
    cases = [Case(*shape, transposed, False, dtype) for shape in shapes]
    before = any(plan_of(product_of(step_of(c)), target).left_before for c in cases)
    assert before == (target == AVX512)  # narrow tiles copy strips for a wide block
    check_all(cases, target)


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
def test_tiles_that_copy_on_the_way(target, dtype):
    """Strips of twelve rows and lower ones, several depths, blocks done together."""
    cases = [Case(300, 512, 1040, dtype=dtype), Case(389, 2048, 96, dtype=dtype)]
    cases += [Case(311, 512, 528, dtype=dtype, batch=2, repeats="y")]
    late = [
        Case(0, 512, 528, dtype=dtype, symbolic="m").at(m, 512, 528) for m in (5, 42)
    ]
    late += [Case(50, 2048, 64, dtype=dtype, symbolic="m")]
    if target is AVX512:
        plans = [plan_of(product_of(step_of(case)), target) for case in (*cases, *late)]
        assert all(plan.on_the_way for plan in plans)
    check_all([*cases, *late], target)


@each_target
@pytest.mark.parametrize("dtype", FLOATS)
def test_columns_copied_beside_the_first_panel(target, dtype):
    """Low strips, many blocks, blocks without a whole panel, several depths."""
    shapes = [(301, 1100, 200), (128, 97, 600), (64, 33, 200)]
    cases = [Case(*shape, True, dtype=dtype) for shape in shapes]
    cases.append(Case(301, 70, 200, True, True, dtype=dtype, batch=2))
    assert any(plan_of(product_of(step_of(c)), target).copy_left for c in cases)
    check_all(cases, target)


@each_target
def test_strips_that_go_over_a_panel_together(target):
    shape = (59, 72, 330)  # ten strips, the last ones lower; five panels or more
    turned, late, wide = (True, False), "m", "float64"
    cases = [Case(*shape), Case(*shape, *turned), Case(*shape, symbolic=late)]
    cases += [Case(*shape, *turned, wide), Case(*shape, *turned, batch=2, repeats="y")]
    check_all([*cases, Case(*shape).at(5, 72, 330)], target)


@each_target
@pytest.mark.parametrize(("turns", "dtype"), IN_DTYPES)
def test_vectors_and_few_columns(target, turns, dtype):
    shapes = [(1, 1, 1), (1, 1, 700), (1, 300, 200), (300, 1, 200), (1, 5000, 3)]
    shapes += [(2, 90, 150), (77, 2, 150), (3, 3, 150), (77, 3, 40), (77, 4, 150)]
    check_all((Case(*shape, *turns, dtype) for shape in shapes), target)


@each_target
@pytest.mark.parametrize("turns", TURNS)
def test_long_sums_in_chunks(target, turns):
    shapes = [(11, 13, 5000), (1, 1, 9000), (1, 70, 3000), (70, 1, 3000), (5, 3, 4000)]
    known = [Case(*shape, *turns) for shape in shapes]
    late = [Case(*shape, *turns, symbolic="k") for shape in shapes]
    check_all([*known, *late, Case(7, 5, 0, *turns, symbolic="k")], target)


@pytest.mark.parametrize(("turns", "dtype"), IN_DTYPES)
def test_batches(turns, dtype):
    shapes = [(5, 7, 3), (30, 70, 20), (1, 90, 40), (90, 1, 40), (13, 3, 1400)]
    kinds = [(1, ""), (2, ""), (3, "x"), (5, "y"), (2, "xy")]
    cases = [
        Case(*shape, *turns, dtype, batch, repeats)
        for shape in shapes
        for batch, repeats in kinds
    ]
    check_all(cases, AVX512 if AVX512 in TARGETS else TARGETS[-1])


@pytest.mark.parametrize("turns", TURNS)
def test_empty_operands(turns):
    shapes = [(0, 5, 7), (5, 0, 7), (5, 7, 0), (0, 0, 0), (1, 1, 0), (1, 90, 0)]
    known = [Case(*shape, *turns) for shape in (*shapes, (90, 1, 0), (90, 90, 0))]
    late = [Case(*shape, *turns, symbolic="mnk") for shape in shapes]
    check_all([*known, *late, Case(5, 7, 3, batch=0)], TARGETS[-1])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "bool"])
def test_integers_wrap_and_booleans_are_any_of_all(dtype):
    shapes = [(5, 7, 3), (1, 1, 300), (40, 33, 70), (3, 5, 0)]
    check_all(
        (Case(*shape, *turns, dtype, 2) for shape in shapes for turns in TURNS),
        TARGETS[-1],
    )


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_sizes_known_beforehand(data):
    extent = st.one_of(st.integers(1, 6), st.integers(1, 50), st.integers(1, 300))
    case = st.builds(
        Case,
        extent,
        extent,
        extent,
        st.booleans(),
        st.booleans(),
        st.sampled_from(FLOATS),
        st.integers(1, 3),
        symbolic=st.sampled_from(("", "m", "k", "n")),
    )
    cases = data.draw(st.lists(case, min_size=20, max_size=20))
    check_all(cases, data.draw(st.sampled_from(TARGETS)))


def test_mixed_dtypes_are_refused():
    a, c = Buffer("a", "float32", (2, 3)), Buffer("c", "float32", (2, 5))
    b = Buffer("b", "float64", (3, 5))
    with pytest.raises(CodegenError, match="a is float32, b is float64"):
        emit_gemm(Gemm(a, b, c, 2, 5, 3), AVX512)
    wide = Buffer("c", "float64", (2, 5))
    with pytest.raises(CodegenError, match="c is float64, the product is float32"):
        emit_gemm(Gemm(a, Buffer("b", "float32", (3, 5)), wide, 2, 5, 3), AVX512)
