"""Where tiles read the left operand of a product: in place, copied, or in strips.

Where many blocks of columns would copy it again, it is packed before the products, for
all threads, in strips of a tile's rows. Else each thread copies a panel where its rows
would crowd a cache, or narrow tiles go over many columns, and reads it where it lies
where not; for narrow tiles it copies in such strips too. A panel of columns is copied
by the tiles themselves.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Phase
from codegen.gemm import space
from codegen.gemm.common import tiled
from codegen.gemm.plan import Plan
from codegen.gemm.product import Matrix
from codegen.gemm.ways import strips
from codegen.scalars import C_TYPES, suffix

Steps = tuple[str, str, str]  # of rows, of the depth and of strips


def read(plan: Plan) -> tuple[list[str], Steps]:
    """Lines that give the rows sg_i0 .. sg_i1 at column sg_p, and the steps in them."""
    matrix, ctype = plan.product.left, C_TYPES[plan.product.dtype]
    if plan.left_before:
        rows = plan.tile.rows
        place = f"({_strips_before(plan)} + sg_s * sg_depth) * {rows}"
        steps = ("1", str(rows), f"{rows} * sg_depth")
        return [f"const {ctype} *sg_left = {_left_start(plan)} + {place};"], steps
    if plan.copy_left and matrix.across == 1:
        return _copied(plan)
    lines = [f"const {ctype} *sg_left = {matrix.at('sg_i0', 'sg_p')};"]
    return lines, _steps(matrix)


def soon(plan: Plan) -> str:
    """Numbers behind those of a strip that are read in its place next, or 0.

    Columns of a transposed operand lie in one row of memory after another, which no
    processor foresees; those of the next strips are asked for beside the products.
    """
    if plan.left_before:
        return f"{plan.tile.rows} * sg_depth"
    in_place = not plan.copy_left and plan.product.left.down == 1
    return str(plan.strips * plan.tile.rows) if in_place else "0"


def packing(plan: Plan) -> Phase:
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
    calls = (tiled(product.dtype),)
    return Phase(tuple(lines), used, units, 0, cost, common=calls)


def _left_start(plan: Plan) -> str:
    ctype = C_TYPES[plan.product.dtype]
    return f"({ctype} *)(shared + ({sizes.text(space.packed_right(plan))}))"


def _strips_before(plan: Plan) -> str:
    """Columns of strips, of a tile's rows each, before those at sg_p."""
    return f"sg_p * ({sizes.text(strips(plan.product.m, plan.tile))})"


def beside(plan: Plan) -> list[str]:
    """Lines that copy columns of ``sg_strip`` beside the first products with them."""
    if not plan.copy_left or plan.left_before or plan.product.left.across == 1:
        return []
    name, ctype = suffix(plan.product.dtype), C_TYPES[plan.product.dtype]
    return [f"sg_gemm_copy_beside_{name}(&sg_strip, ({ctype} *)scratch);"]


def _steps(matrix: Matrix) -> Steps:
    """Of an operand that is read where it lies."""
    return sizes.text(matrix.down), sizes.text(matrix.across), "0"


def _copied(plan: Plan) -> tuple[list[str], Steps]:
    """The same with lines that copy a panel of rows to the scratch."""
    matrix = plan.product.left
    ctype, name = C_TYPES[plan.product.dtype], suffix(plan.product.dtype)
    start, down = matrix.at("sg_i0", "sg_p"), sizes.text(matrix.down)
    if plan.tile.together:
        rows = plan.tile.rows
        copy, to = f"turn_strips_{name}(sg_i1 - sg_i0, sg_strips", "sg_copy"
        steps = "1", str(rows), f"{rows} * sg_depth"
    else:
        step = str(space.copied_row(plan))
        copy, to = f"copy_rows_{name}(sg_i1 - sg_i0", f"sg_copy, {step}"
        steps = step, "1", "0"
    return [
        f"{ctype} *sg_copy = ({ctype} *)scratch;",
        f"sg_gemm_{copy}, sg_depth, {start},",
        f"    {down}, {to});",
        f"const {ctype} *sg_left = sg_copy;",
    ], steps
