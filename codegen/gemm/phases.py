"""A ``Gemm`` as phases: batches, chunks of k, and the body of the chosen way.

Where k is cut in chunks, the first phase leaves one product a chunk in shared memory
and the second adds them in order; how many chunks there are depends on sizes alone.
"""

from __future__ import annotations

from codegen import sizes
from codegen.emission import VECTOR, Emission, Phase
from codegen.gemm import epilogue, left, right, space, tiled, vectors
from codegen.gemm.epilogue import Sums
from codegen.gemm.plain import emit_plain
from codegen.gemm.plan import Plan, plan_of
from codegen.gemm.product import product_of
from codegen.gemm.ways import Way
from codegen.ir import Buffer, Gemm
from codegen.scalars import C_TYPES
from codegen.sizes import Size
from codegen.target import Target

# multiplications that take as long as one rough scalar operation of a vector loop
SPEED = {Way.TILES: 8, Way.DOTS: 2, Way.ROW: 2}
BOUNDS = ("sg_i0", "sg_i1", "sg_j0", "sg_j1")  # of the sums that a body has made


def emit_gemm(step: Gemm, target: Target) -> Emission:
    """The C of a matrix product."""
    product = product_of(step)
    if 0 in (product.batch, product.m, product.n):
        return Emission((Phase((), (step.a, step.b, step.c), 0),))
    plan = plan_of(product, target)
    if plan.way is Way.PLAIN:
        return emit_plain(plan.product, target)
    phases, shared = _phases(plan)
    packs = plan.right_before and not product.packed
    packing = [right.packing(plan)] if packs else []
    packing += [left.packing(plan)] if plan.left_before else []
    shared = shared + space.packed_bytes(plan)
    return Emission((*packing, *phases), shared, ("gemm.h",))


def _phases(plan: Plan) -> tuple[tuple[Phase, ...], Size]:
    """The phases after packing, and the shared memory for their sums."""
    in_place = epilogue.works_in_place(plan.product)
    found, sums = _places(plan, in_place)
    finished = epilogue.finish(plan.product, sums, BOUNDS, plan.tile.lanes)
    if isinstance(plan.chunks, int) and plan.chunks > 1:
        finished = []
    elif plan.chunks != 1 and finished:
        finished = ["if (sg_chunks == 1) {", *(f"    {x}" for x in finished), "}"]
    first = _multiplied(plan, found, sums, finished)
    numbers = plan.chunks * (_is_cut(plan) if in_place else 1)
    last = () if plan.chunks == 1 else (_summed(plan),)
    return (first, *last), _bytes(plan) * numbers


def _is_cut(plan: Plan) -> Size:
    """1 where k is cut in chunks, else 0; only the call may know."""
    return sizes.minimum(plan.chunks - 1, 1)


def _places(plan: Plan, in_place: bool) -> tuple[list[str], Sums]:
    """Where a chunk is summed, and the lines that find it: in the output if it can be.

    Only a product that is one chunk can; where the call decides, the C does.
    """
    partial, out = _partial(plan), plan.product.out
    whole = Sums(out.at("0", "0"), f"({sizes.text(out.down)})", True)
    if plan.chunks == 1:
        return [], whole if in_place else partial
    if isinstance(plan.chunks, int) or not in_place:
        return [], partial
    ctype = C_TYPES[plan.product.dtype]
    lines = [
        f"{ctype} *sg_sums = {whole.start};",
        f"int64_t sg_sums_step = {whole.step};",
        "if (sg_chunks > 1) {",
        f"    sg_sums = {partial.start};",
        f"    sg_sums_step = {partial.step};",
        "}",
    ]
    return lines, Sums("sg_sums", "sg_sums_step", True)


def _bytes(plan: Plan) -> Size:
    product = plan.product
    return product.batch * product.m * product.n * plan.item


def _partial(plan: Plan) -> Sums:
    """Sums in shared memory: one matrix for each batch and chunk."""
    product = plan.product
    place = f"(b * ({sizes.text(plan.chunks)}) + sg_chunk)"
    step = sizes.text(product.n)
    area = sizes.text(product.m * product.n)
    return Sums(f"{_sums(plan)} + {place} * ({area})", f"({step})", False)


