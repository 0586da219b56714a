"""The bodies that compute one row, or few columns: bound by memory, nothing packed."""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Common
from codegen.gemm.chunks import ROW_BLOCK
from codegen.gemm.common import dots, row
from codegen.gemm.epilogue import Sums
from codegen.gemm.plan import Plan
from codegen.gemm.ways import Way
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size

DOT_ROWS = 64  # of one unit; a multiple of the rows that are done together


def units(plan: Plan) -> Size:
    """Units of one batch and one chunk of k."""
    if plan.way is Way.ROW:
        return sizes.floordiv(plan.product.n + (ROW_BLOCK - 1), ROW_BLOCK)
    return sizes.floordiv(plan.product.m + (DOT_ROWS - 1), DOT_ROWS)


def scratch_bytes(plan: Plan) -> Size:
    """The few columns turned to rows, where they are not."""
    product = plan.product
    if plan.way is Way.ROW or product.right.down == 1:
        return 0
    return product.n * product.k * (8 if product.dtype == "float64" else 4)


def common(plan: Plan) -> Common:
    """What the body calls."""
    product = plan.product
    if plan.way is Way.ROW:
        return row(product.dtype)
    assert isinstance(product.n, int)  # columns are few only where they are known
    return dots(product.n, product.dtype)


def body(plan: Plan, sums: Sums, finished: list[str]) -> list[str]:
    """C of unit ``sg_part`` of batch ``b``, for k from ``sg_k0`` to ``sg_k1``.

    ``finished`` follows.
    """
    lines = _row(plan, sums) if plan.way is Way.ROW else _dots(plan, sums)
    return ["sg_run = 1;", *lines, *finished]


def _row(plan: Plan, sums: Sums) -> list[str]:
    product = plan.product
    n, step = sizes.text(product.n), sizes.text(product.right.down)
    call = f"sg_gemm_row_{suffix(product.dtype)}"
    return [
        "const int64_t sg_i0 = 0, sg_i1 = 1;",
        f"const int64_t sg_j0 = sg_part * {ROW_BLOCK};",
        f"const int64_t sg_j1 = sg_min({n}, sg_j0 + {ROW_BLOCK});",
        "(void)sg_i0, (void)sg_i1;",
        f"{call}(sg_j1 - sg_j0, sg_k1 - sg_k0, {product.left.at('0', 'sg_k0')},",
        f"    {product.right.at('sg_k0', 'sg_j0')}, {step},",
        f"    {sums.at('0', 'sg_j0')});",
    ]


def _dots(plan: Plan, sums: Sums) -> list[str]:
    product = plan.product
    m, n = sizes.text(product.m), sizes.text(product.n)
    call = f"sg_gemm_dots_{n}_{suffix(product.dtype)}"
    down = sizes.text(product.left.down)
    lines, right, right_step = _turned(plan)
    return [
        f"const int64_t sg_i0 = sg_part * {DOT_ROWS};",
        f"const int64_t sg_i1 = sg_min({m}, sg_i0 + {DOT_ROWS});",
        f"const int64_t sg_j0 = 0, sg_j1 = {n};",
        "(void)sg_j0, (void)sg_j1;",
        *lines,
        f"{call}(sg_i1 - sg_i0, sg_k1 - sg_k0, {product.left.at('sg_i0', 'sg_k0')},",
        f"    {down}, {right}, {right_step},",
        f"    {sums.at('sg_i0', '0')}, {sums.step}, 1);",
    ]


def _turned(plan: Plan) -> tuple[list[str], str, str]:
    """Lines that turn columns into rows, then pointer and step of those rows."""
    product = plan.product
    right = product.right
    start = right.at("sg_k0", "0")
    if right.down == 1:
        return [], start, sizes.text(right.across)
    ctype, name = C_TYPES[product.dtype], suffix(product.dtype)
    lines = [
        f"{ctype} *sg_right = ({ctype} *)scratch;",
        f"sg_gemm_turn_{name}({sizes.text(product.n)}, sg_k1 - sg_k0, {start},",
        f"    {sizes.text(right.down)}, sg_right);",
    ]
    return lines, "sg_right", "sg_k1 - sg_k0"
