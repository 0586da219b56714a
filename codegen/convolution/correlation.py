"""Correlations as C: the forward kernel, and the backward one for the data.

Of direct sums, a unit of work is a bundle of vectors of output channels at a band of
rows of one sample: it runs through the tiles of the band.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from codegen import sizes
from codegen.convolution import (
    ahead,
    bands,
    channel_sums,
    epilogue,
    scattered,
    sliding,
    text,
    winograd_phases,
)
from codegen.convolution.geometry import Correlation, share
from codegen.convolution.outlets import Tile
from codegen.convolution.plan import Plan, plan
from codegen.convolution.slides import most_rows, slides
from codegen.convolution.strips import Strip
from codegen.convolution.sums import put_aside, sum_lines
from codegen.convolution.winograd import cut
from codegen.emission import Emission, Phase
from codegen.ir import Buffer
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "pooling.h")


def emission(parts: list[Correlation], target: Target, points: int) -> Emission:
    """The C of some correlations; ``points`` are those of Winograd's filtering."""
    some = [c for c in parts if not c.empty]
    turns: Size = 0
    phases: list[Phase] = []
    if points:
        cuts = [cut(c, points, target) for c in some]
        phases = [winograd_phases.phase(one) for one in cuts]
        turns = reduce(add, (one.runs for one in cuts), turns)
        headers = winograd_phases.headers(cuts)
        return channel_sums.emission(parts[0], phases, turns, headers)
    plans = [plan(c, target) for c in some]
    if _slide_as_one(plans, target):
        phases = [_sliding(plans)]
        return channel_sums.emission(parts[0], phases, plans[0].turns, HEADERS)
    first_turns: list[Size] = []
    for chosen in plans:
        first_turns.append(turns)
        turns = turns + chosen.turns
    if len(plans) > 1 and all(chosen.sample_first for chosen in plans):
        phases = [_together(plans, first_turns)]
    else:
        phases = list(map(phase, plans, first_turns))
    return channel_sums.emission(parts[0], phases, turns, HEADERS)


def phase(chosen: Plan, first_turn: Size) -> Phase:
    """The C function that computes a correlation by direct sums."""
    body, cost = _unit(chosen, first_turn), _unit_cost(chosen)
    return _over_units(chosen, body, chosen.scratch, cost)


def _over_units(chosen: Plan, unit: list[str], scratch: Size, cost: Size) -> Phase:
    """The C function that does ``unit`` for all bands and bundles of all samples."""
    body = [*text.decode("unit", chosen.unit), *unit]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        _buffers(chosen),
        sizes.product(tuple(extent for _, extent in chosen.unit)),
        scratch,
        cost,
    )


def _slide_as_one(plans: list[Plan], target: Target) -> bool:
    """Whether the parts of an image are made step by step as one, read where it is."""
    if not plans or any(not one.slides or one.view.copy for one in plans):
        return False
    return slides([one.correlation for one in plans], target)


def _sliding(plans: list[Plan]) -> Phase:
    """The C function of parts that read the same rows, in the bands of the longest."""
    first, c = plans[0], plans[0].correlation
    unit = [
        *_rows_of(first, most_rows([one.correlation for one in plans])),
        *channel_sums.opened(c, _turn(first, 0), symbol("bundle"), 1),
        *sliding.unit_lines(plans),
    ]
    return _over_units(first, unit, 0, reduce(add, map(_unit_cost, plans)))


def _together(plans: list[Plan], first_turns: list[Size]) -> Phase:
    """The C function of correlations that make parts of one image, sample by sample.

    The parts of a strided gradient are every other pixel each: a line of memory that
    one of them writes is still in a cache for the others.
    """
    counts = [chosen.bands * chosen.bundles for chosen in plans]
    body = [
        f"const int64_t sample = unit / {sum(counts)}, part = unit % {sum(counts)};"
    ]
    first = 0
    for chosen, count, first_turn in zip(plans, counts, first_turns, strict=True):
        turn = f"part - {first}" if first else "part"
        lines = [*text.decode(turn, chosen.unit[1:]), *_unit(chosen, first_turn)]
        first += count
        body += text.block(f"if (part >= {first - count} && part < {first})", lines)
    cost = reduce(add, map(_unit_cost, plans))
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        tuple(dict.fromkeys(b for chosen in plans for b in _buffers(chosen))),
        plans[0].correlation.source.batch * sum(counts),
        reduce(sizes.maximum, (chosen.scratch for chosen in plans)),
        sizes.floordiv(cost, len(plans)),
    )


