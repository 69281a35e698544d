"""Definitions as JSON or YAML text."""

from __future__ import annotations

from typing import Literal

from highway_automation.base import safe_json, safe_yaml
from highway_automation.base.safe_json import JSON

from .problems import DefinitionError, Problem


def load(text: str | bytes, format: Literal["json", "yaml"] = "json") -> JSON:
    """The definition written in a text. Raises DefinitionError with line and column."""
    try:
        return safe_json.parse(text) if format == "json" else safe_yaml.load(text)
    except (safe_json.UnsafeJSON, safe_yaml.UnsafeYAML) as error:
        raise DefinitionError([Problem("", str(error))]) from None
