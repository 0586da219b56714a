"""The way of a graph to C, and the stations at which a reader may look around.

source graph -> rewrite -> lower -> c
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codegen.target import Target, host_target
from codegen.threads import default_threads
from symgraph.compile.mode import Mode, as_mode
from symgraph.graph import Graph, GraphError, SharedVariable, Variable, config
from symgraph.rewriting import History, rewrite_graph
from symgraph.rules.pipeline import graph_of

if TYPE_CHECKING:
    from symgraph.lowering.lowered import Lowered

STATIONS = ("rewrite", "lower", "c")
C_NAME = "function"  # one name for every function: no user's text reaches C


@dataclass(frozen=True)
class Stations:
    """What a graph was at each station; None where the way ended earlier."""

    source: Graph
    graph: Graph
    history: History
    lowered: Lowered | None = None
    c_source: str | None = None


def compile_pipeline(
    graph: Graph | Variable | Sequence[Variable],
    stop_after: str = "c",
    mode: Mode | str | None = None,
) -> Stations:
    """Take ``graph`` to a station, "rewrite", "lower" or "c", and show what it became.

    Variables stand for the graph of all that they depend on. Nothing is compiled to
    machine code and no compiler is needed.
    """
    if stop_after not in STATIONS:
        known = ", ".join(repr(name) for name in STATIONS)
        raise GraphError(
            f"compile_pipeline: expected one of {known}, got {stop_after!r}"
        )
    if not isinstance(graph, Graph):
        graph = graph_of([graph] if isinstance(graph, Variable) else graph)
    rewritten, history = rewrite_graph(graph, as_mode(mode).stages)
    if stop_after == "rewrite":
        return Stations(graph, rewritten, history)
    lowered = lower_graph(rewritten)
    if stop_after == "lower":
        return Stations(graph, rewritten, history, lowered)
    return Stations(graph, rewritten, history, lowered, c_source(lowered))


def lower_graph(graph: Graph, varying: Collection[SharedVariable] = ()) -> Lowered:
    """``graph`` as kernel IR for this machine."""
    from symgraph.lowering.lower import lower

    return lower(graph, C_NAME, _target(), varying)


def _target() -> Target:
    """This machine; long sums are cut for its threads where that is allowed."""
    target = host_target()
    if config.deterministic:
        return target
    return replace(target, units=config.threads or default_threads())


def c_source(lowered: Lowered) -> str:
    """The C of a lowered graph: the prologue, where there is one, comes last."""
    from codegen.printer import print_programs

    return print_programs(lowered.programs, lowered.target).text
