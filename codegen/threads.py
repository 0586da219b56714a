"""How many threads a call uses when it does not say, and at most."""

from __future__ import annotations

import os

THREADS_VARIABLE = "SYMGRAPH_THREADS"


def default_threads() -> int:
    """``$SYMGRAPH_THREADS``, else the processors that this process may use."""
    chosen = os.environ.get(THREADS_VARIABLE, "")
    if chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Threads:
    """The numbers of this process."""

    count = default_threads()
    most = 1 << 16


def _alone_after_fork() -> None:
    """The threads of OpenMP do not survive a fork: the child does without."""
    Threads.count = Threads.most = 1


os.register_at_fork(after_in_child=_alone_after_fork)
