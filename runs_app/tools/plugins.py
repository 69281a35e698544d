"""Tools of other projects: installed packages name them as entry points of the group `highway_automation.tools`.

They are loaded when a process first needs to know a tool. One that cannot be loaded, or that takes a name which is
taken, is a problem that is told where its name is used; the others go on.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from runs_app.tools.base import Tool

log = logging.getLogger(__name__)
GROUP = "highway_automation.tools"


@dataclass(frozen=True)
class Plugins:
    """`problems`: name → why the tool of this name cannot be used."""

    tools: Mapping[str, Tool]
    problems: Mapping[str, str]


@functools.cache
def installed(taken: frozenset[str]) -> Plugins:
    """What is installed, but for the names that are `taken`. Never raises."""
    tools: dict[str, Tool] = {}
    problems: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            tools[entry.name] = _loaded(entry, {*taken, *tools})
        except Exception as error:  # whatever a foreign package does while it is imported
            problems[entry.name] = f"{entry.value} of {_package(entry)}: {type(error).__name__}: {error}"
            log.warning("The tool %s cannot be used: %s", entry.name, problems[entry.name])
    unusable = {name: why for name, why in problems.items() if name not in tools and name not in taken}
    return Plugins(MappingProxyType(tools), MappingProxyType(unusable))


def _loaded(entry: EntryPoint, taken: Collection[str]) -> Tool:
    if entry.name in taken:
        raise ValueError("there is a tool of this name already")
    tool = entry.load()
    if not isinstance(tool, Tool):
        raise TypeError(f"it is a {type(tool).__name__}, not a runs_app.tools.Tool")
    if tool.name != entry.name:
        raise ValueError(f"the tool calls itself {tool.name!r}")
    return tool


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"
