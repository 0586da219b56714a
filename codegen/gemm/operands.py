"""Where the tiles of a product read its operands: in place, or where they were packed.

An operand that all threads share is packed by a phase of its own, before the products:
the right one in panels two vectors wide, and the left one, where many blocks of columns
would copy it again, in strips of a tile's rows. Of many small products in a batch each
thread packs what it needs, still in its cache, and copies left panels for one block.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Phase
from codegen.gemm.plan import Plan, strips
from codegen.gemm.product import Matrix
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size

PACKED_PANELS, PACKED_DEPTH = 8, 64  # of a unit of packing the right operand

Steps = tuple[str, str, str]  # of a left operand's rows, its depth and its strips


def packing(plan: Plan) -> tuple[Phase, ...]:
    """The phases that pack operands for all threads."""
    phases = []
    if plan.right_before:
        phases.append(_right_packing(plan))
    if plan.left_before:
        phases.append(_left_packing(plan))
    return tuple(phases)


def packed_bytes(plan: Plan) -> Size:
    """The shared memory that ``packing`` fills: the right operand, then the left."""
    left = strips(plan.product.m, plan.tile) * plan.tile.rows * plan.product.k
    return _right_bytes(plan) + (left * _item(plan) if plan.left_before else 0)


def scratch_bytes(plan: Plan) -> Size:
    """A copied left panel, and a packed right block."""
    return (_left_numbers(plan) + _right_numbers(plan)) * _item(plan)


# --- the right operand ----------------------------------------------------------------


def right(plan: Plan) -> list[str]:
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
        f"{ctype} *sg_right = ({ctype} *)scratch + {_left_numbers(plan)};",
        _pack(plan, "sg_j1 - sg_j0", "sg_right", "sg_panel_step"),
    ]


def _right_packing(plan: Plan) -> Phase:
    """Its unit is a tile of some panels by some rows of k, small enough for a cache."""
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


def _right_bytes(plan: Plan) -> Size:
    product, panel = plan.product, plan.tile.panel
    panels = sizes.floordiv(product.n + (panel - 1), panel)
    return panels * panel * product.k * _item(plan) if plan.right_before else 0


def _right_numbers(plan: Plan) -> Size:
    if not plan.pack_right or plan.right_before:
        return 0
    panels = sizes.floordiv(plan.product.n + (plan.tile.panel - 1), plan.tile.panel)
    each = sizes.floordiv(panels + (plan.blocks - 1), sizes.maximum(plan.blocks, 1))
    return each * plan.tile.panel * plan.depth


# --- the left operand -----------------------------------------------------------------


def left(plan: Plan) -> tuple[list[str], Steps]:
    """Lines that give the rows sg_i0 .. sg_i1 at column sg_p, and the steps in them."""
    matrix, ctype = plan.product.left, C_TYPES[plan.product.dtype]
    if plan.left_before:
        rows = plan.tile.rows
        place = f"({_strips_before(plan)} + sg_s * sg_depth) * {rows}"
        steps = ("1", str(rows), f"{rows} * sg_depth")
        return [f"const {ctype} *sg_left = {_left_start(plan)} + {place};"], steps
    if plan.copy_left:
        return _copied(plan) if plan.copy_from == 0 else _copied_if_deep(plan)
    lines = [f"const {ctype} *sg_left = {matrix.at('sg_i0', 'sg_p')};"]
    return lines, _steps(matrix)


def soon(plan: Plan) -> str:
    """Numbers behind a strip that hold the next one, worth asking for."""
    return f"{plan.tile.rows} * sg_depth" if plan.left_before else "0"


def _left_packing(plan: Plan) -> Phase:
    """Its unit is a strip of rows at one depth; there the numbers are [k][row]."""
    product, depth = plan.product, plan.depth
    many = sizes.text(strips(product.m, plan.tile))
    m, k = sizes.text(product.m), sizes.text(product.k)
    rows = f"{many}, {m}, {plan.tile.group}"
    by_rows = product.left.across == 1
    step = sizes.text(product.left.down if by_rows else product.left.across)
    ctype, name = C_TYPES[product.dtype], suffix(product.dtype)
    call = f"turn_rows_{name}(sg_i1 - sg_i0"
    if not by_rows:
        call = f"copy_columns_{name}(sg_i1 - sg_i0, 1"
    place = f"({_strips_before(plan)} + sg_s * sg_depth) * {plan.tile.rows}"
    lines = [
        "const int64_t b = 0;",
        "(void)b;",
        "for (; begin < end; begin++) {",
        f"    const int64_t sg_s = begin % ({many});",
        f"    const int64_t sg_p = begin / ({many}) * {depth};",
        f"    const int64_t sg_depth = sg_min({depth}, {k} - sg_p);",
        f"    const int64_t sg_i0 = sg_gemm_start(sg_s, {rows});",
        f"    const int64_t sg_i1 = sg_gemm_start(sg_s + 1, {rows});",
        f"    {ctype} *sg_to = {_left_start(plan)} + {place};",
        f"    sg_gemm_{call}, sg_depth, {product.left.at('sg_i0', 'sg_p')},",
        f"        {step}, sg_to);",
        "}",
    ]
    slabs = sizes.floordiv(product.k + (depth - 1), depth)
    units, used = strips(product.m, plan.tile) * slabs, (product.left.buffer,)
    cost = plan.tile.rows * depth
    return Phase(tuple(lines), used, units, 0, cost, family="gemm")


def _left_start(plan: Plan) -> str:
    ctype = C_TYPES[plan.product.dtype]
    return f"({ctype} *)(shared + ({sizes.text(_right_bytes(plan))}))"


def _strips_before(plan: Plan) -> str:
    """Columns of strips, of a tile's rows each, before those at sg_p."""
    return f"sg_p * ({sizes.text(strips(plan.product.m, plan.tile))})"


