"""The table of a network: each layer, what it gives out, how many numbers it has."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from symgraph.graph import SharedVariable
from symgraph.layers.parameters import sizes

if TYPE_CHECKING:
    from symgraph.layers.layer import Layer


def summary(net: Layer) -> str:
    """One line for each layer of ``net``, and the totals, as text."""
    from rich.console import Console
    from rich.table import Table

    net.require_built()
    table = Table(title=f"{net.label}: input {net.input_type}")
    for heading in ("layer", "type", "output"):
        table.add_column(heading)
    for heading in ("trainable", "statistics"):
        table.add_column(heading, justify="right")
    for path, layer in net.walk(net.root):
        if layer.children:
            continue
        counts = [_count(layer.trainable), _count(layer.statistics)]
        numbers = [f"{count:,}" for count in counts]
        table.add_row(path, type(layer).__name__, str(layer.output_type), *numbers)
    totals = [f"{_count(v):,}" for v in (net.trainable, net.statistics)]
    table.add_section()
    table.add_row("total", "", str(net.output_type), *totals)
    console = Console(width=100, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _count(variables: list[SharedVariable]) -> int:
    return sum(prod(sizes(variable)) for variable in variables)
