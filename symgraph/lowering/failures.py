"""What a compiled function may have to report while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from symgraph.graph import GraphError, Site


@dataclass(frozen=True)
class Failure:
    """The error behind a code: its message, its class, the user's own line."""

    message: str
    exception: type[Exception]
    site: Site | None

    def error(self) -> Exception:
        """The exception to raise."""
        where = f"\n  applied at {self.site}" if self.site is not None else ""
        return self.exception(self.message + where)


class LoweringError(GraphError):
    """A graph that has no way to C."""
