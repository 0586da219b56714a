"""The subscripts of ``einsum``: a letter for each dimension, ``...`` for the rest.

What ``...`` stands for gets letters that nobody uses, the same for the last of these
dimensions in every operand, as NumPy aligns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from symgraph.graph import GraphError, Variable, argument_lines

DOTS = "..."


def read_subscripts(
    subscripts: str, operands: Sequence[Variable]
) -> tuple[list[str], str]:
    """The letters of each operand and of the output, one for each dimension."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if any(part.count(DOTS) > 1 for part in (*inputs, output)):
        raise _unreadable(subscripts)
    if len(inputs) != len(operands):
        raise GraphError(
            f"einsum: {subscripts!r} is of {len(inputs)} operands, got {len(operands)}"
        )
    letters = left.replace(DOTS, "").replace(",", "")
    if not arrow:
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        output = DOTS * (DOTS in left) + "".join(once)
    rest = _rest(subscripts, inputs, operands)
    if rest and arrow and DOTS not in output:
        raise GraphError(
            f"einsum: the output of {subscripts!r} must have the '...' of its operands"
        )
    names = [c for c in ascii_letters if c not in letters][: max(rest, default=0)]
    inputs = [
        labels.replace(DOTS, "".join(names[len(names) - (v.ndim - _own(labels)) :]))
        if DOTS in labels
        else labels
        for labels, v in zip(inputs, operands, strict=True)
    ]
    return inputs, _checked(subscripts, inputs, output.replace(DOTS, "".join(names)))


def _own(labels: str) -> int:
    """How many dimensions have a letter of their own."""
    return len(labels.replace(DOTS, ""))


def _rest(
    subscripts: str, inputs: Sequence[str], operands: Sequence[Variable]
) -> list[int]:
    """How many dimensions ``...`` stands for, in each operand where it does."""
    rest = []
    for place, (labels, v) in enumerate(zip(inputs, operands, strict=True)):
        more = v.ndim - _own(labels)
        if more < 0 or (more and DOTS not in labels):
            raise GraphError(
                f"einsum: {labels!r} of {subscripts!r} does not fit operand {place}, "
                f"{v.type}\n{argument_lines(operands)}"
            )
        rest += [more] if more else []
    return rest


def _checked(subscripts: str, inputs: Sequence[str], output: str) -> str:
    """``output``, if all are letters and the output's are the operands', each once."""
    letters = "".join(inputs)
    if letters + output and not (letters + output).isalpha():
        raise _unreadable(subscripts)
    for letter in output:
        if letter not in letters:
            wrong = f"has {letter!r}, which no operand has"
        elif output.count(letter) > 1:
            wrong = f"has {letter!r} more than once"
        else:
            continue
        raise GraphError(f"einsum: the output of {subscripts!r} {wrong}")
    return output


def _unreadable(subscripts: str) -> GraphError:
    return GraphError(f'einsum: cannot read {subscripts!r}; write "ij,jk->ik"')
