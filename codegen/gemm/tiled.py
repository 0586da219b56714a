"""The body that computes a product with packed register tiles.

A unit is one strip of rows by one block of columns. Neighbouring units of a range are
done together. The right operand is packed by a phase of its own, once for all threads;
of many small products in a batch each thread packs what it needs, still in its cache.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Phase
from codegen.gemm.epilogue import Sums, finish
from codegen.gemm.plan import Plan, strips
from codegen.scalars import suffix
from codegen.sizes import Size

PACKED_PANELS, PACKED_DEPTH = 8, 64  # of a unit of packing


def units(plan: Plan) -> Size:
    """Units of one batch and one chunk of k."""
    return strips(plan.product.m, plan.tile) * plan.blocks


def scratch_bytes(plan: Plan) -> Size:
    """A copied left panel, and a packed right block."""
    item = 8 if plan.product.dtype == "float64" else 4
    return (_left_numbers(plan) + _right_numbers(plan)) * item


def body(plan: Plan, sums: Sums, last: bool) -> list[str]:
    """C over units ``begin .. end`` of batch ``b``'s k from ``sg_k0`` to ``sg_k1``.

    ``sg_part`` is the first unit, of ``sg_parts`` in this batch and chunk; it sets
    ``sg_run``, how many it has done. The epilogue follows if ``last``.
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
        *_indented(_packed(plan)),
        f"    for (int64_t sg_s = sg_s0; sg_s < sg_s1; sg_s += {plan.strips}) {{",
        f"        const int64_t sg_strips = sg_min({plan.strips}, sg_s1 - sg_s);",
        f"        const int64_t sg_i0 = sg_gemm_start(sg_s, {rows});",
        f"        const int64_t sg_i1 = sg_gemm_start(sg_s + sg_strips, {rows});",
        *_indented(_strips(plan, sums), 2),
        *_indented(_finished(plan, sums) if last else [], 2),
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
    return [
        f"const int64_t sg_t0 = sg_part % ({blocks}), sg_s0 = sg_part / ({blocks});",
        f"const int64_t sg_rest = sg_min({blocks} * ({many}) - sg_part, end - begin);",
        f"const int64_t sg_high = sg_t0 ? 0 : sg_rest / ({blocks}); /* whole strips */",
        "const int64_t sg_s1 = sg_s0 + sg_max(sg_high, 1);",
        f"const int64_t sg_some = sg_min({blocks}, sg_t0 + sg_rest);",
        f"const int64_t sg_t1 = sg_high ? {blocks} : sg_some;",
        "sg_run = (sg_s1 - sg_s0) * (sg_t1 - sg_t0);",
    ]


def packing(plan: Plan) -> Phase | None:
    """The phase that packs the right operand for all threads, where that is planned.

    Its unit is a tile of some panels by some rows of k, small enough for a cache.
    """
    if not plan.pack_before:
        return None
    product, wide = plan.product, PACKED_PANELS * plan.tile.panel
    n, k = sizes.text(product.n), sizes.text(product.k)
    across = sizes.floordiv(product.n + (wide - 1), wide)
    down = sizes.floordiv(product.k + (PACKED_DEPTH - 1), PACKED_DEPTH)
    lines = [
        "const int64_t b = 0;",
        "(void)b;",
        "for (; begin < end; begin++) {",
        f"    const int64_t sg_p = begin % ({sizes.text(down)}) * {PACKED_DEPTH};",
        f"    const int64_t sg_j0 = begin / ({sizes.text(down)}) * {wide};",
        f"    const int64_t sg_depth = sg_min({PACKED_DEPTH}, {k} - sg_p);",
        f"    const int64_t sg_wide = sg_min({wide}, {n} - sg_j0);",
        f"    {_pack(plan, 'sg_wide', _before(plan), _panel_step(plan))}",
        "}",
    ]
    units, used = across * down, (product.right.buffer,)
    return Phase(tuple(lines), used, units, 0, wide * PACKED_DEPTH, family="gemm")


def packed_bytes(plan: Plan) -> Size:
    """The shared memory that ``packing`` fills."""
    if not plan.pack_before:
        return 0
    product, panel = plan.product, plan.tile.panel
    panels = sizes.floordiv(product.n + (panel - 1), panel)
    return panels * panel * product.k * (8 if product.dtype == "float64" else 4)


def _packed(plan: Plan) -> list[str]:
    """Pointer, row step and panel step of the right operand, packed where planned."""
    right, tile = plan.product.right, plan.tile
    ctype, _ = _types(plan)
    if not plan.pack_right:
        step = sizes.text(right.down)
        return [
            f"const {ctype} *sg_right = {right.at('sg_p', 'sg_j0')};",
            f"const int64_t sg_right_step = {step}, sg_panel_step = {tile.panel};",
        ]
    rows = f"const int64_t sg_right_step = {tile.panel};"
    if plan.pack_before:
        return [
            f"const {ctype} *sg_right = {_before(plan)};",
            rows,
            f"const int64_t sg_panel_step = {_panel_step(plan)};",
        ]
    place = f"({ctype} *)scratch + {_left_numbers(plan)}"
    return [
        rows,
        f"const int64_t sg_panel_step = {tile.panel} * sg_depth;",
        f"{ctype} *sg_right = {place};",
        _pack(plan, "sg_j1 - sg_j0", "sg_right", "sg_panel_step"),
    ]


