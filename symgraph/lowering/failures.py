"""What a compiled function may have to report while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgraph.graph import GraphError, Site


@dataclass(frozen=True)
class Failure:
    """The error behind a code: its message, its class, the user's own line.

    Each {} in the message stands for a number that the failed check gives.
    """

    message: str
    exception: type[Exception]
    site: Site | None

    def error(self, found: Sequence[int] = ()) -> Exception:
        """The exception to raise for the numbers that were found."""
        message = self.message
        for number in found:
            message = message.replace("{}", str(number), 1)
        where = f"\n  applied at {self.site}" if self.site is not None else ""
        return self.exception(message + where)


class LoweringError(GraphError):
    """A graph that has no way to C."""
