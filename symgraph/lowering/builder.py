"""The state of one lowering: the values of variables, and the kernels so far.

What is invariant (see ``scope.py``) goes to a program of its own, the prologue, which
is run again only when a shared variable has changed. Weights are packed, and BN is
folded into them, there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from codegen import ir
from codegen.ir import Role
from codegen.sizes import Size
from codegen.target import Target
from symgraph.graph import Apply, Constant, Graph, Variable
from symgraph.graph.guards import Guard
from symgraph.lowering.failures import Failure, LoweringError
from symgraph.lowering.layouts import (
    blocked_shape,
    blocked_view,
    copy,
    image_of,
    is_dense,
)
from symgraph.lowering.scope import Scope
from symgraph.lowering.shapes import Shapes
from symgraph.lowering.values import Number, Stored, Value, plain_view


class Builder(Scope):
    """Values, buffers and kernels; the lowerings of the ops are written against it."""

    def __init__(
        self,
        shapes: Shapes,
        target: Target,
        invariant: set[Variable],
        lower_inside: Callable[[Builder, Graph], None],
    ) -> None:
        super().__init__(invariant)
        self.shapes = shapes
        self._lower_inside = lower_inside
        self.target = target
        self.values: dict[Variable, Value] = {}
        self.main: list[ir.Kernel] = []
        self.prologue: list[ir.Kernel] = []
        self.hoisted: list[ir.Buffer] = []
        self.constants: list[tuple[ir.Buffer, object]] = []
        self.failures: dict[int, Failure] = {}
        self.output_buffers: dict[Variable, ir.Buffer] = {}
        self.places: dict[Variable, Stored] = {}
        self.lazy_block: dict[Variable, int] = {}
        self.users: dict[Variable, set[Apply]] = {}
        self.done: set[Apply] = set()  # lowered with what they are computed from
        self.steady: set[Variable] = set()  # what every turn of a loop finds the same
        self.panels: dict[tuple[Variable, bool], ir.Buffer] = {}  # of packed operands
        self._ahead: list[tuple[Guard, list[ir.Kernel]]] = []  # of loops being made
        self._copies: dict[tuple[Variable, int, int], list[tuple[Guard, Stored]]] = {}
        self._conditions: dict[Variable, ir.Buffer] = {}
        self._names = count()

    # --- graphs inside ------------------------------------------------------------

    @contextmanager
    def collected(self, inside: Graph) -> Iterator[list[ir.Kernel]]:
        """The kernels made inside, of a graph that is repeated, in a list apart."""
        if self.hoisting:
            self.invariant.update(inside.inputs)
            self.invariant.update(v for node in inside for v in node.outputs)
        line = self._line
        start = len(line)
        kernels: list[ir.Kernel] = []
        self._ahead.append((self.guard, []))
        with self.always():
            yield kernels
        kernels += line[start:]
        line[start:] = self._ahead.pop()[1]

    @contextmanager
    def once(self, variable: Variable) -> Iterator[None]:
        """Kernels made inside depend on ``variable`` alone, which stays what it is.

        They run before the loop that is being made, or in the prologue.
        """
        if not self._ahead or (variable in self.invariant and not self.hoisting):
            with self.made_from(variable):
                yield
            return
        line = self._line
        start = len(line)
        guard, ahead = self._ahead[-1]
        with self._when(self.hoisting, guard):
            yield
        ahead += line[start:]
        del line[start:]

    def lower_inside(self, graph: Graph) -> None:
        """Make the kernels of a graph whose inputs have values."""
        self._lower_inside(self, graph)

    # --- memory and kernels -------------------------------------------------------

    def fresh(self, prefix: str = "i") -> str:
        """A new C identifier."""
        return f"{prefix}{next(self._names)}"

    def buffer(self, dtype: str, shape: Sequence[Size]) -> ir.Buffer:
        """New memory: a temporary, or in the prologue an argument of both programs."""
        role = Role.ARGUMENT if self.hoisting else Role.TEMPORARY
        buffer = ir.Buffer(self.fresh("b"), dtype, tuple(shape), role)
        if self.hoisting:
            self.hoisted.append(buffer)
        return buffer

    def constant(self, array: object, dtype: str, shape: Sequence[int]) -> ir.Buffer:
        """Memory that the program carries the values of."""
        buffer = ir.Buffer(self.fresh("c"), dtype, tuple(shape), Role.CONSTANT)
        self.constants.append((buffer, array))
        return buffer

    def allocate(self, variable: Variable, block: int = 1) -> Stored:
        """Memory for ``variable``, made its value; an output's own where it can be."""
        own = None if self.hoisting else self.output_buffers.get(variable)
        if own is None or block > 1:
            stored = self._memory(variable, block)
        else:
            stored = plain_view(own)
        self.values[variable] = stored
        return stored

    def _memory(self, variable: Variable, block: int, channel: int = 1) -> Stored:
        """New memory for ``variable``, its dimension ``channel`` cut in blocks."""
        shape = self.shapes.of(variable)
        if block == 1:
            return plain_view(self.buffer(variable.dtype, shape))
        buffer = self.buffer(variable.dtype, blocked_shape(shape, block, channel))
        return blocked_view(buffer, shape, block, channel)

    def destination(self, variable: Variable) -> Stored:
        """Where ``variable`` belongs: a row of a stack, or memory of its own."""
        if variable not in self.places:
            return self.allocate(variable)
        self.values[variable] = self.places[variable]
        return self.places[variable]

    def is_delivered(self, variable: Variable) -> bool:
        """Whether something waits for the variable beside the nodes that read it."""
        return variable in self.output_buffers or variable in self.places

    def emit(self, step: ir.Step, label: str = "", flops: Size = 0) -> None:
        """Append a kernel to the program it belongs to."""
        guard = self._printed_guard()
        kernel = ir.Kernel(step, label or str(self.node.op), flops, self.node, guard)
        self._line.append(kernel)

    @property
    def _line(self) -> list[ir.Kernel]:
        """The kernels of the program that is being made."""
        return self.prologue if self.hoisting else self.main

    def code(self, message: str, exception: type[Exception]) -> int:
        """The number by which the compiled function reports this failure."""
        number = len(self.failures) + 1
        self.failures[number] = Failure(message, exception, self.node.site)
        return number

    # --- reading variables --------------------------------------------------------

    def shape(self, variable: Variable) -> tuple[Size, ...]:
        """The shape of a variable as sizes."""
        return self.shapes.of(variable)

    def value(self, variable: Variable) -> Value:
        """A variable in whatever form it has."""
        if variable not in self.values:
            self.values[variable] = self._leaf(variable)
        return self.values[variable]

    def stored(self, variable: Variable) -> Stored:
        """A variable in memory, in whatever layout it has."""
        value = self.value(variable)
        if isinstance(value, Stored):
            return value
        return self._copied(variable, 1)

    def unblocked(self, variable: Variable) -> Stored:
        """A variable in memory seen through plain strides."""
        stored = self.stored(variable)
        return stored if stored.block == 1 else self._copied(variable, 1)

    def contiguous(self, variable: Variable) -> Stored:
        """A variable in row-major memory."""
        stored = self.stored(variable)
        return stored if stored.is_plain else self._copied(variable, 1)

    def blocked(self, variable: Variable, block: int, channel: int = 1) -> Stored:
        """A variable in memory with its dimension ``channel`` cut in blocks."""
        stored = self.stored(variable)
        ready = stored.block == block and stored.channel == channel
        if ready and is_dense(stored, channel):
            return stored
        return self._copied(variable, block, channel)

    def image(self, variable: Variable, block: int) -> ir.Image:
        """A four-dimensional variable as a convolution reads it."""
        if block == 1:
            return image_of(self.contiguous(variable))
        return image_of(self.blocked(variable, block))

    # --- making copies ------------------------------------------------------------

    def _leaf(self, variable: Variable) -> Value:
        if not isinstance(variable, Constant):
            raise LoweringError(f"lower: {variable!r} has no value")
        if variable.data.ndim == 0:
            return Number(ir.Literal(variable.data.item(), variable.dtype))
        shape = variable.data.shape
        return plain_view(self.constant(variable.data, variable.dtype, shape))

    def _copied(self, variable: Variable, block: int, channel: int = 1) -> Stored:
        known = self._copies.setdefault((variable, block, channel), [])
        for guard, found in known:  # made wherever it is read now
            if guard <= self.guard:
                return found
        with self.made_from(variable):
            made = self._copy(variable, block, channel)
            known.append((self.guard, made))
        return made

    def _copy(self, variable: Variable, block: int, channel: int) -> Stored:
        value = self.value(variable)
        target = self._memory(variable, block, channel)
        self.emit(copy(value, target), "copy")
        return target

    # --- branches -----------------------------------------------------------------

    def _printed_guard(self) -> tuple[tuple[ir.Buffer, bool], ...]:
        """The conditions in memory, those first that decide if others are computed."""
        literals = sorted(self.guard, key=lambda one: len(self.guard_of(one.condition)))
        return tuple((self._condition(c), holds) for c, holds in literals)

    def _condition(self, condition: Variable) -> ir.Buffer:
        """The memory of a bool scalar."""
        if condition not in self._conditions:
            with self.made_for(condition):
                self._conditions[condition] = self.contiguous(condition).buffer
        return self._conditions[condition]
