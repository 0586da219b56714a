"""The way of one function from the graph that was asked for to its programs.

Each station is reached when somebody asks for it, and once: a function whose native
code is on disk already goes there only for ``fn.graph``, ``fn.history`` and the like.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from symgraph.compile.mode import Mode
from symgraph.compile.pipeline import lower_graph
from symgraph.compile.specification import Specification
from symgraph.graph import Graph
from symgraph.graph.config import config, settings_of
from symgraph.rewriting import History, rewrite_graph

if TYPE_CHECKING:
    from symgraph.lowering.lowered import Lowered


class Compilation:
    """What a specification becomes, under the settings in force when it was made."""

    def __init__(self, specification: Specification, mode: Mode) -> None:
        self.specification = specification
        self.mode = mode
        self.seconds = {"rewrite": 0.0, "lower": 0.0}
        self._settings = asdict(settings_of(config))
        self._lock = threading.RLock()
        self._rewritten: tuple[Graph, History] | None = None
        self._lowered: Lowered | None = None

    @property
    def graph(self) -> Graph:
        """The rewritten graph."""
        return self._rewrite()[0]

    @property
    def history(self) -> History:
        """The rewrites that led to it."""
        return self._rewrite()[1]

    @property
    def lowered(self) -> Lowered:
        """The rewritten graph as programs of the kernel IR."""
        with self._lock:
            if self._lowered is None:
                graph = self.graph
                with config.context(**self._settings):
                    start = time.perf_counter()
                    varying = self.specification.updates
                    self._lowered = lower_graph(graph, varying)
                    self.seconds["lower"] = time.perf_counter() - start
            return self._lowered

    def _rewrite(self) -> tuple[Graph, History]:
        with self._lock:
            if self._rewritten is None:
                with config.context(**self._settings):
                    start = time.perf_counter()
                    source, stages = self.specification.graph, self.mode.stages
                    self._rewritten = rewrite_graph(source, stages)
                    self.seconds["rewrite"] = time.perf_counter() - start
            return self._rewritten