def _pack(plan: Plan, columns: str, to: str, panel_step: str) -> str:
    """The call that packs ``columns`` from sg_j0 on and sg_depth rows from sg_p on."""
    right = plan.product.right
    rows = right.across == 1
    function = f"sg_gemm_pack_{'rows' if rows else 'columns'}_{_types(plan)[1]}"
    step = sizes.text(right.down if rows else right.across)
    start = right.at("sg_p", "sg_j0")
    return f"{function}({columns}, sg_depth, {start}, {step}, {to}, {panel_step});"


def _before(plan: Plan) -> str:
    """Where ``packing`` has put column sg_j0 of row sg_p: a panel after the other."""
    ctype, _ = _types(plan)
    step = _panel_step(plan)
    panel = plan.tile.panel
    return f"({ctype} *)shared + sg_j0 / {panel} * {step} + sg_p * {panel}"


def _panel_step(plan: Plan) -> str:
    return f"({sizes.text(plan.product.k * plan.tile.panel)})"


def _strips(plan: Plan, sums: Sums) -> list[str]:
    """Strips of rows times the block, added to the sums after the first depth."""
    left = plan.product.left
    _, name = _types(plan)
    if plan.copy_left:
        lines, steps = _copied(plan)
    else:
        ctype, _ = _types(plan)
        lines = [f"const {ctype} *sg_left = {left.at('sg_i0', 'sg_p')};"]
        steps = (sizes.text(left.down), sizes.text(left.across), "0")
    down, across, strip = steps
    return [
        *lines,
        f"const sg_gemm_strip_{name} sg_strip = {{",
        "    .rows = sg_i1 - sg_i0, .strips = sg_strips,",
        "    .columns = sg_j1 - sg_j0, .depth = sg_depth, .left = sg_left,",
        f"    .row_step = {down}, .depth_step = {across}, .strip_step = {strip},",
        "    .right = sg_right, .right_step = sg_right_step,",
        "    .panel_step = sg_panel_step,",
        f"    .out = {sums.at('sg_i0', 'sg_j0')}, .out_step = {sums.step},",
        "    .add = sg_p > sg_k0,",
        "};",
        f"sg_gemm_strips_{name}(&sg_strip);",
    ]


def _copied(plan: Plan) -> tuple[list[str], tuple[str, str, str]]:
    """Lines that copy the left panel; steps of its rows, its depth and its strips."""
    left = plan.product.left
    ctype, name = _types(plan)
    start, step = left.at("sg_i0", "sg_p"), _row_numbers(plan)
    lines = [f"{ctype} *sg_left = ({ctype} *)scratch;"]
    if left.across == 1:
        lines += [
            f"sg_gemm_copy_rows_{name}(sg_i1 - sg_i0, sg_depth, {start},",
            f"    {sizes.text(left.down)}, sg_left, {step});",
        ]
        return lines, (str(step), "1", "0")
    lines += [
        f"sg_gemm_copy_columns_{name}(sg_i1 - sg_i0, sg_strips, sg_depth, {start},",
        f"    {sizes.text(left.across)}, sg_left);",
    ]
    rows = str(plan.tile.rows)
    return lines, ("1", rows, f"{rows} * sg_depth")


def _finished(plan: Plan, sums: Sums) -> list[str]:
    lines = finish(plan.product, sums, ("sg_i0", "sg_i1", "sg_j0", "sg_j1"))
    if not lines:
        return []
    return ["if (sg_p + sg_depth == sg_k1) {", *_indented(lines), "}"]


def _row_numbers(plan: Plan) -> int:
    """The step of copied rows: one vector more than they need, out of alignment."""
    return -(-plan.depth // plan.tile.lanes) * plan.tile.lanes + plan.tile.lanes


def _left_numbers(plan: Plan) -> int:
    rows = plan.strips * plan.tile.rows
    return rows * _row_numbers(plan) if plan.copy_left else 0


def _right_numbers(plan: Plan) -> Size:
    if not plan.pack_right or plan.pack_before:
        return 0
    panels = sizes.floordiv(plan.product.n + (plan.tile.panel - 1), plan.tile.panel)
    each = sizes.floordiv(panels + (plan.blocks - 1), sizes.maximum(plan.blocks, 1))
    return each * plan.tile.panel * plan.depth


def _types(plan: Plan) -> tuple[str, str]:
    dtype = plan.product.dtype
    return ("float" if dtype == "float32" else "double"), suffix(dtype)


def _indented(lines: list[str], levels: int = 1) -> list[str]:
    return ["    " * levels + line for line in lines]
