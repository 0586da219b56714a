"""What can go wrong between a program and its machine code."""

from __future__ import annotations


class CodegenError(Exception):
    """A program that the back end cannot turn into C: says which part, and why."""


class ToolchainError(Exception):
    """No C compiler was found; the message says what to install."""


class CompileError(Exception):
    """The C compiler failed; the message has its command and its last lines."""


class CacheWarning(UserWarning):
    """The cache of compiled code could not be used, or held a damaged file."""
