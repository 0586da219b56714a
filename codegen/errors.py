"""What can go wrong between a program and its machine code."""

from __future__ import annotations

from pathlib import Path


class CodegenError(Exception):
    """A program that the back end cannot turn into C: says which part, and why."""


class ToolchainError(Exception):
    """No C compiler was found; the message says what to install."""


class CompileError(Exception):
    """The C compiler failed; the message has its command and its last lines."""

    def __init__(self, command: str, output: str, source: Path) -> None:
        super().__init__(command, output, source)
        self.command, self.output, self.source = command, output, source

    def __str__(self) -> str:
        return (
            f"the C compiler failed on {self.source}\n"
            f"command: {self.command}\n{self.output}"
        )


class CacheError(Exception):
    """The cache of compiled code was asked for something that it cannot do."""


class CacheWarning(UserWarning):
    """The cache of compiled code could not be used, or held a damaged file."""
