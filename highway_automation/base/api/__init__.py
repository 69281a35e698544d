"""What every API answer has in common: how bodies are read, lists are paged and errors are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from highway_automation.base.api.etags import etag_of, refuse_stale
from highway_automation.base.api.paging import Envelope
from highway_automation.base.api.parsing import SafeJSONParser
from highway_automation.base.api.problems import Refusal, problem_handler
from highway_automation.base.api.serializers import Strict, StrictModelSerializer, StrictSerializer

if TYPE_CHECKING:
    from highway_automation.base.api.routing import Router, router

__all__ = [
    "Envelope",
    "Refusal",
    "Router",
    "SafeJSONParser",
    "Strict",
    "StrictModelSerializer",
    "StrictSerializer",
    "etag_of",
    "problem_handler",
    "refuse_stale",
    "router",
]


def __getattr__(name: str) -> Any:
    """REST framework reads the parser's setting, and so this package, while it loads; its routers come after that."""
    if name not in {"Router", "router"}:
        raise AttributeError(name)
    from highway_automation.base.api import routing

    return getattr(routing, name)
