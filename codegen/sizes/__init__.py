"""Integer expressions of run-time sizes and loop indices, kept as polynomials.

Read ``polynomials.py`` first: what a ``Size`` is, and its arithmetic.
``substitution.py`` takes sizes apart, ``marks.py`` prints them for ``sharing.py``.
Imports nothing of codegen. Users say ``from codegen import sizes``, ``sizes.text(n)``.
"""

from codegen.sizes.marks import FREE, MARK, Fixed, marked, text
from codegen.sizes.polynomials import (
    Atom,
    Compound,
    Polynomial,
    Size,
    Symbol,
    contiguous_strides,
    floordiv,
    maximum,
    minimum,
    mod,
    product,
    symbol,
    total,
)
from codegen.sizes.substitution import (
    about,
    bound,
    coefficient,
    evaluate,
    substitute,
    symbols_of,
)

__all__ = [
    "FREE",
    "MARK",
    "Atom",
    "Compound",
    "Fixed",
    "Polynomial",
    "Size",
    "Symbol",
    "about",
    "bound",
    "coefficient",
    "contiguous_strides",
    "evaluate",
    "floordiv",
    "marked",
    "maximum",
    "minimum",
    "mod",
    "product",
    "substitute",
    "symbol",
    "symbols_of",
    "text",
    "total",
]
