"""The body that computes a product with packed register tiles.

A unit is one strip of rows by one block of columns. Neighbouring units of a range are
done together. Where the operands are, ``left.py`` and ``right.py`` say.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Common
from codegen.gemm import left, right, space
from codegen.gemm.common import tiled
from codegen.gemm.epilogue import Sums
from codegen.gemm.plan import Plan
from codegen.gemm.ways import strips
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size

EDGE = 4  # last columns that have tiles of their own
LEAST = 4  # strips of a piece of work; fewer read the right operand where it lies


def units(plan: Plan) -> Size:
    """Units of one batch and one chunk of k."""
    return strips(plan.product.m, plan.tile) * plan.blocks


def scratch_bytes(plan: Plan) -> Size:
    """What a thread copies or packs for itself."""
    return space.scratch_bytes(plan)


def common(plan: Plan) -> Common:
    """What the body calls."""
    return tiled(plan.product.dtype)


def body(plan: Plan, sums: Sums, finished: list[str]) -> list[str]:
    """C over units ``begin .. end`` of batch ``b``'s k from ``sg_k0`` to ``sg_k1``.

    ``sg_part`` is the first unit, of ``sg_parts`` in this batch and chunk; it sets
    ``sg_run``, how many it has done. ``finished`` follows the last block of k.
    """
    product, tile = plan.product, plan.tile
    many, blocks = sizes.text(strips(product.m, tile)), sizes.text(plan.blocks)
    rows = f"{many}, {sizes.text(product.m)}, {tile.group}"
    columns = f"{blocks}, {sizes.text(product.n)}, {tile.panel}"
    return [
        *_region(plan, many, blocks),
        f"const int64_t sg_j0 = sg_gemm_start(sg_t0, {columns});",
        f"const int64_t sg_j1 = sg_gemm_start(sg_t1, {columns});",
        "int64_t sg_p = sg_k0;",
        "do {",
        f"    const int64_t sg_depth = sg_min({plan.depth}, sg_k1 - sg_p);",
        *_indented([] if plan.on_the_way else right.read(plan)),
        *_indented(_last_columns(plan)),
        f"    for (int64_t sg_s = sg_s0; sg_s < sg_s1; sg_s += {plan.strips}) {{",
        f"        const int64_t sg_strips = sg_min({plan.strips}, sg_s1 - sg_s);",
        f"        const int64_t sg_i0 = sg_gemm_start(sg_s, {rows});",
        f"        const int64_t sg_i1 = sg_gemm_start(sg_s + sg_strips, {rows});",
        *_indented(_slab(plan, sums) if plan.on_the_way else _strips(plan, sums), 2),
        *_indented(_at_the_end(finished), 2),
        "    }",
        "    sg_p += sg_depth;",
        "} while (sg_p < sg_k1);",
    ]


def _region(plan: Plan, many: str, blocks: str) -> list[str]:
    """The strips sg_s0 .. sg_s1 and blocks sg_t0 .. sg_t1 of this run of units."""
    if not plan.rows_first:
        return [
            f"const int64_t sg_s0 = sg_part % ({many}), sg_t0 = sg_part / ({many});",
            f"sg_run = sg_min({many} - sg_s0, end - begin);",
            "const int64_t sg_s1 = sg_s0 + sg_run, sg_t1 = sg_t0 + 1;",
        ]
    whole = f"({blocks}) * ({many})"
    return [
        f"const int64_t sg_t0 = sg_part % ({blocks}), sg_s0 = sg_part / ({blocks});",
        f"const int64_t sg_rest = sg_min({whole} - sg_part, end - begin);",
        f"const int64_t sg_high = sg_t0 ? 0 : sg_rest / ({blocks}); /* whole strips */",
        "const int64_t sg_s1 = sg_s0 + sg_max(sg_high, 1);",
        f"const int64_t sg_some = sg_min({blocks}, sg_t0 + sg_rest);",
        f"const int64_t sg_t1 = sg_high ? {blocks} : sg_some;",
        "sg_run = (sg_s1 - sg_s0) * (sg_t1 - sg_t0);",
    ]


def _strips(plan: Plan, sums: Sums) -> list[str]:
    """Strips of rows times the block, added to the sums after the first depth."""
    name = suffix(plan.product.dtype)
    lines, (down, across, strip) = left.read(plan)
    beside = left.beside(plan)
    last = " .last = sg_last," if _last_columns(plan) else ""
    return [
        *lines,
        f"{'' if beside else 'const '}sg_gemm_strip_{name} sg_strip = {{",
        "    .rows = sg_i1 - sg_i0, .strips = sg_strips,",
        "    .columns = sg_j1 - sg_j0, .depth = sg_depth, .left = sg_left,",
        f"    .row_step = {down}, .depth_step = {across}, .strip_step = {strip},",
        "    .right = sg_right, .right_step = sg_right_step, "
        ".panel_step = sg_panel_step,",
        f"    .out = {sums.at('sg_i0', 'sg_j0')}, .out_step = {sums.step},",
        f"    .add = sg_p > sg_k0, .soon = {left.soon(plan)},{last}",
        "};",
        *beside,
        f"sg_gemm_{_by(plan)}_{name}(&sg_strip);",
    ]


def _by(plan: Plan) -> str:
    """The function that goes over the columns."""
    n, tile = plan.product.n, plan.tile
    if not tile.edges or not isinstance(n, int):
        return "strips"
    return "edges" if 0 < n % tile.lanes <= EDGE else "strips"


def _last_columns(plan: Plan) -> list[str]:
    """Lines that bring columns behind the last vector where tiles read them.

    Those tiles take several steps of k at once from rows that lie side by side.
    """
    in_rows = left.read(plan)[1][1] == "1"
    if plan.on_the_way or not in_rows or _by(plan) != "edges":
        return []
    name, ctype = suffix(plan.product.dtype), C_TYPES[plan.product.dtype]
    return [
        f"{ctype} sg_last[{plan.depth * EDGE}] __attribute__((aligned(64)));",
        f"sg_gemm_last_columns_{name}(sg_j1 - sg_j0, sg_depth, sg_right, "
        "sg_right_step, sg_panel_step, sg_last);",
    ]


def _slab(plan: Plan, sums: Sums) -> list[str]:
    """A strip times the block: tiles copy the strip, in the first strip the block."""
    name, ctype = suffix(plan.product.dtype), C_TYPES[plan.product.dtype]
    left, right = plan.product.left, plan.product.right
    packed = f"({ctype} *)scratch + {space.copied_left(plan)}"
    return [
        f"const bool sg_packs = sg_s1 - sg_s0 >= {LEAST};",
        f"const sg_gemm_slab_{name} sg_slab = {{",
        "    .rows = sg_i1 - sg_i0, .columns = sg_j1 - sg_j0, .depth = sg_depth,",
        f"    .left = {left.at('sg_i0', 'sg_p')},",
        f"    .left_step = {sizes.text(left.down)},",
        f"    .right = sg_packs && sg_s > sg_s0 ? NULL : {right.at('sg_p', 'sg_j0')},",
        f"    .right_step = {sizes.text(right.down)}, .copy = ({ctype} *)scratch,",
        f"    .packed = sg_packs ? {packed} : NULL,",
        f"    .out = {sums.at('sg_i0', 'sg_j0')}, .out_step = {sums.step},",
        "    .add = sg_p > sg_k0,",
        "};",
        f"sg_gemm_by_slabs_{name}(&sg_slab);",
    ]


def _at_the_end(lines: list[str]) -> list[str]:
    if not lines:
        return []
    return ["if (sg_p + sg_depth == sg_k1) {", *_indented(lines), "}"]


def _indented(lines: list[str], levels: int = 1) -> list[str]:
    return ["    " * levels + line for line in lines]
