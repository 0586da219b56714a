"""Progress bars: shown on a terminal, absent anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

Advance: TypeAlias = Callable[[str], None]


@contextmanager
def bar(
    description: str,
    total: int | None,
    enabled: bool = True,
    console: Console | None = None,
) -> Iterator[Advance]:
    """A function that moves the bar by one and, with a text, describes it anew.

    ``total`` is None where nobody knows how many steps there will be.
    """
    console = console or _standard_error()
    if not enabled or not console.is_terminal:
        yield _silent
        return
    from rich import progress as rich_bars

    columns = (
        rich_bars.TextColumn("{task.description}", markup=False),
        rich_bars.BarColumn(),
        rich_bars.MofNCompleteColumn(),
        rich_bars.TimeRemainingColumn(),
    )
    with rich_bars.Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=total)

        def advance(text: str = "") -> None:
            progress.update(task, advance=1, description=text or description)

        yield advance


def _standard_error() -> Console:
    """A terminal if it is one: rich alone would also believe ``$FORCE_COLOR``."""
    from rich.console import Console

    return Console(stderr=True, force_terminal=bool(sys.stderr and sys.stderr.isatty()))


def _silent(text: str = "") -> None:
    """What moves no bar."""


def report(text: str, enabled: bool = True, console: Console | None = None) -> None:
    """One line that stays, on a terminal."""
    console = console or _standard_error()
    if enabled and console.is_terminal:
        console.print(text, markup=False, highlight=False)
