"""Correlations as C: the forward kernel, and the backward one for the data.

Of direct sums, a unit of work is a bundle of vectors of output channels at a band of
rows of one sample: it runs through the tiles of the band.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import epilogue, text, winograd_phases
from codegen.convolution.geometry import Correlation, share
from codegen.convolution.plan import Plan, plan
from codegen.convolution.sums import sum_lines
from codegen.convolution.tiles import Strip
from codegen.convolution.winograd import cut
from codegen.emission import Emission, Phase
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "convolution.h", "pooling.h")


def emission(parts: list[Correlation], target: Target, points: int) -> Emission:
    """The C of some correlations; ``points`` are those of Winograd's filtering."""
    some = [c for c in parts if not c.empty]
    if points:
        found = [winograd_phases.phase(cut(c, points, target)) for c in some]
        return Emission(tuple(found), headers=winograd_phases.HEADERS)
    return Emission(tuple(phase(plan(c, target)) for c in some), headers=HEADERS)


def phase(chosen: Plan) -> Phase:
    """The C function that computes a correlation by direct sums."""
    c = chosen.correlation
    body = [
        *text.decode("unit", chosen.unit),
        *_band(chosen),
        *(_operands(chosen) if chosen.taps else ()),
        *_tiles(chosen),
    ]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.source.buffer, c.filters, *epilogue.written_and_read(c)),
        sizes.product(tuple(extent for _, extent in chosen.unit)),
        chosen.view.scratch,
        _unit_cost(chosen),
    )


def _band(plan: Plan) -> list[str]:
    """The rows of a band: whole rows of results after pooling."""
    step, band = plan.correlation.pooled, symbol("band")
    rows = sizes.floordiv(plan.correlation.rows.count, step)
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


def _unit_cost(plan: Plan) -> Size:
    c = plan.correlation
    pixels = sizes.floordiv(c.rows.count, plan.bands) * c.columns.count
    work = c.channels.inputs * plan.taps + c.lanes * epilogue.cost(c.epilogue)
    return pixels * (plan.tiling.vectors * work)


def _tiles(plan: Plan) -> list[str]:
    """The tiles of a band: rows of each height, and in these the strips."""
    lines = ["int64_t row = top;"]
    for height in plan.tiling.heights:
        across = ["int64_t column = 0;"]
        for strip in plan.tiling.strips:
            across += _strip(plan, height, strip)
        lines += _while("row", height, symbol("bottom"), across)
    return lines


def _strip(plan: Plan, height: int, strip: Strip) -> list[str]:
    c, width = plan.correlation, strip.width
    tile = epilogue.Tile(plan.tiling.vectors, height, width)
    lines = [*sum_lines(plan, height, strip), *epilogue.store_lines(c, tile)]
    return _while("column", width, strip.stop, lines)


def _while(index: str, size: int, stop: Size, body: list[str]) -> list[str]:
    """Steps of ``size`` as far as they fit below ``stop``."""
    head = f"for (; {index} + {size} <= {sizes.text(stop)}; {index} += {size})"
    return text.block(head, body)
