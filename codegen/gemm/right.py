"""Where tiles read the right operand of a product: in place, or in packed panels.

Panels are two vectors wide. One that all threads share is packed by a phase of its own
before the products; of many small products in a batch each thread packs what it needs,
still in its cache.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Phase
from codegen.gemm import space
from codegen.gemm.plan import Plan, even
from codegen.scalars import C_TYPES, suffix

PACKED_PANELS, PACKED_DEPTH = 8, 64  # of a unit of packing
COPIED = 4  # numbers in the time of one operation


def read(plan: Plan) -> list[str]:
    """Pointer, row step and panel step of columns sg_j0 on at row sg_p."""
    matrix, panel = plan.product.right, plan.tile.panel
    ctype = C_TYPES[plan.product.dtype]
    if not plan.pack_right:
        step = sizes.text(matrix.down)
        return [
            f"const {ctype} *sg_right = {matrix.at('sg_p', 'sg_j0')};",
            f"const int64_t sg_right_step = {step}, sg_panel_step = {panel};",
        ]
    rows = f"const int64_t sg_right_step = {panel};"
    if plan.right_before:
        return [
            f"const {ctype} *sg_right = {_before(plan)};",
            rows,
            f"const int64_t sg_panel_step = {_panel_step(plan)};",
        ]
    return [
        rows,
        f"const int64_t sg_panel_step = {panel} * sg_depth;",
        f"{ctype} *sg_right = ({ctype} *)scratch + {space.copied_left(plan)};",
        _pack(plan, "sg_j1 - sg_j0", "sg_right", "sg_panel_step"),
    ]


def packing(plan: Plan) -> Phase:
    """Its unit is a tile of some panels by some rows of k, small enough for a cache."""
    product, wide = plan.product, PACKED_PANELS * plan.tile.panel
    deep = even(product.k, PACKED_DEPTH, plan.tile.lanes)
    n, k = sizes.text(product.n), sizes.text(product.k)
    across = sizes.floordiv(product.n + (wide - 1), wide)
    down = sizes.floordiv(product.k + (deep - 1), deep)
    lines = [
        "const int64_t b = 0;",
        "(void)b;",
        "for (; begin < end; begin++) {",
        f"    const int64_t sg_p = begin % ({sizes.text(down)}) * {deep};",
        f"    const int64_t sg_j0 = begin / ({sizes.text(down)}) * {wide};",
        f"    const int64_t sg_depth = sg_min({deep}, {k} - sg_p);",
        f"    const int64_t sg_wide = sg_min({wide}, {n} - sg_j0);",
        f"    {_pack(plan, 'sg_wide', _before(plan), _panel_step(plan))}",
        "}",
    ]
    units, used = across * down, (product.right.buffer,)
    return Phase(tuple(lines), used, units, 0, wide * deep // COPIED, family="gemm")


def _pack(plan: Plan, columns: str, to: str, panel_step: str) -> str:
    """The call that packs ``columns`` from sg_j0 on and sg_depth rows from sg_p on."""
    matrix = plan.product.right
    rows = matrix.across == 1
    kind = f"{'rows' if rows else 'columns'}_{suffix(plan.product.dtype)}"
    step = sizes.text(matrix.down if rows else matrix.across)
    start = matrix.at("sg_p", "sg_j0")
    to_packed = f"{step}, {to}, {panel_step}"
    return f"sg_gemm_pack_{kind}({columns}, sg_depth, {start}, {to_packed});"


def _before(plan: Plan) -> str:
    """Where column sg_j0 of row sg_p was packed: a panel after the other."""
    ctype, panel = C_TYPES[plan.product.dtype], plan.tile.panel
    step = _panel_step(plan)
    return f"({ctype} *)shared + sg_j0 / {panel} * {step} + sg_p * {panel}"


def _panel_step(plan: Plan) -> str:
    return f"({sizes.text(plan.product.k * plan.tile.panel)})"