def _sums(plan: Plan) -> str:
    """Where partial sums begin in shared memory: behind what is packed."""
    skip = sizes.text(space.packed_bytes(plan))
    return f"({C_TYPES[plan.product.dtype]} *)(shared + ({skip}))"


def _multiplied(plan: Plan, found: list[str], sums: Sums, finished: list[str]) -> Phase:
    """The phase of the products, which ``finished`` makes output of where it can."""
    product, ways = plan.product, tiled if plan.way is Way.TILES else vectors
    parts = ways.units(plan)
    many, chunks, k = map(sizes.text, (parts, plan.chunks, product.k))
    lines = [
        f"const int64_t sg_chunks = {chunks};",
        "int64_t sg_run = 0;",
        "for (; begin < end; begin += sg_run) {",
        f"    const int64_t sg_part = begin % ({many}), sg_slice = begin / ({many});",
        "    const int64_t sg_chunk = sg_slice % sg_chunks;",
        "    const int64_t b = sg_slice / sg_chunks;",
        f"    const int64_t sg_k0 = sg_gemm_start(sg_chunk, sg_chunks, {k}, 8);",
        f"    const int64_t sg_k1 = sg_gemm_start(sg_chunk + 1, sg_chunks, {k}, 8);",
        "    (void)b;",
        *(f"    {line}" for line in (*found, *ways.body(plan, sums, finished))),
        "}",
    ]
    units = product.batch * plan.chunks * parts
    work = _work(plan, parts, bool(finished))
    scratch = ways.scratch_bytes(plan)
    calls = (ways.common(plan),)
    return Phase(tuple(lines), _buffers(plan), units, scratch, work, common=calls)


def _work(plan: Plan, parts: Size, finished: bool) -> Size:
    """Rough scalar operations of a unit, one of ``parts`` of a batch and chunk."""
    product, lanes = plan.product, plan.tile.lanes
    wide = sizes.floordiv(product.n + (lanes - 1), lanes) * lanes
    slices = sizes.maximum(parts * plan.chunks, 1) * SPEED[plan.way]
    work = sizes.floordiv(product.m * wide * product.k, slices)
    if not finished:
        return work
    elements = product.m * product.n * epilogue.cost(product)
    return work + sizes.floordiv(elements, sizes.maximum(parts, 1) * VECTOR)


def _summed(plan: Plan) -> Phase:
    """The phase that adds the chunks of each row in order, with the epilogue."""
    product = plan.product
    area, n = sizes.text(product.m * product.n), sizes.text(product.n)
    ctype, chunks = C_TYPES[product.dtype], sizes.text(plan.chunks)
    m = sizes.text(product.m)
    sums = Sums("sg_first", "0", False)
    bounds = ("sg_row", "sg_row + 1", "0", n)
    finished = epilogue.finish(product, sums, bounds, plan.tile.lanes)
    lines = [
        "for (; begin < end; begin++) {",
        f"    const int64_t b = begin / ({m}), sg_row = begin % ({m});",
        f"    {ctype} *sg_first = {_sums(plan)} + b * ({chunks}) * ({area}) "
        f"+ sg_row * ({n});",
        f"    for (int64_t sg_chunk = 1; sg_chunk < {chunks}; sg_chunk++)",
        "        #pragma omp simd",
        f"        for (int64_t sg_j = 0; sg_j < {n}; sg_j++)",
        f"            sg_first[sg_j] += sg_first[sg_chunk * ({area}) + sg_j];",
        *(f"    {line}" for line in finished),
        "}",
    ]
    work = product.n * (plan.chunks + epilogue.cost(product))
    rows = product.batch * product.m * _is_cut(plan)
    return Phase(tuple(lines), _buffers(plan), rows, 0, work)


def _buffers(plan: Plan) -> tuple[Buffer, ...]:
    product = plan.product
    used = (matrix.buffer for matrix in (product.left, product.right, product.out))
    return tuple(dict.fromkeys((*used, *epilogue.used(product))))
