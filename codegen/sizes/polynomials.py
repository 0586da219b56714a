"""A size as a polynomial in symbols, and the arithmetic of such polynomials.

    Size = int | Polynomial

A polynomial is a sum of ``coefficient * atom * atom * ...``; an atom is a symbol
(a run-time size or a loop index) or a division, minimum or maximum that does not
simplify. The normal form makes ``(n*3)*4 == n*12`` plain equality, which is how
the rest of the compiler decides that two shapes agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

Monomial: TypeAlias = "tuple[Atom, ...]"
Size: TypeAlias = "int | Polynomial"


@dataclass(frozen=True, order=True)
class Symbol:
    """A named integer: a run-time size or a loop index. The name is a C identifier.

    It is never more than ``most``, where that is known; the name alone tells symbols.
    """

    name: str
    most: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Compound:
    """``floordiv``, ``mod``, ``min`` or ``max`` of two sizes that stays symbolic."""

    kind: str
    left: Size
    right: Size

    @cached_property
    def _text(self) -> str:  # terms are sorted by it again and again
        return f"sg_{self.kind}({self.left}, {self.right})"

    def __str__(self) -> str:
        return self._text


Atom: TypeAlias = "Symbol | Compound"


@dataclass(frozen=True)
class Polynomial:
    """A sum of integer multiples of products of atoms, in a unique order."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        total = dict(self.terms)
        for monomial, coefficient in terms_of(other):
            total[monomial] = total.get(monomial, 0) + coefficient
        return normal(total)

    def __mul__(self, other: Size) -> Size:
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in terms_of(other):
                monomial = tuple(sorted(left + right, key=str))
                total[monomial] = total.get(monomial, 0) + a * b
        return normal(total)

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
        """A C expression of int64_t; ``marks.text`` is the same with marks in it."""
        return " + ".join(_shown(atoms, factor) for atoms, factor in self.terms)


def symbol(name: str, most: int | None = None) -> Polynomial:
    """The size called ``name``, which is at most ``most``."""
    return size_of(Symbol(name, most))


def floordiv(left: Size, right: Size) -> Size:
    """``left // right``, rounded down; 0 where ``right`` is, as in NumPy.

    What divides evenly comes out: (6*a + 7) // 3 is 2*a + 2 + 1 // 3, that is 2*a + 2.
    """
    if right == 0:
        return 0
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    if right == 1:
        return left
    if not isinstance(right, int):
        return size_of(Compound("floordiv", left, right))
    whole, rest = _divided(left, right)
    if isinstance(rest, int):
        return whole + rest // right
    return whole + size_of(Compound("floordiv", rest, right))


def mod(left: Size, right: Size) -> Size:
    """``left - right * (left // right)``; 0 where ``right`` is."""
    if right == 0:
        return 0
    if isinstance(left, int) and isinstance(right, int):
        return left % right
    if right == 1:
        return 0
    if not isinstance(right, int):
        return size_of(Compound("mod", left, right))
    _, rest = _divided(left, right)
    if isinstance(rest, int):
        return rest % right
    return size_of(Compound("mod", rest, right))


def _divided(left: Size, right: int) -> tuple[Size, Size]:
    """``whole, rest``: left = whole * right + rest, with as little rest as can be."""
    terms = dict(terms_of(left))
    whole = {m: c // right for m, c in terms.items()}
    even = {m: c for m, c in whole.items() if m == () or terms[m] % right == 0}
    rest = {m: c - even.get(m, 0) * right for m, c in terms.items()}
    return normal(even), normal(rest)


def minimum(left: Size, right: Size) -> Size:
    """The smaller of two sizes."""
    return _extremum("min", left, right)


def maximum(left: Size, right: Size) -> Size:
    """The larger of two sizes."""
    return _extremum("max", left, right)


def total(sizes: Iterable[Size]) -> Size:
    """The sum of ``sizes``, in order only once."""
    found: dict[Monomial, int] = {}
    for size in sizes:
        for monomial, coefficient in terms_of(size):
            found[monomial] = found.get(monomial, 0) + coefficient
    return normal(found)


def product(sizes: tuple[Size, ...]) -> Size:
    """The product of ``sizes``; 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def contiguous_strides(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    """Row-major strides of ``shape``, in elements."""
    return tuple(product(shape[axis + 1 :]) for axis in range(len(shape)))


# --- the normal form --------------------------------------------------------------


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """``size`` as the terms of a polynomial."""
    if isinstance(size, Polynomial):
        return size.terms
    return (((), int(size)),) if size else ()


def normal(total: Mapping[Monomial, int]) -> Size:
    """The size with these terms: in order, and a number where there is no symbol."""
    kept = {m: c for m, c in total.items() if c}
    if not kept:
        return 0
    if len(kept) == 1:
        return kept[()] if () in kept else Polynomial(tuple(kept.items()))
    return Polynomial(tuple(sorted(kept.items(), key=lambda item: _key(item[0]))))


def size_of(atom: Atom) -> Polynomial:
    """The size that is one atom."""
    return Polynomial((((atom,), 1),))


def _key(monomial: Monomial) -> tuple[str, ...]:
    return tuple(str(atom) for atom in monomial)


def _shown(monomial: Monomial, factor: int) -> str:
    factors = [str(atom) for atom in monomial]
    if factor != 1 or not factors:
        factors.insert(0, str(factor))
    return "*".join(factors)


def _extremum(kind: str, left: Size, right: Size) -> Size:
    difference = left - right
    if isinstance(difference, int):
        left_is_smaller = difference <= 0
        return left if left_is_smaller == (kind == "min") else right
    return size_of(Compound(kind, left, right))
