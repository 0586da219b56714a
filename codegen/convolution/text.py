"""Lines of C: loops and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codegen import sizes
from codegen.sizes import Fixed, Size


def block(head: str, body: Iterable[str]) -> list[str]:
    """``head { body }``."""
    return [f"{head} {{".lstrip(), *(f"    {line}" for line in body), "}"]


def loop(
    index: str, stop: Size, body: Iterable[str], fixed: Fixed | None = None
) -> list[str]:
    """``for index in range(stop): body``."""
    return block(count(index, stop, fixed), body)


def count(index: str, stop: Size, fixed: Fixed | None = None) -> str:
    """The head of a loop over ``range(stop)``."""
    return f"for (int64_t {index} = 0; {index} < {sizes.text(stop, fixed)}; {index}++)"


def unrolled(extents: Sequence[tuple[str, int]], rolled: str = "") -> str:
    """The heads of nested loops of constant extent, printed flat.

    That over ``rolled`` stays a loop: where nothing is in registers from one of its
    turns to the next, to write it out only takes longer to compile.
    """
    return " ".join(
        f"{'SG_ROLLED' if index == rolled else 'SG_UNROLL'} "
        f"for (int64_t {index} = 0; {index} < {extent}; {index}++)"
        for index, extent in extents
    )


def decode(index: str, parts: Sequence[tuple[str, Size]]) -> list[str]:
    """Take the flat ``index`` apart: one constant a part, outermost first."""
    lines = [f"int64_t rest = {index};"]
    for name, extent in reversed(parts[1:]):
        if extent == 1:
            lines.append(f"const int64_t {name} = 0;")
            continue
        divisor = sizes.text(extent)
        lines += [f"const int64_t {name} = rest % ({divisor});", f"rest /= {divisor};"]
    return [*lines, f"const int64_t {parts[0][0]} = rest;"]
