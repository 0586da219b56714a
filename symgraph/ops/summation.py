"""Einstein's summation, as products of matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from symgraph.graph import GraphError, Variable, argument_lines
from symgraph.ops.arguments import Size, TensorLike, promoted
from symgraph.ops.cast import cast
from symgraph.ops.creation import arange
from symgraph.ops.linalg import matmul
from symgraph.ops.reshaping import moveaxis, product, reshape, squeeze, transpose
from symgraph.ops.shape import dim
from symgraph.ops.subscripts import read_subscripts
from symgraph.ops.take import Take


class Labelled(NamedTuple):
    """An array with a letter for each dimension."""

    labels: str
    array: Variable

    def size(self, label: str) -> Size:
        """The size of the dimension called ``label``."""
        return dim(self.array, self.labels.index(label))

    def ordered(self, labels: str) -> Variable:
        """The array with its dimensions in this order."""
        return transpose(self.array, [self.labels.index(label) for label in labels])

    def summed(self, keep: Iterable[str]) -> Labelled:
        """The array summed over the dimensions that are not to be kept.

        Small integers stay what they are, as in the products.
        """
        gone = [i for i, label in enumerate(self.labels) if label not in keep]
        labels = "".join(label for label in self.labels if label in keep)
        total = self.array.sum(axis=gone) if gone else self.array
        return Labelled(labels, cast(total, self.array.dtype))


def einsum(subscripts: str, *operands: TensorLike) -> Variable:
    """y[output] = sum over the other letters of the product of the operands.

    ``subscripts`` is "ij,jk->ik": a letter for each dimension; without "->" the output
    has the letters that come once, in alphabetical order. "..." stands for what
    dimensions an operand has besides, aligned at the last. Dimensions that are
    statically 1 are repeated. Operands are multiplied from left to right, and all sums
    have the dtype that they are promoted to.
    """
    variables = promoted("einsum", operands)
    inputs, output = read_subscripts(subscripts, variables)
    named = [Labelled(*term) for term in zip(inputs, variables, strict=True)]
    for term in named:  # a diagonal has sides of one size, even where that is 1
        _check_sizes(subscripts, [term], variables)
    terms = _spread([_without_repeats(term) for term in named])
    _check_sizes(subscripts, terms, variables)
    total = terms[0]
    for position, term in enumerate(terms[1:], start=2):
        needed = set(output).union(*(later.labels for later in terms[position:]))
        total = _multiplied(total, term, needed)
    return total.summed(output).ordered(output)


def _multiplied(a: Labelled, b: Labelled, needed: set[str]) -> Labelled:
    """The product of two arrays, summed over what nobody needs any more."""
    a, b = a.summed(needed.union(b.labels)), b.summed(needed.union(a.labels))
    common = [label for label in a.labels if label in b.labels]
    batch = "".join(label for label in common if label in needed)
    inner = "".join(label for label in common if label not in needed)
    rows = "".join(label for label in a.labels if label not in common)
    columns = "".join(label for label in b.labels if label not in common)
    sizes = [[a.size(label) for label in part] for part in (batch, rows)]
    right = [b.size(label) for label in columns]
    depth = product([a.size(label) for label in inner])
    m, n = product(sizes[1]), product(right)
    left_matrix = reshape(a.ordered(batch + rows + inner), [*sizes[0], m, depth])
    right_matrix = reshape(b.ordered(batch + inner + columns), [*sizes[0], depth, n])
    result = reshape(matmul(left_matrix, right_matrix), [*sizes[0], *sizes[1], *right])
    return Labelled(batch + rows + columns, result)


def _without_repeats(term: Labelled) -> Labelled:
    """The diagonal along dimensions of the same letter."""
    labels, array = term
    for label in dict.fromkeys(labels):
        axes = [i for i, other in enumerate(labels) if other == label]
        if len(axes) > 1:
            front = moveaxis(array, axes, range(len(axes)))
            index = arange(dim(front, 0))
            array = Take(0, len(axes))(front, *[index] * len(axes))
            labels = label + labels.replace(label, "")
    return Labelled(labels, array)


def _spread(terms: Sequence[Labelled]) -> list[Labelled]:
    """The operands without dimensions of size 1 that others have more of."""
    large = {
        label
        for term in terms
        for label, size in zip(term.labels, term.array.type.shape, strict=True)
        if size != 1
    }
    return [_without_ones(term, large) for term in terms]


def _without_ones(term: Labelled, large: set[str]) -> Labelled:
    sizes = zip(term.labels, term.array.type.shape, strict=True)
    gone = [i for i, (label, n) in enumerate(sizes) if n == 1 and label in large]
    kept = [label for i, label in enumerate(term.labels) if i not in gone]
    return Labelled("".join(kept), squeeze(term.array, gone) if gone else term.array)


def _check_sizes(
    subscripts: str, terms: Sequence[Labelled], operands: Sequence[Variable]
) -> None:
    """Raise where two dimensions of one letter are known to differ."""
    sizes: dict[str, int] = {}
    for labels, array in terms:
        for label, size in zip(labels, array.type.shape, strict=True):
            if size is not None and sizes.setdefault(label, size) != size:
                raise GraphError(
                    f"einsum: {label!r} of {subscripts!r} is {sizes[label]} and {size}"
                    f"\n{argument_lines(operands)}"
                )
