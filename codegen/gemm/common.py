"""What products call, the same for all of a type: compiled once, see ``Common``."""

from __future__ import annotations

from codegen.emission import Common
from codegen.scalars import suffix

_TYPED = {"float32": "gemm_single.h", "float64": "gemm_double.h"}


def tiled(dtype: str) -> Common:
    """Products in register tiles, and the packing of their operands."""
    return _common("tiled", dtype, "gemm_tiled.h")


def dots(columns: int, dtype: str) -> Common:
    """Products of so many columns."""
    return _common(f"dots_{columns}", dtype, "gemm_dots.h", f"SG_DOTS({columns})\n")


def row(dtype: str) -> Common:
    """Products of one row."""
    return _common("row", dtype, "gemm_row.h")


def _common(name: str, dtype: str, header: str, end: str = "") -> Common:
    headers = ("gemm.h", _TYPED[dtype], header)
    text = "".join(f'#include "{header}"\n' for header in headers)
    return Common(f"gemm_{name}_{suffix(dtype)}", text + end)
