"""Which nodes came from which, and by which rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symgraph.graph import Apply


@dataclass(frozen=True)
class Origin:
    """The nodes that one was made from; ``rule`` is None when only inputs changed."""

    rule: str | None
    sources: tuple[Apply, ...]


@dataclass
class Provenance:
    """For each node that rewriting made, its origin; walks both ways."""

    origins: dict[Apply, Origin] = field(default_factory=dict)
    _made: dict[Apply, list[Apply]] = field(default_factory=dict)

    def record(
        self, made: Iterable[Apply], sources: Iterable[Apply], rule: str | None
    ) -> None:
        """Note that ``rule`` made some nodes from others."""
        origin = Origin(rule, tuple(dict.fromkeys(sources)))
        for node in made:
            self.origins[node] = origin
            for source in origin.sources:
                self._made.setdefault(source, []).append(node)

    def sources(self, node: Apply) -> tuple[Apply, ...]:
        """The nodes of the graph before rewriting that ``node`` comes from."""
        found, seen, stack = [], {node}, [node]
        while stack:
            current = stack.pop()
            origin = self.origins.get(current)
            if origin is None:
                found.append(current)
                continue
            fresh = [n for n in origin.sources if n not in seen]
            seen.update(fresh)
            stack.extend(reversed(fresh))
        return tuple(found)

    def rules(self, node: Apply) -> tuple[str, ...]:
        """The rules that took part in making ``node``, the last first."""
        names: dict[str, None] = {}
        seen, stack = {node}, [node]
        while stack:
            origin = self.origins.get(stack.pop())
            if origin is None:
                continue
            if origin.rule is not None:
                names[origin.rule] = None
            fresh = [n for n in origin.sources if n not in seen]
            seen.update(fresh)
            stack.extend(reversed(fresh))
        return tuple(names)

    def descendants(self, node: Apply) -> tuple[Apply, ...]:
        """The node and every node made from it, oldest first."""
        seen: dict[Apply, None] = {node: None}
        stack = [node]
        while stack:
            for made in self._made.get(stack.pop(), ()):
                if made not in seen:
                    seen[made] = None
                    stack.append(made)
        return tuple(seen)
