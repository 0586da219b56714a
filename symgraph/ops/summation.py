"""Einstein's summation, as products of matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from symgraph.graph import GraphError, Variable, argument_lines
from symgraph.ops.arguments import Size, TensorLike, promoted
from symgraph.ops.creation import arange
from symgraph.ops.linalg import matmul
from symgraph.ops.reshaping import moveaxis, product, reshape, transpose
from symgraph.ops.shape import dim
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
        """The array summed over the dimensions that are not to be kept."""
        gone = [i for i, label in enumerate(self.labels) if label not in keep]
        labels = "".join(label for label in self.labels if label in keep)
        return Labelled(labels, self.array.sum(axis=gone) if gone else self.array)


def einsum(subscripts: str, *operands: TensorLike) -> Variable:
    """y[output] = sum over the other letters of the product of the operands.

    ``subscripts`` is "ij,jk->ik": a letter for each dimension; without "->" the output
    has the letters that come once, in alphabetical order. Operands are multiplied from
    left to right.
    """
    variables = promoted("einsum", operands)
    inputs, output = _parsed(subscripts, variables)
    terms = [
        _without_repeats(Labelled(labels, variable))
        for labels, variable in zip(inputs, variables, strict=True)
    ]
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


def _parsed(subscripts: str, operands: Sequence[Variable]) -> tuple[list[str], str]:
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    letters = "".join(inputs)
    if not arrow:
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    known = (letters + output).isalpha() or not letters + output
    if not known or set(output) - set(letters) or len(set(output)) < len(output):
        raise GraphError(f'einsum: cannot read {subscripts!r}; write "ij,jk->ik"')
    if [len(labels) for labels in inputs] != [v.ndim for v in operands]:
        raise GraphError(
            f"einsum: {subscripts!r} does not fit its operands"
            f"\n{argument_lines(operands)}"
        )
    _check_sizes(subscripts, inputs, operands)
    return inputs, output


def _check_sizes(
    subscripts: str, inputs: Sequence[str], operands: Sequence[Variable]
) -> None:
    sizes: dict[str, int] = {}
    for labels, variable in zip(inputs, operands, strict=True):
        for label, size in zip(labels, variable.type.shape, strict=True):
            if size is not None and sizes.setdefault(label, size) != size:
                raise GraphError(
                    f"einsum: {label!r} of {subscripts!r} is {sizes[label]} and {size}"
                    f"\n{argument_lines(operands)}"
                )