def _unit(chosen: Plan, first_turn: Size) -> list[str]:
    """What is done for one band and bundle of a sample."""
    turn = _turn(chosen, first_turn)
    vectors = chosen.tiling.vectors
    first = symbol("bundle") * vectors
    start = [
        *_band(chosen),
        *channel_sums.opened(chosen.correlation, turn, first, vectors),
    ]
    if chosen.slides:
        return [*start, *sliding.unit_lines([chosen])]
    start += _operands(chosen) if chosen.taps else []
    if chosen.pieces:
        return [*start, *scattered.unit_lines(chosen)]
    return [
        *start,
        *_tiles(chosen),
        *_pooled(chosen),
    ]


def _turn(chosen: Plan, first: Size) -> Size:
    """The number of the turn that makes ``band`` of ``sample``."""
    return first + symbol("sample") * chosen.bands + symbol("band")


def _buffers(chosen: Plan) -> tuple[Buffer, ...]:
    c = chosen.correlation
    return (c.source.buffer, c.filters, *epilogue.written_and_read(c))


def _band(plan: Plan) -> list[str]:
    """The rows of a band: whole rows of results after pooling."""
    if plan.held is not None:
        return [*bands.rows(plan.held), *ahead.distances(plan)]
    return [*_rows_of(plan, plan.correlation.rows.count), *ahead.distances(plan)]


def _rows_of(plan: Plan, count: Size) -> list[str]:
    """The share of a band in ``count`` rows of results."""
    step, band = plan.correlation.pooled, symbol("band")
    rows = sizes.floordiv(count, step)
    top, bottom = (share(at, plan.bands, rows) * step for at in (band, band + 1))
    return [
        f"const int64_t top = {sizes.text(top)};",
        f"const int64_t bottom = {sizes.text(bottom)};",
    ]


def _operands(plan: Plan) -> list[str]:
    c = plan.correlation
    bundle = plan.tiling.vectors * plan.filter_step * symbol("bundle")
    at = sizes.text(c.first_filter + bundle)
    return [
        f"const {plan.ctype} *const filters = {c.filters.name} + {at};",
        *plan.view.copy,
        f"const {plan.ctype} *const in = {plan.view.pointer};",
        "(void)filters, (void)in;",  # where no tap meets the image
    ]


def _pooled(plan: Plan) -> list[str]:
    """What is done to a band that is held in the scratch."""
    if plan.held is None:
        return []
    return bands.pool_lines(plan.correlation, plan.held, plan.tiling.vectors)


def _unit_cost(plan: Plan) -> Size:
    c = plan.correlation
    pixels = sizes.floordiv(c.rows.count, plan.bands) * c.columns.count
    work = c.channels.inputs * plan.taps + c.lanes * epilogue.cost(c.epilogue)
    return pixels * (plan.tiling.vectors * work)


def _tiles(plan: Plan) -> list[str]:
    """The tiles of a band: rows of each height, and in these the strips."""
    lines = ["int64_t row = top;"]
    if plan.held is not None:
        lines.append(bands.held(plan.correlation, plan.held_at))
    for height in plan.tiling.heights:
        across = ["int64_t column = 0;"]
        for strip in plan.tiling.strips:
            across += _strip(plan, height, strip)
        lines += _while("row", height, symbol("bottom"), across)
    if plan.slices == 1:
        return lines
    at = bands.held(plan.correlation, plan.held_at, "kept")
    start = f"{plan.ctype} *waiting = kept;"
    begun = [start, *ahead.next_filters(plan)]
    return [at, *text.loop("slice", plan.slices, [*begun, *lines])]


def _strip(plan: Plan, height: int, strip: Strip) -> list[str]:
    c, width = plan.correlation, strip.width
    tile = Tile(plan.tiling.vectors, height, width)
    if plan.held is None:
        stored = epilogue.store_lines(c, tile)
    else:
        stored = bands.store_lines(c, plan.held, tile)
    asked, with_chunks = ahead.tile_lines(plan, height, width)
    if plan.slices > 1:
        asked = text.block("if (slice == 0)", asked) if asked else []
    lines = [
        *asked,
        *sum_lines(plan, height, strip, with_chunks),
        *put_aside(plan, height * width, stored),
    ]
    return _while("column", width, strip.stop, lines)


def _while(index: str, size: int, stop: Size, body: list[str]) -> list[str]:
    """Steps of ``size`` as far as they fit below ``stop``."""
    head = f"for (; {index} + {size} <= {sizes.text(stop)}; {index} += {size})"
    return text.block(head, body)
