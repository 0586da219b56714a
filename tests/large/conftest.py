"""Arrays of several hundred megabytes: what they share.

``make large`` runs these tests; ``make test`` does not. Each says how many gigabytes it
takes at most, ``@pytest.mark.large(3)``, and is skipped where the machine has less.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

GIGABYTE = 1 << 30
KEPT = 1  # gigabyte that is left to others


def available():
    """Bytes of memory that can be had without writing any out to a disk."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    named = dict(line.split(":", 1) for line in lines)
    return int(named["MemAvailable"].split()[0]) * 1024


@pytest.fixture(autouse=True)
def memory(request):
    """Skip what needs more memory than there is; let go of it afterwards."""
    (needed,) = request.node.get_closest_marker("large").args
    free = available() / GIGABYTE
    if free < needed + KEPT:
        pytest.skip(f"takes {needed} GiB and leaves {KEPT}; {free:.1f} GiB are free")
    yield
    gc.collect()
