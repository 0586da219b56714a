"""Integer expressions of run-time sizes and loop indices, kept as polynomials.

    Size = int | Polynomial

A polynomial is a sum of ``coefficient * atom * atom * ...``; an atom is a symbol
(a run-time size or a loop index) or a division, minimum or maximum that does not
simplify. The normal form makes ``(n*3)*4 == n*12`` plain equality, which is how
the rest of the compiler decides that two shapes agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

Monomial: TypeAlias = "tuple[Atom, ...]"
Size: TypeAlias = "int | Polynomial"
MARK = "@"


@dataclass(frozen=True, order=True)
class Symbol:
    """A named integer: a run-time size or a loop index. The name is a C identifier."""

    name: str


@dataclass(frozen=True)
class Compound:
    """``floordiv``, ``mod``, ``min`` or ``max`` of two sizes that stays symbolic."""

    kind: str
    left: Size
    right: Size


Atom: TypeAlias = "Symbol | Compound"


@dataclass(frozen=True)
class Polynomial:
    """A sum of integer multiples of products of atoms, in a unique order."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        total = dict(self.terms)
        for monomial, coefficient in _terms(other):
            total[monomial] = total.get(monomial, 0) + coefficient
        return _normal(total)

    def __mul__(self, other: Size) -> Size:
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                monomial = tuple(sorted(left + right, key=_order))
                total[monomial] = total.get(monomial, 0) + a * b
        return _normal(total)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        return self + other * -1

    def __rsub__(self, other: Size) -> Size:
        return self * -1 + other

    def __floordiv__(self, other: Size) -> Size:
        return floordiv(self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return floordiv(other, self)

    def __mod__(self, other: Size) -> Size:
        return mod(self, other)

    def __bool__(self) -> bool:
        raise TypeError(f"the size {self} is not known before the call")

    def __str__(self) -> str:
        return text(self)


def symbol(name: str) -> Polynomial:
    """The size called ``name``."""
    return _atom(Symbol(name))


def floordiv(left: Size, right: Size) -> Size:
    """``left // right``, rounded down; ``right`` is positive.

    What divides evenly comes out: (6*a + 7) // 3 is 2*a + 2 + 1 // 3, that is 2*a + 2.
    """
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    if right == 1:
        return left
    if not isinstance(right, int):
        return _atom(Compound("floordiv", left, right))
    whole, rest = _divided(left, right)
    if isinstance(rest, int):
        return whole + rest // right
    return whole + _atom(Compound("floordiv", rest, right))


def mod(left: Size, right: Size) -> Size:
    """``left - right * (left // right)``; ``right`` is positive."""
    if isinstance(left, int) and isinstance(right, int):
        return left % right
    if right == 1:
        return 0
    if not isinstance(right, int):
        return _atom(Compound("mod", left, right))
    _, rest = _divided(left, right)
    if isinstance(rest, int):
        return rest % right
    return _atom(Compound("mod", rest, right))


def _divided(left: Size, right: int) -> tuple[Size, Size]:
    """``whole, rest``: left = whole * right + rest, with as little rest as can be."""
    terms = dict(_terms(left))
    whole = {m: c // right for m, c in terms.items()}
    even = {m: c for m, c in whole.items() if m == () or terms[m] % right == 0}
    rest = {m: c - even.get(m, 0) * right for m, c in terms.items()}
    return _normal(even), _normal(rest)


def minimum(left: Size, right: Size) -> Size:
    """The smaller of two sizes."""
    return _extremum("min", left, right)


def maximum(left: Size, right: Size) -> Size:
    """The larger of two sizes."""
    return _extremum("max", left, right)


def product(sizes: tuple[Size, ...]) -> Size:
    """The product of ``sizes``; 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def contiguous_strides(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    """Row-major strides of ``shape``, in elements."""
    return tuple(product(shape[axis + 1 :]) for axis in range(len(shape)))


def symbols_of(size: Size) -> frozenset[str]:
    """The names of all symbols in ``size``."""
    names: set[str] = set()
    for monomial, _ in _terms(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                names.add(atom.name)
            else:
                names |= symbols_of(atom.left) | symbols_of(atom.right)
    return frozenset(names)


def coefficient(size: Size, name: str) -> Size | None:
    """``c`` where ``size = c * name + rest``; None when not linear in ``name``."""
    linear: dict[Monomial, int] = {}
    for monomial, factor in _terms(size):
        rest = tuple(atom for atom in monomial if atom != Symbol(name))
        if any(name in symbols_of(_atom(atom)) for atom in rest):
            return None
        if len(monomial) - len(rest) > 1:
            return None
        if len(rest) < len(monomial):
            linear[rest] = linear.get(rest, 0) + factor
    return _normal(linear)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The value of ``size`` where each symbol has the given value."""
    return sum(
        c * reduce(lambda total, atom: total * _value(atom, values), monomial, 1)
        for monomial, c in _terms(size)
    )


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """``size`` with symbols replaced by other sizes."""
    total: Size = 0
    for monomial, factor in _terms(size):
        term: Size = factor
        for atom in monomial:
            term = term * _replaced(atom, values)
        total = total + term
    return total


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
    parts = []
    for monomial, factor in _terms(size):
        factors = [_atom_text(atom, fixed) for atom in monomial]
        if factor != 1 or not factors:
            free = fixed is not None and not _has(monomial, fixed.factors)
            factors.insert(0, marked(factor) if free else str(factor))
        parts.append("*".join(factors))
    return " + ".join(parts) if parts else "0"


def marked(number: int) -> str:
    """``number`` as C that says: this may be a parameter of the function."""
    return f"{'-' * (number < 0)}{MARK}{abs(number)}"


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(size, Polynomial):
        return size.terms
    return (((), int(size)),) if size else ()


def _normal(total: Mapping[Monomial, int]) -> Size:
    kept = {m: c for m, c in total.items() if c}
    if not kept:
        return 0
    if len(kept) == 1:
        return kept[()] if () in kept else Polynomial(tuple(kept.items()))
    return Polynomial(tuple(sorted(kept.items(), key=lambda item: _key(item[0]))))


def _order(atom: Atom) -> str:
    return atom.name if isinstance(atom, Symbol) else _atom_text(atom)


def _key(monomial: Monomial) -> tuple[str, ...]:
    return tuple(_order(atom) for atom in monomial)


def _atom(atom: Atom) -> Polynomial:
    return Polynomial((((atom,), 1),))


def _extremum(kind: str, left: Size, right: Size) -> Size:
    difference = left - right
    if isinstance(difference, int):
        left_is_smaller = difference <= 0
        return left if left_is_smaller == (kind == "min") else right
    return _atom(Compound(kind, left, right))


def _apply(kind: str, left: int, right: int) -> int:
    match kind:
        case "floordiv":
            return left // right
        case "mod":
            return left % right
        case "min":
            return min(left, right)
    return max(left, right)


def _value(atom: Atom, values: Mapping[str, int]) -> int:
    if isinstance(atom, Symbol):
        return values[atom.name]
    return _apply(atom.kind, evaluate(atom.left, values), evaluate(atom.right, values))


def _replaced(atom: Atom, values: Mapping[str, Size]) -> Size:
    if isinstance(atom, Symbol):
        return values.get(atom.name, _atom(atom))
    left, right = substitute(atom.left, values), substitute(atom.right, values)
    match atom.kind:
        case "floordiv":
            return floordiv(left, right)
        case "mod":
            return mod(left, right)
    return _extremum(atom.kind, left, right)


def _atom_text(atom: Atom, fixed: Fixed | None = None) -> str:
    if isinstance(atom, Symbol):
        return atom.name
    left = text(atom.left, fixed)
    dividends = fixed.dividends if fixed else frozenset()
    if atom.kind in ("floordiv", "mod") and symbols_of(atom.left) & dividends:
        fixed = None
    return f"sg_{atom.kind}({left}, {text(atom.right, fixed)})"


def _has(monomial: Monomial, names: frozenset[str]) -> bool:
    """Whether any of the symbols called ``names`` is in ``monomial``."""
    return any(
        atom.name in names
        if isinstance(atom, Symbol)
        else not symbols_of(_atom(atom)).isdisjoint(names)
        for atom in monomial
    )
