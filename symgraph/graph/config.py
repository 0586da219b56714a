"""``config``: the few settings of the whole program, checked when they are set.

A setting is changed for good by assignment, ``config.floatX = "float64"``, or for a
while by ``with config.context(floatX="float64"):``, which is seen by this thread
alone. The environment variable ``SYMGRAPH_FLAGS="floatX=float64,threads=2"`` gives
the values a program starts with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from symgraph.graph.errors import SymgraphError


class ConfigError(SymgraphError, ValueError):
    """A setting that does not exist, or a value it cannot take."""


@dataclass(frozen=True)
class Settings:
    """Every setting with the value it has when nobody sets it."""

    floatX: str = "float32"  # dtype of Python floats, and of exp(integer)
    mode: str = "c"  # how ``function`` computes: "c", "numpy" or "debug"
    threads: int = 0  # of a compiled function; 0: as many as there are cores
    deterministic: bool = True  # the same bits for every number of threads; if not,
    # long sums are cut for the threads that there are when a function is made
    winograd: bool = True  # allow Winograd convolution, within 2e-5, where faster


_CHOICES: Mapping[str, tuple[object, ...]] = {
    "floatX": ("float32", "float64"),
    "mode": ("c", "numpy", "debug"),
    "deterministic": (False, True),
    "winograd": (False, True),
}
_NOTHING: Mapping[str, object] = MappingProxyType({})
_NAMES = tuple(field.name for field in fields(Settings))


class Config:
    """The settings in force: those of the innermost ``context``, else the program's."""

    floatX: str
    mode: str
    threads: int
    deterministic: bool
    winograd: bool

    def __init__(self, settings: Settings) -> None:
        values = {name: getattr(settings, name) for name in _NAMES}
        object.__setattr__(self, "_program", values)
        object.__setattr__(self, "_local", ContextVar("config", default=_NOTHING))

    def __getattr__(self, name: str) -> Any:
        _check_name(name)
        local = self.__dict__["_local"].get()
        return local[name] if name in local else self.__dict__["_program"][name]

    def __setattr__(self, name: str, value: object) -> None:
        _check(name, value)
        if name in self.__dict__["_local"].get():
            raise ConfigError(f"config: {name} is held by an enclosing config.context")
        self.__dict__["_program"][name] = value

    @contextmanager
    def context(self, **settings: object) -> Iterator[None]:
        """Other settings inside a ``with`` block, in this thread alone.

        >>> with config.context(floatX="float64"):
        ...     config.floatX
        'float64'
        """
        for name, value in settings.items():
            _check(name, value)
        local = self.__dict__["_local"]
        token = local.set({**local.get(), **settings})
        try:
            yield
        finally:
            local.reset(token)

    def __repr__(self) -> str:
        return f"config({', '.join(f'{n}={getattr(self, n)!r}' for n in _NAMES)})"


def settings_of(config: Config) -> Settings:
    """The settings in force here and now, as a value."""
    return Settings(**{name: getattr(config, name) for name in _NAMES})


def parse_flags(text: str) -> Settings:
    """The settings that ``"name=value,name=value"`` asks for.

    >>> parse_flags("threads=2,winograd=False").threads
    2
    """
    found: dict[str, Any] = {}
    for flag in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (part.strip() for part in flag.partition("="))
        _check_name(name)
        found[name] = _parsed(name, value)
        _check(name, found[name])
    return Settings(**found)


def _parsed(name: str, text: str) -> object:
    if isinstance(getattr(Settings, name), bool):
        words = {"true": True, "1": True, "false": False, "0": False}
        return words.get(text.lower(), text)
    return int(text) if text.isdigit() else text


def _check_name(name: str) -> None:
    if name not in _NAMES:
        raise _MissingSetting(
            f"config: no setting {name!r}; it has {', '.join(_NAMES)}"
        )


def _check(name: str, value: object) -> None:
    _check_name(name)
    if name in _CHOICES:
        allowed = any(_same(value, choice) for choice in _CHOICES[name])
        expected = "one of " + ", ".join(map(repr, _CHOICES[name]))
    else:
        allowed = type(value) is int and value >= 0
        expected = "an integer >= 0"
    if not allowed:
        raise ConfigError(f"config: {name} expects {expected}, got {value!r}")


def _same(value: object, choice: object) -> bool:
    return type(value) is type(choice) and value == choice


class _MissingSetting(ConfigError, AttributeError):
    """Also an AttributeError, so that ``hasattr`` and ``copy`` behave."""


config = Config(parse_flags(os.environ.get("SYMGRAPH_FLAGS", "")))
