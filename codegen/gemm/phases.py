"""A ``Gemm`` as phases: batches, chunks of k, and the body of the chosen way.

Where k is cut in chunks, the first phase leaves one product a chunk in shared memory
and the second adds them in order; how many chunks there are depends on sizes alone.
"""

from __future__ import annotations

from types import ModuleType

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.gemm import epilogue, operands, tiled, vectors
from codegen.gemm.epilogue import Sums
from codegen.gemm.plain import emit_plain
from codegen.gemm.plan import Plan, Way, plan_of
from codegen.gemm.product import product_of
from codegen.ir import Buffer, Gemm
from codegen.scalars import C_TYPES
from codegen.sizes import Size
from codegen.target import Target

# multiplications that take as long as one rough scalar operation of a vector loop
SPEED = {Way.TILES: 8, Way.DOTS: 2, Way.ROW: 2}


def emit_gemm(step: Gemm, target: Target) -> Emission:
    """The C of a matrix product."""
    product = product_of(step)
    if 0 in (product.batch, product.m, product.n):
        return Emission((Phase((), (step.a, step.b, step.c), 0),))
    plan = plan_of(product, target)
    if plan.way is Way.PLAIN:
        return emit_plain(plan.product, target)
    phases, shared = _phases(plan)
    phases = (*operands.packing(plan), *phases)
    return Emission(phases, shared + operands.packed_bytes(plan), ("gemm.h",))


def _phases(plan: Plan) -> tuple[tuple[Phase, ...], Size]:
    """The phases after packing, and the shared memory for their sums."""
    ways = tiled if plan.way is Way.TILES else vectors
    if plan.chunks != 1:
        phases = (_multiplied(plan, ways, _partial(plan), False), _summed(plan))
        return phases, _bytes(plan) * plan.chunks
    if epilogue.works_in_place(plan.product):
        out = plan.product.out
        sums = Sums(out.at("0", "0"), sizes.text(out.down), True)
        return (_multiplied(plan, ways, sums, True),), 0
    return (_multiplied(plan, ways, _partial(plan), True),), _bytes(plan)


def _bytes(plan: Plan) -> Size:
    product = plan.product
    item = 8 if product.dtype == "float64" else 4
    return product.batch * product.m * product.n * item


def _partial(plan: Plan) -> Sums:
    """Sums in shared memory: one matrix for each batch and chunk."""
    product = plan.product
    place = f"(b * ({sizes.text(plan.chunks)}) + sg_chunk)"
    step = sizes.text(product.n)
    area = sizes.text(product.m * product.n)
    return Sums(f"{_sums(plan)} + {place} * ({area})", f"({step})", False)


def _sums(plan: Plan) -> str:
    """Where partial sums begin in shared memory: behind what is packed."""
    skip = sizes.text(operands.packed_bytes(plan))
    return f"({C_TYPES[plan.product.dtype]} *)(shared + ({skip}))"


def _multiplied(plan: Plan, ways: ModuleType, sums: Sums, last: bool) -> Phase:
    """The phase of the products, and of the epilogue if ``last``."""
    product = plan.product
    parts = ways.units(plan)
    many, chunks, k = map(sizes.text, (parts, plan.chunks, product.k))
    lines = [
        "int64_t sg_run = 0;",
        "for (; begin < end; begin += sg_run) {",
        f"    const int64_t sg_part = begin % ({many}), sg_slice = begin / ({many});",
        f"    const int64_t sg_chunk = sg_slice % ({chunks});",
        f"    const int64_t b = sg_slice / ({chunks});",
        f"    const int64_t sg_k0 = sg_gemm_start(sg_chunk, {chunks}, {k}, 16);",
        f"    const int64_t sg_k1 = sg_gemm_start(sg_chunk + 1, {chunks}, {k}, 16);",
        "    (void)b;",
        *(f"    {line}" for line in ways.body(plan, sums, last)),
        "}",
    ]
    units = product.batch * plan.chunks * parts
    work = _work(plan, parts, last)
    scratch = ways.scratch_bytes(plan)
    return Phase(tuple(lines), _buffers(plan), units, scratch, work, family="gemm")


def _work(plan: Plan, parts: Size, finished: bool) -> Size:
    """Rough scalar operations of a unit, one of ``parts`` of a batch and chunk."""
    product, lanes = plan.product, plan.tile.lanes
    wide = sizes.floordiv(product.n + (lanes - 1), lanes) * lanes
    slices = sizes.maximum(parts * plan.chunks, 1) * SPEED[plan.way]
    work = sizes.floordiv(product.m * wide * product.k, slices)
    if not finished:
        return work
    elements = product.m * product.n * epilogue.cost(product)
    return work + sizes.floordiv(elements, sizes.maximum(parts, 1))


def _summed(plan: Plan) -> Phase:
    """The phase that adds the chunks of each row in order, with the epilogue."""
    product = plan.product
    area, n = sizes.text(product.m * product.n), sizes.text(product.n)
    ctype, chunks = C_TYPES[product.dtype], sizes.text(plan.chunks)
    m = sizes.text(product.m)
    sums = Sums("sg_first", "0", False)
    bounds = ("sg_row", "sg_row + 1", "0", n)
    lines = [
        "for (; begin < end; begin++) {",
        f"    const int64_t b = begin / ({m}), sg_row = begin % ({m});",
        f"    {ctype} *sg_first = {_sums(plan)} + b * ({chunks}) * ({area})",
        f"        + sg_row * ({n});",
        f"    for (int64_t sg_chunk = 1; sg_chunk < {chunks}; sg_chunk++)",
        "        #pragma omp simd",
        f"        for (int64_t sg_j = 0; sg_j < {n}; sg_j++)",
        f"            sg_first[sg_j] += sg_first[sg_chunk * ({area}) + sg_j];",
        *(f"    {line}" for line in epilogue.finish(product, sums, bounds)),
        "}",
    ]
    work = product.n * (plan.chunks + epilogue.cost(product))
    return Phase(tuple(lines), _buffers(plan), product.batch * product.m, 0, work)


def _buffers(plan: Plan) -> tuple[Buffer, ...]:
    product = plan.product
    used = (matrix.buffer for matrix in (product.left, product.right, product.out))
    return tuple(dict.fromkeys((*used, *epilogue.used(product))))
