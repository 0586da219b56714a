"""Matching a pattern against a variable: bindings, or the reason there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from symgraph.graph import Apply, Constant, Variable, describe
from symgraph.rewriting.pattern import Filled, NodePattern, Pattern, Wildcard

Owner = Callable[[Variable], Apply | None]
Uses = Callable[[Variable], int]


@dataclass(frozen=True)
class Declined:
    """A rule's answer where its pattern matched but the rewrite would be wrong."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass
class Match:
    """What the wildcards stand for, and the applications the pattern covered."""

    bindings: dict[str, object] = field(default_factory=dict)
    nodes: list[Apply] = field(default_factory=list)


@dataclass(frozen=True)
class Mismatch:
    """The sub-pattern that failed, where, and after how many that held."""

    pattern: Pattern
    found: Variable
    why: str
    progress: int

    def __str__(self) -> str:
        return f"expected {self.pattern}, found {describe(self.found)}{self.why}"


def owner_of(variable: Variable) -> Apply | None:
    """The application that computes ``variable``."""
    return variable.owner


def match(
    pattern: Pattern, variable: Variable, owner: Owner = owner_of
) -> Match | Mismatch:
    """Match an ordered ``pattern`` against ``variable``, without counting users.

    ``owner`` says what computes a variable: nothing, where the graph begins with it.
    """
    return _match([(pattern, variable)], Match(), owner)


def match_node(
    pattern: NodePattern, node: Apply, uses: Uses, owner: Owner = owner_of
) -> Match | Mismatch | Declined:
    """Match ``pattern`` at ``node``, whichever of its outputs are used.

    ``uses`` counts the users of a variable, for the patterns that ask for one user.
    """
    found = Match()
    failure = _match_apply(pattern, node, found, node.outputs[0])
    if failure is not None:
        return failure
    result = _match(_input_pairs(pattern, node), found, owner)
    if isinstance(result, Mismatch):
        return result
    return _check_single_uses(pattern, node, uses) or result


def _match(
    pairs: list[tuple[Pattern, Variable]], found: Match, owner: Owner
) -> Match | Mismatch:
    stack = pairs[::-1]
    while stack:
        pattern, variable = stack.pop()
        node = owner(variable)
        failure = _match_one(pattern, variable, node, found)
        if failure is not None:
            return failure
        if isinstance(pattern, NodePattern) and node is not None:
            stack.extend(reversed(_input_pairs(pattern, node)))
    return found


def _match_one(
    pattern: Pattern, variable: Variable, node: Apply | None, found: Match
) -> Mismatch | None:
    if isinstance(pattern, Wildcard):
        return _match_wildcard(pattern, variable, found)
    if isinstance(pattern, Filled):
        if pattern.holds_for(variable):
            return None
        return Mismatch(pattern, variable, "", _progress(found))
    assert isinstance(pattern, NodePattern)
    if node is None or variable.index != pattern.index:
        return Mismatch(pattern, variable, "", _progress(found))
    return _match_apply(pattern, node, found, variable)


def _match_wildcard(
    pattern: Wildcard, variable: Variable, found: Match
) -> Mismatch | None:
    bound = found.bindings.setdefault(pattern.name, variable)
    if bound is not variable and not _equal_constants(bound, variable):
        why = f", but {pattern.name} is already {bound!r}"
        return Mismatch(pattern, variable, why, _progress(found))
    if pattern.test is not None and not pattern.test(variable):
        return Mismatch(pattern, variable, "", _progress(found))
    return None


def _match_apply(
    pattern: NodePattern, node: Apply, found: Match, variable: Variable
) -> Mismatch | None:
    if not isinstance(node.op, pattern.ops):
        return Mismatch(pattern, variable, "", _progress(found))
    wanted, given = len(pattern.inputs), len(node.inputs)
    if given < wanted or (given > wanted and not pattern.more):
        why = f" with {len(node.inputs)} inputs"
        return Mismatch(pattern, variable, why, _progress(found))
    for name, static in pattern.static.items():
        value = getattr(node.op, name)
        expected = static
        if isinstance(static, Wildcard):
            expected = found.bindings.setdefault(static.name, value)
        if value != expected:
            why = f", whose {name} is {value}, not {expected}"
            return Mismatch(pattern, variable, why, _progress(found))
    if pattern.test is not None and not pattern.test(node):
        return Mismatch(pattern, variable, "", _progress(found))
    if pattern.label is not None:
        found.bindings[pattern.label] = node
    found.nodes.append(node)
    return None


def _input_pairs(pattern: NodePattern, node: Apply) -> list[tuple[Pattern, Variable]]:
    return list(zip(pattern.inputs, node.inputs, strict=False))


def _check_single_uses(
    pattern: NodePattern, node: Apply, uses: Uses
) -> Declined | None:
    """Declined where a sub-pattern marked ``once`` matched a variable used twice."""
    stack = _input_pairs(pattern, node)
    while stack:
        inner, variable = stack.pop()
        if not isinstance(inner, NodePattern):
            continue
        if inner.single_use and uses(variable) > 1:
            return Declined(
                f"{describe(variable)} is used {uses(variable)} times; "
                "it would be computed twice"
            )
        if variable.owner is not None:
            stack.extend(_input_pairs(inner, variable.owner))
    return None


def _equal_constants(left: object, right: object) -> bool:
    if not isinstance(left, Constant) or not isinstance(right, Constant):
        return False
    same_type = left.type == right.type
    return same_type and left.data.tobytes() == right.data.tobytes()


def _progress(found: Match) -> int:
    return len(found.nodes) + len(found.bindings)
