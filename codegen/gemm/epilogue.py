"""From sums to output: the epilogue as a loop over a region still in the cache.

The loop is scalar C in a form that the compiler turns into vectors: the sum of an
element is read where the product left it, and the output written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen import expressions, sizes
from codegen.gemm.product import Product
from codegen.ir import Buffer, Expression, Gather, Load, Result
from codegen.scalars import C_TYPES
from codegen.traverse import parts


@dataclass(frozen=True)
class Sums:
    """Where the product is summed: at ``start``, rows ``step`` apart; C texts.

    The step is a factor in C. ``in_place`` says that this is the output itself.
    """

    start: str
    step: str
    in_place: bool

    def at(self, row: str, column: str) -> str:
        """The C of a pointer to one sum."""
        return f"{self.start} + {row} * {self.step} + {column}"


def works_in_place(product: Product) -> bool:
    """Whether sums may lie in the output until the epilogue has run over them."""
    out, epilogue = product.out, product.epilogue
    if out.across != 1:
        return False
    if epilogue is None:
        return True
    changed = result_dtype(product) != out.buffer.dtype
    return not changed and out.buffer not in loaded(product)


def result_dtype(product: Product) -> str:
    """The dtype in which the epilogue gets the product."""
    for part in _parts(product):
        if isinstance(part, Result):
            return part.dtype
    return product.dtype


def loaded(product: Product) -> tuple[Buffer, ...]:
    """The buffers that the epilogue reads."""
    found = _parts(product)
    return tuple(p.buffer for p in found if isinstance(p, Load | Gather))


def used(product: Product) -> tuple[Buffer, ...]:
    """The buffers that the epilogue reads, or writes beside the output."""
    also = product.epilogue.also if product.epilogue else ()
    return (*loaded(product), *(store.buffer for store in also))


def _parts(product: Product) -> Iterator[Expression]:
    """Every expression of the epilogue, and those inside it."""
    if product.epilogue is not None:
        yield from parts(product.epilogue.value)
        for store in product.epilogue.also:
            yield from parts(store.value)


def finish(
    product: Product, sums: Sums, bounds: tuple[str, str, str, str], lanes: int
) -> list[str]:
    """Loops over rows and columns in ``bounds`` that make output of sums.

    Columns that do not fill a vector of ``lanes`` have a loop of their own, which
    becomes narrower vectors.
    """
    if product.epilogue is None and sums.in_place:
        return []
    top, bottom, first, last = bounds
    row, n = product.row, product.n
    body = store(product, f"({sums.at(product.row, product.column)})[0]")
    across = _across(product, first, last, body)
    if isinstance(n, int) and n > lanes and n % lanes:
        whole = n - n % lanes
        behind = _across(product, str(whole), str(n), body)
        if last != str(n):
            behind = [f"if ({last} == {n})", *(f"    {line}" for line in behind)]
        across = _across(product, first, f"sg_min({last}, {whole})", body) + behind
    return [
        f"for (int64_t {row} = {top}; {row} < {bottom}; {row}++) {{",
        *(f"    {line}" for line in across),
        "}",
    ]


def _across(product: Product, first: str, last: str, body: str) -> list[str]:
    """``body`` for columns from ``first`` to before ``last``, as a vector loop."""
    column = product.column
    return [
        "#pragma omp simd",
        f"for (int64_t {column} = {first}; {column} < {last}; {column}++)",
        f"    {body}",
    ]


def store(product: Product, total: str) -> str:
    """The statement that stores the output element whose sum is ``total``."""
    place = f"({product.out.at(product.row, product.column)})[0]"
    if product.epilogue is None:
        return f"{place} = {total};"
    ctype = C_TYPES[product.dtype]
    also = "".join(
        f" {s.buffer.name}[{sizes.text(s.position)}] ="
        f" {expressions.text(s.value, 'sg_sum')};"
        for s in product.epilogue.also
    )
    value = expressions.text(product.epilogue.value, "sg_sum")
    named = f"const {ctype} sg_sum = {total}; (void)sg_sum;"
    return f"{{ {named}{also} {place} = {value}; }}"


def cost(product: Product) -> sizes.Size:
    """Rough scalar operations to finish one element."""
    if product.epilogue is None:
        return 1
    also = sum(1 + expressions.cost(s.value) for s in product.epilogue.also)
    return 1 + expressions.cost(product.epilogue.value) + also
