"""The sums of a filter gradient over a band of rows: tiles, pixels, multiply-adds."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import fetching, text, tiles, weight_slides
from codegen.convolution.geometry import share
from codegen.convolution.gradients import SAMPLES
from codegen.convolution.weight_plan import Kernel
from codegen.sizes import Size, symbol


def band_of_rows(kernel: Kernel) -> list[str]:
    """The sums of a unit over ``band`` of the samples ``base`` to ``after``."""
    band, scale = symbol("band"), 2 if kernel.step.places else 1
    rows = sizes.floordiv(kernel.rows.count, scale)
    top, bottom = (share(at, kernel.bands, rows) * scale for at in (band, band + 1))
    copy = text.block(SAMPLES, kernel.view.copy) if kernel.view.copy else []
    return [
        f"const int64_t top = {sizes.text(top)};",
        f"const int64_t bottom = {sizes.text(bottom)};",
        *copy,
        *kernel.dy.unpool,
        *fetching.distances(kernel),
        *_tiles(kernel),
    ]


def _tiles(kernel: Kernel) -> list[str]:
    """The tiles of a chunk; the last chunk may have fewer channels."""
    chunks = kernel.channels.chunks
    if len(set(chunks)) == 1:
        return _tiles_of(kernel, chunks[0])
    full = text.block(f"if (chunk < {len(chunks) - 1})", _tiles_of(kernel, chunks[0]))
    return [*full, *text.block("else", _tiles_of(kernel, chunks[-1]))]


def _tiles_of(kernel: Kernel, channels: int) -> list[str]:
    tile = kernel.tile
    lines = ["int64_t channel = 0, turn = 0;"]
    pieces = tiles.even_pieces(channels, tile.channels)
    for number in dict.fromkeys(pieces):
        stop = number * pieces.count(number) if number == pieces[0] else channels
        inner = [*_tile(kernel, number, kernel.tiles_of(channels)), "turn++;"]
        for index, extent, step in (
            ("s", len(kernel.columns.taps), tile.columns),
            ("r", len(kernel.rows.taps), tile.rows),
        ):
            head = f"for (int64_t {index} = 0; {index} < {extent}; {index} += {step})"
            inner = text.block(head, inner)
        lines += text.block(
            f"for (; channel + {number} <= {stop}; channel += {number})", inner
        )
    return lines


def _tile(kernel: Kernel, number: int, of: int) -> list[str]:
    """Sums of ``number`` channels by a few taps, over the pixels of the pass."""
    tile, kind = kernel.tile, kernel.kind
    sums = number * tile.rows * tile.columns
    every = text.unrolled((("k", tile.vectors), ("p", sums)))
    swept = _pixels(kernel, number, of)
    if kernel.slides:
        swept = weight_slides.pixels(kernel)
    return [
        f"sg_{kind}v sum[{tile.vectors}][{sums}];",
        f"{every} sum[k][p] = (sg_{kind}v){{0}};",
        *fetching.results(kernel, of),
        *text.block(SAMPLES, swept),
        *_added(kernel, number),
    ]


def _pixels(kernel: Kernel, number: int, of: int) -> list[str]:
    """The sweep over the rows and columns of one sample."""
    rows, columns, steps, dy = kernel.rows, kernel.columns, kernel.view, kernel.dy
    row = steps.top + symbol("row") * rows.stride + symbol("r") * rows.dilation
    column = steps.left + symbol("s") * columns.dilation
    corner = row * steps.row + column * steps.column
    corner = corner + symbol("channel") * steps.channel
    sweep = [
        f"const {kernel.ctype} *at = in + {sizes.text(corner)};",
        f"const {kernel.ctype} *from = {dy.base} + {sizes.text(dy.start)};",
        *fetching.share_of_row(kernel, of),
        *_columns(kernel, number),
    ]
    return [
        f"const {kernel.ctype} *const in = {steps.pointer};",
        *text.block("for (int64_t row = top; row < bottom; row++)", sweep),
    ]


def _columns(kernel: Kernel, number: int) -> list[str]:
    """The pixels of a row: some at once, then what is left of them one by one."""
    count, by = kernel.columns.count, kernel.tile.pixels
    one = _moved(kernel, _pixel(kernel, number, 0), 1)
    if by > 1:
        several = _neighbours(kernel, number)
    elif kernel.in_a_row > 1:
        by = kernel.in_a_row
        each = text.unrolled((("q", by),))
        several = text.block(each, _pixel(kernel, number, symbol("q")))
    else:
        return ["SG_ROLLED", *text.loop("column", count, one)]
    stop, some = sizes.text(count), _moved(kernel, several, by)
    return [
        "int64_t column = 0;",
        "SG_ROLLED",
        *text.block(f"for (; column + {by} <= {stop}; column += {by})", some),
        "SG_ROLLED",
        *text.block(f"for (; column < {stop}; column++)", one),
    ]


def _moved(kernel: Kernel, body: list[str], pixels: int) -> list[str]:
    """``body``, and the pointers of a row so many pixels on."""
    step = kernel.view.column * kernel.columns.stride * pixels
    return [
        *body,
        f"at += {sizes.text(step)};",
        f"from += {kernel.channels.lanes * pixels};",
    ]


def _neighbours(kernel: Kernel, number: int) -> list[str]:
    """Some pixels side by side: each number of x for all whose taps see it."""
    tile, steps, kind = kernel.tile, kernel.view, kernel.kind
    lanes, pixels = kernel.channels.lanes, kernel.tile.pixels
    place = symbol("c") * steps.channel + symbol("seen") * steps.column
    place = place + symbol("i") * (kernel.rows.dilation * steps.row)
    further = sizes.text(symbol("k") * kernel.dy.plane + symbol("p") * lanes)
    index = f"(c * {tile.rows} + i) * {tile.columns} + seen - p"
    extents = (("c", number), ("i", tile.rows), ("seen", tile.columns + pixels - 1))
    every = text.unrolled((("p", pixels), ("k", tile.vectors)))
    return [
        f"sg_{kind}v gradient[{pixels}][{tile.vectors}];",
        every,
        f"    gradient[p][k] = sg_load_{kind}(from + {further});",
        *text.block(
            text.unrolled(extents),
            [
                f"const {kernel.ctype} value = at[{sizes.text(place)}];",
                every,
                f"    if (p <= seen && seen < p + {tile.columns})",
                f"        sum[k][{index}] += gradient[p][k] * value;",
            ],
        ),
        *fetching.further_on(kernel, pixels),
        "SG_REREAD;",
    ]


def _pixel(kernel: Kernel, number: int, at: Size) -> list[str]:
    """Pixel ``at``: its vectors of dy times the numbers of x that its taps see."""
    tile, steps, kind = kernel.tile, kernel.view, kernel.kind
    rows, columns = kernel.rows, kernel.columns
    tap = symbol("i") * (rows.dilation * steps.row)
    tap = tap + symbol("j") * (columns.dilation * steps.column)
    tap = tap + at * (columns.stride * steps.column)
    place = sizes.text(symbol("c") * steps.channel + tap)
    value = f"at[{place}]"
    if not kernel.channels.broadcast:
        value = f"sg_load_{kind}(at + {place})"
    index = f"(c * {tile.rows} + i) * {tile.columns} + j"
    further = sizes.text(symbol("k") * kernel.dy.plane + at * kernel.channels.lanes)
    extents = (("c", number), ("i", tile.rows), ("j", tile.columns))
    sums = f"sum[k][{index}]"
    product = f"{sums} += gradient[k] * {value};"
    if not isinstance(at, int):
        product = f"sg_add_product_{kind}(&{sums}, {value}, gradient[k]);"
    return [
        f"sg_{kind}v gradient[{tile.vectors}];",
        text.unrolled((("k", tile.vectors),)),
        f"    gradient[k] = sg_load_{kind}(from + {further});",
        text.unrolled((*extents, ("k", tile.vectors))),
        f"    {product}",
        *fetching.further_on(kernel, at=at),
        "SG_REREAD;",
    ]


def _added(kernel: Kernel, number: int) -> list[str]:
    """The sums of a tile, added to those of the passes before."""
    tile, lanes = kernel.tile, kernel.channels.lanes
    channel = symbol("channel") + symbol("c")
    tap = (symbol("r") + symbol("i")) * len(kernel.columns.taps)
    tap = tap + symbol("s") + symbol("j")
    at = symbol("k") * kernel.pitch + (channel * kernel.taps + tap) * lanes
    index = f"(c * {tile.rows} + i) * {tile.columns} + j"
    extents = (("c", number), ("i", tile.rows), ("j", tile.columns))
    load, store = f"sg_load_{kernel.kind}", f"sg_store_{kernel.kind}"
    each = text.unrolled((("k", tile.vectors), *extents))
    to, value = f"total + {sizes.text(at)}", f"sum[k][{index}]"
    return [
        "if (base == start && band == 0)",
        *(f"    {line}" for line in (each, f"    {store}({to}, {value});")),
        "else",
        *(
            f"    {line}"
            for line in (each, f"    {store}({to}, {load}({to}) + {value});")
        ),
    ]
