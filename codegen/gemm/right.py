"""Where tiles read the right operand of a product: in place, or in packed panels.

Panels are two vectors wide. One that all threads share is packed by a phase of its own
before the products; of many small products in a batch each thread packs what it needs,
still in its cache. What several products read, in the turns of a loop or call after
call, a step of its own packs once (``PackRight``).
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.gemm import space
from codegen.gemm.common import tiled
from codegen.gemm.plan import Plan, even, plan_of
from codegen.gemm.product import Matrix, product_of
from codegen.gemm.ways import Tile, Way, tile_of
from codegen.ir import Buffer, Gemm, PackRight
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size
from codegen.target import Target

PACKED_PANELS, PACKED_DEPTH = 8, 64  # of a unit of packing
NARROW_PANELS = 16  # the same where tiles, and so panels, are narrow
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
            f"const int64_t sg_panel_step = {_panel_step(plan.product.k, plan.tile)};",
        ]
    return [
        rows,
        f"const int64_t sg_panel_step = {panel} * sg_depth;",
        f"{ctype} *sg_right = ({ctype} *)scratch + {space.copied_left(plan)};",
        _pack(matrix, "sg_j1 - sg_j0", plan.tile, "sg_right", "sg_panel_step"),
    ]


def packing(plan: Plan) -> Phase:
    """The phase that packs it for all threads, in shared memory."""
    product = plan.product
    used = (product.right.buffer,)
    panels = _shared(plan)
    return _packing(product.right, product.k, product.n, plan.tile, panels, used)


def packed_shape(k: Size, n: Size, dtype: str, target: Target) -> tuple[Size, ...]:
    """The shape of what ``PackRight`` makes."""
    return (space.panels_numbers(k, n, tile_of(target, dtype)),)


def emit_pack_right(step: PackRight, target: Target) -> Emission:
    """The C that packs a right operand for the products that come."""
    plain, packed = step.plain, step.packed
    expected = packed_shape(step.k, step.n, plain.dtype, target)
    if packed.shape != expected or packed.dtype != plain.dtype:
        got = f"{packed.dtype} {packed.shape}"
        raise CodegenError(
            f"pack right: packed is {got}, expected {plain.dtype} {expected}"
        )
    if expected == (0,):
        return Emission(())
    matrix = Matrix(plain, 0, step.n, 1, step.offset)
    if step.transposed:
        matrix = Matrix(plain, 0, 1, step.k, step.offset)
    tile, used = tile_of(target, plain.dtype), (plain, packed)
    phase = _packing(matrix, step.k, step.n, tile, packed.name, used)
    return Emission((phase,), headers=("gemm.h",))


def pays_once(step: Gemm, target: Target) -> bool:
    """Whether a right operand of several products had better be packed once for all.

    Narrow tiles gain by panels however few rows there are, if nothing else packs them;
    what tiles copy beside their work costs less than to read it twice.
    """
    plan = plan_of(product_of(step), target)
    tiled = plan.way is Way.TILES and step.batch == 1 and not plan.on_the_way
    return tiled and (plan.pack_right or plan.tile.together)


def _packing(
    matrix: Matrix, k: Size, n: Size, tile: Tile, panels: str, used: tuple[Buffer, ...]
) -> Phase:
    """Its unit is a tile of some panels by some rows of k, small enough for a cache."""
    wide = tile.panel * (NARROW_PANELS if tile.together else PACKED_PANELS)
    deep = even(k, PACKED_DEPTH, tile.lanes)
    across = sizes.floordiv(n + (wide - 1), wide)
    down = sizes.floordiv(k + (deep - 1), deep)
    step = _panel_step(k, tile)
    call = _pack(matrix, "sg_wide", tile, _panel(panels, tile, step), step)
    lines = [
        "const int64_t b = 0;",
        "(void)b;",
        "for (; begin < end; begin++) {",
        f"    const int64_t sg_p = begin % ({sizes.text(down)}) * {deep};",
        f"    const int64_t sg_j0 = begin / ({sizes.text(down)}) * {wide};",
        f"    const int64_t sg_depth = sg_min({deep}, {sizes.text(k)} - sg_p);",
        f"    const int64_t sg_wide = sg_min({wide}, {sizes.text(n)} - sg_j0);",
        f"    {call}",
        "}",
    ]
    cost = wide * deep // COPIED
    calls = (tiled(matrix.buffer.dtype),)
    return Phase(tuple(lines), used, across * down, 0, cost, common=calls)


def _pack(matrix: Matrix, columns: str, tile: Tile, to: str, panel_step: str) -> str:
    """The call that packs ``columns`` from sg_j0 on and sg_depth rows from sg_p on."""
    rows = matrix.across == 1
    kind = f"{'rows' if rows else 'columns'}_{suffix(matrix.buffer.dtype)}"
    step = sizes.text(matrix.down if rows else matrix.across)
    start = matrix.at("sg_p", "sg_j0")
    to_packed = f"{step}, {to}, {panel_step}"
    return f"sg_gemm_pack_{kind}({columns}, sg_depth, {start}, {to_packed});"


def _before(plan: Plan) -> str:
    """Where column sg_j0 of row sg_p was packed."""
    product = plan.product
    panels = product.right.buffer.name if product.packed else _shared(plan)
    return _panel(panels, plan.tile, _panel_step(product.k, plan.tile))


def _shared(plan: Plan) -> str:
    return f"({C_TYPES[plan.product.dtype]} *)shared"


def _panel(panels: str, tile: Tile, step: str) -> str:
    """Where column sg_j0 of row sg_p lies in ``panels``: a panel after the other."""
    return f"{panels} + sg_j0 / {tile.panel} * {step} + sg_p * {tile.panel}"


def _panel_step(k: Size, tile: Tile) -> str:
    return f"({sizes.text(k * tile.panel)})"
