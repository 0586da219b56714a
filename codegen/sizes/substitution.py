"""What is in a size: its symbols, their coefficients, other values for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import prod

from codegen.sizes.polynomials import (
    Atom,
    Monomial,
    Size,
    Symbol,
    floordiv,
    maximum,
    minimum,
    mod,
    normal,
    size_of,
    terms_of,
)

# what the kinds of ``Compound`` stand for
_OF_SIZES: dict[str, Callable[[Size, Size], Size]] = {
    "floordiv": floordiv,
    "mod": mod,
    "min": minimum,
    "max": maximum,
}
_SOME_SIZE = 64  # of a run-time size, where a guess must do
_OF_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "floordiv": lambda left, right: left // right if right else 0,
    "mod": lambda left, right: left % right if right else 0,
    "min": min,
    "max": max,
}


def about(size: Size) -> int:
    """About how much ``size`` is, for run-time sizes of some kind."""
    return evaluate(size, dict.fromkeys(symbols_of(size), _SOME_SIZE))


def symbols_of(size: Size) -> frozenset[str]:
    """The names of all symbols in ``size``."""
    names: set[str] = set()
    for monomial, _ in terms_of(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                names.add(atom.name)
            else:
                names |= symbols_of(atom.left) | symbols_of(atom.right)
    return frozenset(names)


def bound(size: Size) -> int | None:
    """What ``size``, of products that are never negative, is at most, if known."""
    total = 0
    for monomial, factor in terms_of(size):
        bounds = [_bound(atom) for atom in monomial]
        if factor < 0 or None in bounds:
            return None
        total += factor * prod(n for n in bounds if n is not None)
    return total


def coefficient(size: Size, name: str) -> Size | None:
    """``c`` where ``size = c * name + rest``; None when not linear in ``name``."""
    linear: dict[Monomial, int] = {}
    for monomial, factor in terms_of(size):
        rest = tuple(atom for atom in monomial if atom != Symbol(name))
        if any(name in symbols_of(size_of(atom)) for atom in rest):
            return None
        if len(monomial) - len(rest) > 1:
            return None
        if len(rest) < len(monomial):
            linear[rest] = linear.get(rest, 0) + factor
    return normal(linear)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The value of ``size`` where each symbol has the given value."""
    return sum(
        c * reduce(lambda total, atom: total * _value(atom, values), monomial, 1)
        for monomial, c in terms_of(size)
    )


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """``size`` with symbols replaced by other sizes."""
    total: Size = 0
    for monomial, factor in terms_of(size):
        term: Size = factor
        for atom in monomial:
            term = term * _replaced(atom, values)
        total = total + term
    return total


def _value(atom: Atom, values: Mapping[str, int]) -> int:
    if isinstance(atom, Symbol):
        return values[atom.name]
    left, right = evaluate(atom.left, values), evaluate(atom.right, values)
    return _OF_NUMBERS[atom.kind](left, right)


def _bound(atom: Atom) -> int | None:
    if isinstance(atom, Symbol):
        return atom.most
    left, right = bound(atom.left), bound(atom.right)
    if atom.kind == "min" and None in (left, right):
        return right if left is None else left
    if left is None or right is None:
        return None
    if atom.kind == "floordiv":
        return left // atom.right if isinstance(atom.right, int) else None
    return {"mod": right, "min": min(left, right), "max": max(left, right)}[atom.kind]


def _replaced(atom: Atom, values: Mapping[str, Size]) -> Size:
    if isinstance(atom, Symbol):
        return values.get(atom.name, size_of(atom))
    left, right = substitute(atom.left, values), substitute(atom.right, values)
    return _OF_SIZES[atom.kind](left, right)
