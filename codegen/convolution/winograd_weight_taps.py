"""The taps of a filter gradient, from its sums at the points of minimal filtering.

The shares of the batch are added, always in the same order, and transformed back.
``winograd_weight_phases.py`` makes the sums.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import helpers, text
from codegen.convolution.winograd_weights import Cut
from codegen.emission import Helper, Phase
from codegen.sizes import symbol


def taps(c: Cut) -> Phase:
    """dw from the sums; a unit is a vector of output channels by an input channel."""
    channels, window = c.channels, (len(c.rows.taps), len(c.columns.taps))
    helper = helpers.outputs(c.step.dw.dtype, c.side, window)
    body = [
        *text.decode(
            "unit", [("vector", channels.vectors), ("channel", channels.inputs)]
        ),
        f"{c.ctype} sums[{c.points * channels.lanes}];",
        *text.loop("point", c.points, _summed(c)),
        *_transformed_back(c, helper, window[0] * window[1]),
    ]
    return Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (c.step.dw,),
        channels.vectors * channels.inputs,
        0,
        c.points * (c.shares + 4),
        helpers=(helper, helpers.sum_shares(c.step.dw.dtype)),
    )


def _summed(c: Cut) -> list[str]:
    """The shares of one point added up, always in the same order."""
    kind, lanes = c.kind, c.channels.lanes
    point = f"unit * {lanes} + point * {c.point_size}"
    return [
        f"const {c.ctype} *const from = (const {c.ctype} *)shared + {point};",
        f"sg_{kind}v sum = sg_load_{kind}(from);",
        f"for (int64_t part = 1; part < {sizes.text(c.sums)}; part++)",
        f"    sum += sg_load_{kind}(from + part * {c.points * c.point_size});",
        f"sg_store_{kind}(sums + point * {lanes}, sum);",
    ]


def _transformed_back(c: Cut, helper: Helper, count: int) -> list[str]:
    """The taps from the sums at the points, stored as rows of dw."""
    channels, lanes = c.channels, c.channels.lanes
    row = symbol("vector") * lanes * channels.inputs + symbol("channel")
    to = f"{c.step.dw.name} + {sizes.text(row * count)}"
    step = channels.inputs * count
    left = sizes.minimum(channels.result - symbol("vector") * lanes, lanes)
    return [
        f"sg_{c.kind}v taps[{count}];",
        f"{helper.name}(sums, {lanes}, taps);",
        f"{helpers.sum_shares(c.step.dw.dtype).name}({to}, {step},",
        f"    (const {c.ctype} *)taps, 1, 0,",
        f"    {count}, {sizes.text(left)});",
    ]
