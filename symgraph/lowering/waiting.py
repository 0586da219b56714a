"""Ops that wait for the epilogue of a kernel yet to come, rather than be stored.

The slope of a sigmoid is made of its value, which the products of the next layer read
from memory. To store both until the gradient comes takes memory, and time, for what two
operations make: the epilogue of the product that the slope is multiplied with computes
it again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from symgraph.graph import Apply, Variable
from symgraph.lowering.quotient import producers
from symgraph.lowering.units import Rules


@dataclass
class Waiting:
    """The ``nodes`` that wait; an epilogue computes ``most`` of them for itself."""

    rules: Rules
    outputs: Collection[Variable]
    most: int
    nodes: set[Apply] = field(default_factory=set)

    def take(self, node: Apply) -> bool:
        """Whether a pointwise ``node`` had better wait; it is among the nodes then."""
        stored = node.inputs and all(map(self._is_stored_anyway, node.inputs))
        if stored and self._leads_to_an_epilogue(node):
            self.nodes.add(node)
        return node in self.nodes

    def _is_stored_anyway(self, variable: Variable) -> bool:
        """Whether a variable is in memory in any case, or made of what is."""
        maker = variable.owner
        if maker is None or maker in self.nodes:
            return True
        if self.rules.is_view(maker):
            return self._is_stored_anyway(maker.inputs[0])
        users = self.rules.users(variable)
        return any(not self.rules.is_pointwise(user) for user in users)

    def _leads_to_an_epilogue(self, node: Apply) -> bool:
        """Whether a few ops, each for the next alone, end beside a kernel's result."""
        for _ in range(self.most):
            user = self._only_user(node)
            if user is None or not self.rules.is_local(user):
                return False
            if self.rules.shape_of(user.outputs[0]) != self._shape(node):
                return False
            if any(self._is_a_kernel_for(p, user) for p in producers(user)):
                return True
            node = user
        return False

    def _is_a_kernel_for(self, node: Apply, user: Apply) -> bool:
        """Whether ``user`` can be the epilogue of a kernel ``node``."""
        takes = self.rules.takes_epilogue(node)
        return takes and self._only_user(node) is user

    def _only_user(self, node: Apply) -> Apply | None:
        result = node.outputs[0]
        users = set(self.rules.users(result))
        if len(users) != 1 or result in self.outputs:
            return None
        return next(iter(users))

    def _shape(self, node: Apply) -> tuple[object, ...]:
        return self.rules.shape_of(node.outputs[0])
