"""``@rewrite(pattern)``: a theorem, its proof obligation, and its right-hand side.

@rewrite(node(Mul)(x, one), label="exact")
def drop_multiplication_by_one(x):
    "x * 1  ->  x"
    return x
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from symgraph.graph import (
    Apply,
    GraphError,
    Op,
    TensorType,
    Variable,
    inherit_site,
)
from symgraph.rewriting.matching import Declined, Match, Mismatch, match_node
from symgraph.rewriting.pattern import NodePattern
from symgraph.rewriting.workspace import Context

# exact: bit-equal, the sign of zero and the payload of nan excepted.
# reassociating: equal over the reals. fast: within an error the docstring states.
Label: TypeAlias = Literal["exact", "reassociating", "fast"]

# Names a body may ask for beside those its pattern binds.
ROOT, CONTEXT = "root", "context"


@dataclass(frozen=True)
class Replacement:
    """New outputs for the matched application, None for an output left as it is."""

    match: Match
    outputs: tuple[Variable, ...]


@dataclass(frozen=True, eq=False)
class Rule:
    """One theorem: where ``patterns`` match, ``body`` gives an equal expression."""

    name: str
    theorem: str
    label: Label
    patterns: tuple[NodePattern, ...]
    body: Callable[..., Any]
    arguments: tuple[str, ...]

    @property
    def root_ops(self) -> tuple[type[Op], ...]:
        """The classes of op this rule can fire on."""
        return tuple(op for pattern in self.patterns for op in pattern.ops)

    def attempt(
        self, node: Apply, context: Context
    ) -> Replacement | Declined | Mismatch:
        """Try the rule on ``node``: new outputs, or why there are none."""
        best: Declined | Mismatch | None = None
        for pattern in self.patterns:
            found = match_node(pattern, node, context.uses, context.owner)
            if isinstance(found, Match):
                result = self._apply(found, node, context)
                if isinstance(result, Replacement):
                    return result
                found = result
            best = _more_telling(best, found)
        assert best is not None
        return best

    def _apply(
        self, found: Match, node: Apply, context: Context
    ) -> Replacement | Declined:
        known = {**found.bindings, ROOT: node, CONTEXT: context}
        try:
            with inherit_site(node.site):
                result = self.body(*(known[name] for name in self.arguments))
        except Exception as error:
            error.add_note(f"  in rule {self.name}, at {node!r}")
            raise
        if isinstance(result, Declined):
            return result
        outputs = _checked(self, result, node)
        if isinstance(outputs, Declined):
            return outputs
        return Replacement(found, outputs)

    def __repr__(self) -> str:
        return f"<rule {self.name} ({self.label}): {self.theorem}>"


def rewrite(
    *patterns: NodePattern, label: Label = "reassociating"
) -> Callable[[Callable[..., Any]], Rule]:
    """Make a rule of a function from what its pattern binds to an equal expression.

    The function's arguments are names of wildcards and of named nodes; ``root`` is
    the ``Apply`` matched and ``context`` the graph around it. Its docstring's first
    line is the theorem. It returns a variable (a tuple for an op with several
    outputs) of the same type, or ``Declined("why")``. A result whose shape is known
    less well than before counts as declined.
    """
    if label not in get_args(Label):
        raise GraphError(f"rewrite: expected a label in {get_args(Label)}, got {label}")
    variants = tuple(v for pattern in patterns for v in pattern.variants())

    def make(body: Callable[..., Any]) -> Rule:
        theorem = (inspect.getdoc(body) or "").split("\n")[0]
        if not theorem:
            raise GraphError(f"rewrite: {body.__name__} needs its theorem as docstring")
        arguments = tuple(inspect.signature(body).parameters)
        return Rule(body.__name__, theorem, label, variants, body, arguments)

    return make


def _more_telling(
    best: Declined | Mismatch | None, other: Declined | Mismatch
) -> Declined | Mismatch:
    """Of two failures the one that got further, a reason given by the rule first."""
    if best is None or isinstance(best, Declined):
        return best or other
    if isinstance(other, Declined) or other.progress > best.progress:
        return other
    return best


def _checked(rule: Rule, result: Any, node: Apply) -> tuple[Variable, ...] | Declined:
    """What the body gave, if it may stand for the node's outputs."""
    outputs = (result,) if isinstance(result, Variable) else result
    if not isinstance(outputs, (tuple, list)) or len(outputs) != len(node.outputs):
        raise GraphError(
            f"rule {rule.name}: expected {len(node.outputs)} outputs or Declined, "
            f"got {outputs!r}"
        )
    for old, new in zip(node.outputs, outputs, strict=True):
        if not isinstance(new, Variable):
            raise GraphError(f"rule {rule.name}: expected a Variable, got {new!r}")
        if not _may_be_equal(old.type, new.type):
            raise GraphError(
                f"rule {rule.name}: expected an expression of type {old.type}, "
                f"as {old!r} has, got {new.type} at {node.site}"
            )
        if not old.type.accepts(new.type):
            return Declined(f"the shape {old.type} would be known as {new.type} only")
    return tuple(outputs)


def _may_be_equal(left: TensorType, right: TensorType) -> bool:
    if left.dtype != right.dtype or left.ndim != right.ndim:
        return False
    pairs = zip(left.shape, right.shape, strict=True)
    return all(a is None or b is None or a == b for a, b in pairs)
