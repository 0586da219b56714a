"""The compiler in the ``ziglang`` wheel: where it is, and where it may write."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import platformdirs


def program() -> str:
    """The compiler inside the wheel, started without Python in between."""
    spec = importlib.util.find_spec("ziglang")
    assert spec is not None and spec.origin is not None
    return str(Path(spec.origin).parent / "zig")


def folders() -> dict[str, str]:
    """Where zig keeps its own files, if its usual place cannot be written."""
    usual = platformdirs.user_cache_dir("zig", appauthor=False)
    try:
        os.makedirs(usual, exist_ok=True)
        writable = os.access(usual, os.W_OK)
    except OSError:
        writable = False
    if writable:
        return {}
    folder = tempfile.mkdtemp(prefix="symgraph-zig-")
    return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