def _copied(plan: Plan) -> tuple[list[str], Steps]:
    """The same with lines that copy a panel to the scratch."""
    lines, steps = _copying(plan)
    return [*lines, f"const {C_TYPES[plan.product.dtype]} *sg_left = sg_copy;"], steps


def _copied_if_deep(plan: Plan) -> tuple[list[str], Steps]:
    """The same where only the run-time depth tells whether to copy."""
    matrix, names = plan.product.left, ("sg_down", "sg_across", "sg_strip_step")
    copying, copied = _copying(plan)
    lines = [
        f"const {C_TYPES[plan.product.dtype]} *sg_left = {matrix.at('sg_i0', 'sg_p')};",
        *(f"int64_t {n} = {s};" for n, s in zip(names, _steps(matrix), strict=True)),
        f"if (sg_depth >= {plan.copy_from}) {{",
        *(f"    {line}" for line in copying),
        "    sg_left = sg_copy;",
        *(f"    {n} = {s};" for n, s in zip(names, copied, strict=True)),
        "}",
    ]
    return lines, names


def _steps(matrix: Matrix) -> Steps:
    """Of an operand that is read where it lies."""
    return sizes.text(matrix.down), sizes.text(matrix.across), "0"


def _copying(plan: Plan) -> tuple[list[str], Steps]:
    """Lines that copy a panel to ``sg_copy``, and the steps there."""
    matrix = plan.product.left
    ctype, name = C_TYPES[plan.product.dtype], suffix(plan.product.dtype)
    start, step = matrix.at("sg_i0", "sg_p"), _row_numbers(plan)
    lines = [f"{ctype} *sg_copy = ({ctype} *)scratch;"]
    if matrix.across == 1:
        lines += [
            f"sg_gemm_copy_rows_{name}(sg_i1 - sg_i0, sg_depth, {start},",
            f"    {sizes.text(matrix.down)}, sg_copy, {step});",
        ]
        return lines, (str(step), "1", "0")
    lines += [
        f"sg_gemm_copy_columns_{name}(sg_i1 - sg_i0, sg_strips, sg_depth, {start},",
        f"    {sizes.text(matrix.across)}, sg_copy);",
    ]
    rows = str(plan.tile.rows)
    return lines, ("1", rows, f"{rows} * sg_depth")


def _row_numbers(plan: Plan) -> int:
    """The step of copied rows: one vector more than they need, out of alignment."""
    return -(-plan.depth // plan.tile.lanes) * plan.tile.lanes + plan.tile.lanes


def _left_numbers(plan: Plan) -> int:
    rows = plan.strips * plan.tile.rows
    return rows * _row_numbers(plan) if plan.copy_left and not plan.left_before else 0


def _item(plan: Plan) -> int:
    return 8 if plan.product.dtype == "float64" else 4
