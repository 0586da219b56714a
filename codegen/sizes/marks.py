"""Sizes as C, with marks on the numbers that a function may take as parameters."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.sizes.polynomials import Atom, Monomial, Size, Symbol, size_of, terms_of
from codegen.sizes.substitution import symbols_of

MARK = "@"


@dataclass(frozen=True)
class Fixed:
    """Where numbers have to be constants: before ``factors``, dividing ``dividends``.

    Both are names of symbols. All other numbers may be parameters of a C function.
    """

    factors: frozenset[str] = frozenset()
    dividends: frozenset[str] = frozenset()


FREE = Fixed()  # nowhere


def text(size: Size, fixed: Fixed | None = None) -> str:
    """``size`` as a C expression of int64_t, fully parenthesized where needed.

    With ``fixed``, a mark stands before each number that need not be a constant of the
    C; ``sharing.py`` takes the marks away.
    """
    if fixed is None:
        return str(size)
    parts = []
    for monomial, factor in terms_of(size):
        factors = [_atom_text(atom, fixed) for atom in monomial]
        if factor != 1 or not factors:
            free = not _has(monomial, fixed.factors)
            factors.insert(0, marked(factor) if free else str(factor))
        parts.append("*".join(factors))
    return " + ".join(parts) if parts else "0"


def marked(number: int) -> str:
    """``number`` as C that says: this may be a parameter of the function."""
    return f"{'-' * (number < 0)}{MARK}{abs(number)}"


def _atom_text(atom: Atom, fixed: Fixed) -> str:
    if isinstance(atom, Symbol):
        return atom.name
    divides = atom.kind in ("floordiv", "mod")
    constant = divides and symbols_of(atom.left) & fixed.dividends
    right = text(atom.right, None if constant else fixed)
    return f"sg_{atom.kind}({text(atom.left, fixed)}, {right})"


def _has(monomial: Monomial, names: frozenset[str]) -> bool:
    """Whether any of the symbols called ``names`` is in ``monomial``."""
    return any(
        atom.name in names
        if isinstance(atom, Symbol)
        else not symbols_of(size_of(atom)).isdisjoint(names)
        for atom in monomial
    )
