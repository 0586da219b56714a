"""Which way a product is computed, and what that asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen import sizes
from codegen.gemm import emit_gemm, flops
from codegen.gemm.plan import plan_of
from codegen.gemm.product import product_of
from codegen.gemm.ways import Way
from codegen.target import AVX2, AVX512, SSE2
from tests.codegen.gemm_cases import Case, step_of


def plan(case, target=AVX512):
    return plan_of(product_of(step_of(case)), target)


@pytest.mark.parametrize(
    ("case", "way"),
    [
        (Case(2, 3, 5), Way.PLAIN),
        (Case(200, 300, 500, dtype="int32"), Way.PLAIN),
        (Case(1, 300, 500), Way.ROW),
        (Case(300, 1, 500, True), Way.ROW),
        (Case(1, 300, 500, False, True), Way.DOTS),
        (Case(300, 1, 500), Way.DOTS),
        (Case(1, 1, 5000), Way.DOTS),
        (Case(300, 2, 500), Way.DOTS),
        (Case(2, 300, 500, False, True), Way.DOTS),
        (Case(300, 2, 500, True), Way.TILES),
        (Case(2, 300, 500), Way.TILES),
        (Case(200, 300, 500), Way.TILES),
        (Case(2, 3, 5, symbolic="m"), Way.TILES),
        (Case(9, 3, 500, symbolic="m"), Way.DOTS),
        (Case(9, 1, 500, symbolic="k"), Way.DOTS),
    ],
    ids=str,
)
def test_way(case, way):
    assert plan(case).way is way


def test_few_columns_are_rows_of_the_transposed_product():
    chosen = plan(Case(300, 5, 100, True))
    assert (chosen.product.m, chosen.product.n) == (5, 300)


def test_the_right_operand_is_packed_where_many_rows_use_it():
    assert not plan(Case(60, 100, 784)).pack_right
    assert not plan(Case(60, 100, 784, symbolic="m")).pack_right
    assert plan(Case(60, 100, 784, False, True)).pack_right
    assert plan(Case(2000, 2000, 2000)).pack_right
    assert plan(Case(60, 100, 784, symbolic="mn")).pack_right
    assert plan(Case(60, 100, 784), SSE2).pack_right is False
    assert plan(Case(60, 99, 784), SSE2).pack_right  # parts of vectors are slow there
    assert not plan(Case(60, 99, 784), AVX2).pack_right


def test_narrow_tiles_share_the_panels_of_a_large_unpacked_operand():
    assert plan(Case(60, 100, 784), AVX2).strips > 1
    assert plan(Case(60, 100, 300, symbolic="m"), AVX2).strips > 1
    assert plan(Case(60, 10, 100), AVX2).strips == 1  # all of it is near
    assert plan(Case(512, 100, 784), AVX2).strips == 1  # packed, and all of it near
    assert plan(Case(60, 100, 784), AVX512).strips == 1
    assert (
        plan(Case(60, 100, 784, True), AVX512).strips > 1
    )  # for the lines of the left


def test_narrow_tiles_of_columns_go_in_groups_over_packed_panels_too():
    turned = plan(Case(784, 100, 512, True), AVX2)
    assert turned.pack_right and turned.strips > 1
    many_blocks = plan(Case(384, 6000, 1024, True), AVX2)
    assert many_blocks.copy_left and not many_blocks.left_before
    assert many_blocks.strips > 1
    tall = plan(Case(1024, 1024, 1024, True), AVX512)
    assert tall.pack_right and tall.strips == 1


def test_narrow_tiles_go_deeper_where_they_ask_for_the_next_panel():
    far = plan(Case(2000, 2000, 2000), AVX2)
    assert (far.strips, far.depth, far.copy_left) == (8, 1000, True)
    assert plan(Case(512, 100, 784), AVX2).depth == 392  # all columns are near
    assert plan(Case(60, 2000, 2000), AVX2).depth == 504  # read where it lies
    assert plan(Case(2000, 2000, 2000), AVX512).depth == 504


def test_k_is_cut_only_where_there_are_few_units():
    assert plan(Case(10, 20, 100000)).chunks == 16
    assert plan(Case(10, 20, 100)).chunks == 1
    assert plan(Case(1000, 2000, 100000)).chunks == 1
    late = plan(Case(10, 20, 0, symbolic="k")).chunks
    assert [sizes.evaluate(late, {"k": k}) for k in (0, 600, 2000, 10**6)] == [
        1,
        1,
        3,
        16,
    ]


def test_a_long_k_is_halved_where_the_sums_are_few():
    assert plan(Case(60, 100, 784)).chunks == 2
    assert plan(Case(60, 100, 300)).chunks == 1  # short
    assert plan(Case(512, 100, 784)).chunks == 1  # so many rows
    assert plan(Case(300, 400, 2000)).chunks == 1  # so many sums
    late = plan(Case(0, 100, 784, symbolic="m")).chunks
    assert [sizes.evaluate(late, {"m": m}) for m in (0, 60, 512)] == [2, 2, 1]
    assert plan(Case(0, 100, 190, symbolic="m")).chunks == 1  # whatever m is


def test_what_the_call_does_not_cut_is_one_phase_without_memory_of_its_own():
    case = Case(500, 40, 0, True, symbolic="k")
    emission = emit_gemm(step_of(case), AVX512)
    first, last = emission.phases
    for k, rows, numbers in ((60, 0, 0), (4000, 500, 500 * 40 * 2)):
        assert sizes.evaluate(last.units, {"k": k}) == rows
        assert sizes.evaluate(emission.shared_bytes, {"k": k}) == numbers * 4
        assert sizes.evaluate(first.units, {"k": k}) > 0


def test_flops():
    m, n, k = map(sizes.symbol, "mnk")
    case = Case(0, 0, 0, batch=3, symbolic="mnk")
    assert flops(step_of(case)) == m * n * k * 6


@pytest.mark.parametrize("target", [AVX512, AVX2, SSE2], ids=lambda t: t.name)
def test_few_last_columns_have_tiles_of_their_own(target):
    def calls(n, **options):
        emission = emit_gemm(step_of(Case(60, n, 500, **options)), target)
        return "\n".join(line for p in emission.phases for line in p.lines)

    panel = plan(Case(60, 64, 500), target).tile.panel
    assert "sg_gemm_strips_f32(" in calls(3 * panel)
    assert "sg_gemm_strips_f32(" in calls(4 * panel - 1)
    kind = "strips" if target is SSE2 else "edges"
    assert f"sg_gemm_{kind}_f32(" in calls(3 * panel + 1)
    assert "sg_gemm_strips_f32(" in calls(3 * panel, symbolic="n")


def test_printed_c_is_short():
    for case in (Case(60, 100, 784), Case(9, 11, 3000), Case(300, 2, 500)):
        lines = [
            line for p in emit_gemm(step_of(case), AVX512).phases for line in p.lines
        ]
        assert len(lines) < 60


def test_a_right_operand_is_packed_as_a_whole_where_that_takes_little_memory():
    small = Case(1024, 1030, 1024)
    packing, multiplied = emit_gemm(step_of(small), AVX512).phases
    assert packing.buffers == (step_of(small).b,)
    assert multiplied.scratch_bytes < 1 << 15  # a strip of the left operand
    for case in (
        Case(4000, 4000, 4000),  # large
        Case(2000, 512, 512, symbolic="k"),  # perhaps large
        Case(100, 64, 512, False, True, batch=8),  # each matrix stays in a cache
    ):
        assert plan(case).pack_right
        assert len(emit_gemm(step_of(case), AVX512).phases) == 1


def test_tall_tiles_copy_whole_panels_on_the_way():
    large = Case(1024, 512, 1024)
    (multiplied,) = emit_gemm(step_of(large), AVX512).phases
    assert plan(large).on_the_way
    assert multiplied.scratch_bytes == 4 * 512 * (12 + 256)
    assert plan(Case(4000, 4096, 4000)).on_the_way  # of any size
    assert plan(Case(1024, 512, 1024, symbolic="m")).on_the_way
    assert plan(Case(100, 512, 1024)).on_the_way  # its rows would be copied anyway
    assert plan(Case(1024, 512, 1552)).depth % 16 == 0  # whole vectors of k
    for case in (
        Case(1024, 516, 1024),  # a part of a panel
        Case(1024, 512, 1020),  # a part of a vector
        Case(1024, 512, 1024, symbolic="k"),
        Case(1024, 512, 1024, True),  # columns of the left operand
        Case(1024, 512, 1024, False, True),
        Case(1024, 64, 10240),  # too few panels to pay for the left operand's copy
        Case(100, 512, 1040),  # nothing needs a copy
    ):
        assert not plan(case).on_the_way
    assert not plan(large, AVX2).on_the_way


def test_a_left_operand_is_packed_as_a_whole_where_many_blocks_would_copy_it():
    wide = Case(300, 2050, 1024)
    right, left, multiplied = emit_gemm(step_of(wide), AVX512).phases
    assert (right.buffers, left.buffers) == ((step_of(wide).b,), (step_of(wide).a,))
    assert multiplied.scratch_bytes == 0
    assert not plan(Case(300, 1030, 1024)).left_before  # few blocks
    assert not plan(Case(300, 2050, 1000)).copy_left  # rows do not crowd each other
    assert not plan(Case(300, 2050, 1024, batch=2)).left_before
    assert not plan(Case(300, 2050, 1024, symbolic="m")).left_before


def test_a_cache_of_many_ways_needs_no_copy_of_the_left_operand():
    many = replace(AVX512, ways=12)
    assert plan(Case(300, 2050, 1024)).copy_left
    assert not plan(Case(300, 2050, 1024), many).copy_left
    assert plan(Case(256, 2048, 1024, True), many).copy_left  # columns, far apart


def test_no_large_product_takes_memory_of_the_size_of_an_operand():
    for case in (Case(2000, 3000, 5000), Case(60, 100, 784), Case(50, 20, 10**6)):
        emission = emit_gemm(step_of(case), AVX512)
        scratch = max(phase.scratch_bytes for phase in emission.phases)
        assert scratch + emission.shared_bytes < 1 << 20


def test_strips_follow_each_other_where_all_columns_of_a_depth_are_near():
    """Then two threads have shares alike, though blocks of 100 columns are not."""
    assert plan(Case(100, 100, 60, True, symbolic="k")).rows_first
    assert plan(Case(60, 100, 100, False, True, symbolic="m")).rows_first  # packed
    assert plan(Case(784, 100, 4096)).rows_first
    assert not plan(Case(2000, 2000, 2000)).rows_first
    assert not plan(Case(60, 100, 784, False, True, batch=3)).rows_first
