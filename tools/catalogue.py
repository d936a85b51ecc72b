"""All tools there are: what the files of `tools/business` declare, in the order in which the model is told of them."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

from tools import business
from tools.errors import DeclarationError
from tools.tool import Tool

_FIRST = ("orders", "appointments")  # the original's order; other files follow by name


def declared(package: ModuleType) -> tuple[Tool, ...]:
    """The tools of a package's modules. Raise DeclarationError for two of one name, or a handler without `@tool`."""
    names = sorted((module.name for module in pkgutil.iter_modules(package.__path__)), key=_place)
    return distinct(tool for name in names for tool in tools_of(import_module(f"{package.__name__}.{name}")))


def tools_of(module: ModuleType) -> Iterator[Tool]:
    """The tools that a module declares, from top to bottom."""
    for name, value in vars(module).items():
        if isinstance(value, Tool) and value.handler.__module__ == module.__name__:
            yield value
        elif inspect.iscoroutinefunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
            raise DeclarationError(f"{module.__name__}.{name} is no tool: put @tool above it, or call it _{name}")


def distinct(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The tools; DeclarationError if two have one name, whatever its case."""
    found: dict[str, Tool] = {}
    for tool in tools:
        twin = found.setdefault(tool.name.lower(), tool)
        if twin is not tool:
            where = " and ".join(f"{each.handler.__module__}.{each.handler.__qualname__}" for each in (twin, tool))
            raise DeclarationError(f"two tools are called {tool.name}: {where}")
    return tuple(found.values())


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST)), name


TOOLS = declared(business)
NAMES = frozenset(tool.name for tool in TOOLS)  # a model may invent others, of any text
