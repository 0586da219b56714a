"""The graph while it is being rewritten: who uses what, and what became of what.

Applications are never changed. When one is replaced, its outputs get an *image*, and
its users move to that image; a user is applied anew to the images of its inputs when
its turn comes. So each step costs what it touches, not the size of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from symgraph.graph import Apply, Constant, Graph, SharedVariable, Variable
from symgraph.graph.traversal import reapply

# A use of a variable: (application, input position), or (None, output position).
Use: TypeAlias = "tuple[Apply | None, int]"


class Context(Protocol):
    """What a rule may ask about the graph around the node it matched."""

    def owner(self, variable: Variable) -> Apply | None:
        """What computes ``variable`` in this graph: None for the graph's inputs."""

    def uses(self, variable: Variable) -> int:
        """How many inputs and graph outputs read ``variable``."""

    def clients(self, variable: Variable) -> list[Use]:
        """The uses of ``variable``; those further down may have older inputs."""

    def is_invariant(self, variable: Variable) -> bool:
        """Whether only constants and shared variables decide its value.

        Such a value is computed once, outside the call, so what is done to it is free.
        """


class Workspace:
    """A graph under replacement; implements ``Context``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._inputs = set(graph.inputs)
        self._image: dict[Variable, Variable] = {}
        self._clients: dict[Variable, dict[Use, None]] = {}
        self._live: set[Apply] = set()
        self._invariant: dict[Variable, bool] = dict.fromkeys(graph.inputs, False)
        for node in graph.nodes:
            self._register(node)
        for position, output in enumerate(graph.outputs):
            self._clients.setdefault(output, {})[None, position] = None

    def owner(self, variable: Variable) -> Apply | None:
        return None if variable in self._inputs else variable.owner

    def uses(self, variable: Variable) -> int:
        return len(self._clients.get(variable, ()))

    def clients(self, variable: Variable) -> list[Use]:
        return list(self._clients.get(variable, ()))

    def is_invariant(self, variable: Variable) -> bool:
        known = self._invariant
        stack = [variable]
        while stack:
            current = stack[-1]
            if current in known:
                stack.pop()
            elif current.owner is None:
                known[current] = isinstance(current, (Constant, SharedVariable))
            else:
                inputs = current.owner.inputs
                if any(known.get(v) is False for v in inputs):
                    known[current] = False
                elif waiting := [v for v in inputs if v not in known]:
                    stack.append(waiting[0])
                else:
                    known[current] = True
        return known[variable]

    def is_live(self, node: Apply) -> bool:
        """Whether anything still uses the node."""
        return node in self._live

    def image(self, variable: Variable) -> Variable:
        """What stands for ``variable`` now."""
        found = variable
        while found in self._image:
            found = self._image[found]
        while variable is not found:  # shorten the path for the next time
            self._image[variable], variable = found, self._image[variable]
        return found

    def refresh(self, node: Apply) -> Apply:
        """The node applied to the images of its inputs; itself when none changed."""
        inputs = [self.image(v) for v in node.inputs]
        if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
            return node
        outputs = reapply(node, inputs)
        fresh = outputs[0].owner
        assert fresh is not None
        self._register(fresh)
        self.link(node.outputs, outputs)
        return fresh

    def adopt(self, outputs: Iterable[Variable]) -> list[Apply]:
        """Take up the applications that ``outputs`` need, inputs before users."""
        fresh: list[Apply] = []
        stack = self._foreign(outputs)
        while stack:
            node = stack[-1]
            waiting = self._foreign(node.inputs)
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            if node not in self._live:
                self._register(node)
                fresh.append(node)
        return fresh

    def link(self, old: Sequence[Variable], new: Sequence[Variable]) -> None:
        """Let ``new`` stand for the outputs ``old`` of a node, which nothing uses now.

        The nodes that only it used go with it.
        """
        for before, latest in zip(old, new, strict=True):
            after = self.image(latest)
            if before is not after:
                users = self._clients.pop(before, {})
                self._clients.setdefault(after, {}).update(users)
                self._image[before] = after
        self._release(old)

    def result(self) -> Graph:
        """The graph as it stands."""
        return Graph(self.graph.inputs, [self.image(v) for v in self.graph.outputs])

    def _foreign(self, variables: Iterable[Variable]) -> list[Apply]:
        """The applications of the variables' images that are not in the graph."""
        owners = [self.owner(self.image(v)) for v in variables]
        return [n for n in owners if n is not None and n not in self._live]

    def _register(self, node: Apply) -> None:
        self._live.add(node)
        for position, variable in enumerate(node.inputs):
            users = self._clients.setdefault(self.image(variable), {})
            users[node, position] = None

    def _release(self, variables: Sequence[Variable]) -> None:
        stack = [v.owner for v in variables]
        while stack:
            node = stack.pop()
            if node is None or node not in self._live:
                continue
            if any(self._clients.get(v) for v in node.outputs):
                continue
            self._live.discard(node)
            for position, variable in enumerate(node.inputs):
                source = self.image(variable)
                self._clients.get(source, {}).pop((node, position), None)
                stack.append(self.owner(source))
