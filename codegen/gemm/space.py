"""The memory that a product has for its operands: packed for all, or for one thread.

Shared memory holds the right operand, then the left; a thread's scratch holds a copied
panel of the left one, then a packed block of the right one.
"""

from __future__ import annotations

from codegen import sizes
from codegen.gemm.plan import Plan
from codegen.gemm.ways import Tile, strips
from codegen.sizes import Size


def packed_bytes(plan: Plan) -> Size:
    """The shared memory for operands that all threads read."""
    return packed_right(plan) + packed_left(plan)


def packed_right(plan: Plan) -> Size:
    """Its bytes for whole panels of the right operand, unless a step packs it."""
    product = plan.product
    if product.packed or not plan.right_before:
        return 0
    return panels_numbers(product.k, product.n, plan.tile) * plan.item


def panels_numbers(k: Size, n: Size, tile: Tile) -> Size:
    """How many numbers whole panels of a right operand have."""
    return sizes.floordiv(n + (tile.panel - 1), tile.panel) * tile.panel * k


def packed_left(plan: Plan) -> Size:
    """Its bytes for whole strips of the left operand."""
    if not plan.left_before:
        return 0
    rows = strips(plan.product.m, plan.tile) * plan.tile.rows
    return rows * plan.product.k * plan.item


def scratch_bytes(plan: Plan) -> Size:
    """What a thread copies or packs for itself."""
    return (copied_left(plan) + _block_of_right(plan)) * plan.item


def copied_left(plan: Plan) -> int:
    """Numbers of a copied panel of the left operand."""
    rows = plan.strips * plan.tile.rows
    if plan.on_the_way:
        return rows * plan.depth
    return rows * copied_row(plan) if plan.copy_left and not plan.left_before else 0


def copied_row(plan: Plan) -> int:
    """The step of copied rows: one vector more than they need, out of alignment."""
    return -(-plan.depth // plan.tile.lanes) * plan.tile.lanes + plan.tile.lanes


def _block_of_right(plan: Plan) -> Size:
    if not plan.pack_right or plan.right_before:
        return 0
    panels = sizes.floordiv(plan.product.n + (plan.tile.panel - 1), plan.tile.panel)
    blocks = 1 if plan.rows_first else plan.blocks  # which are done together there
    each = sizes.floordiv(panels + (blocks - 1), sizes.maximum(blocks, 1))
    return each * plan.tile.panel * plan.depth
