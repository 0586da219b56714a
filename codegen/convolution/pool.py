"""``Pool`` -> C: a unit of work is a band of rows of one vector of channels."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import epilogue, streams, text
from codegen.convolution.geometry import blocks, position, share
from codegen.convolution.outlets import Outlet
from codegen.convolution.windows import Plane, pooled_rows
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import Buffer, Image, Pool
from codegen.scalars import C_TYPES
from codegen.sizes import Size, symbol
from codegen.target import Target

BANDS = 4  # that the rows of a sample are shared out in
HEADERS = ("vectors.h", "pooling.h")


def emit_pool(step: Pool, target: Target) -> Emission:
    """The C of ``y = epilogue(pool(x))``."""
    check_images(step.x, step.y, step.places, target)
    x, y = step.x, step.y
    unit: list[tuple[str, Size]] = [
        ("sample", x.batch),
        ("bundle", blocks(x)),
        ("band", BANDS),
    ]
    start = position(x, symbol("sample"), symbol("bundle"), 0, 0)
    outlet = Outlet(
        y,
        x.buffer.dtype,
        x.block,
        step.epilogue,
        symbol("row") + symbol("i"),
        symbol("column") + symbol("j"),
        step.places,
    )
    band = symbol("band")
    top, bottom = (share(at, BANDS, y.height) for at in (band, band + 1))
    from_ = f"{x.buffer.name} + {sizes.text(start)}"
    body = [
        *text.decode("unit", unit),
        f"const {C_TYPES[x.buffer.dtype]} *const from = {from_};",
        *pooled_rows(
            step.pooling,
            Plane("from", x.height, x.width),
            outlet,
            top,
            bottom,
            streams.asked(x, step.pooling.stride, symbol("column"), y.width),
        ),
    ]
    places = (step.places,) if step.places else ()
    used = (x.buffer, y.buffer, *places, *epilogue.buffers_of(step.epilogue))
    each = step.pooling.window[0] * step.pooling.window[1]
    pixels = sizes.floordiv(y.height, BANDS) * y.width
    work = pixels * (each + x.block * epilogue.cost(step.epilogue))
    lines = text.block("for (int64_t unit = begin; unit < end; unit++)", body)
    count = sizes.product(tuple(extent for _, extent in unit))
    return Emission((Phase(tuple(lines), used, count, 0, work),), headers=HEADERS)


def check_images(x: Image, y: Image, places: Buffer | None, target: Target) -> None:
    """Raises CodegenError where images of a pooling, or its places, do not fit."""
    lanes = target.lanes(x.buffer.dtype)
    for name, image in (("input", x), ("output", y)):
        if image.block != lanes:
            raise CodegenError(f"pool: {name} block is {image.block}, expected {lanes}")
    if x.channels != y.channels:
        raise CodegenError(
            f"pool: input has {x.channels} channels, output {y.channels}"
        )
    if places is not None and places.dtype != "uint8":
        raise CodegenError(f"pool: places are uint8, got {places.dtype}")
