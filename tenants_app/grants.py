"""Which tools a tenant may use: names ("tools.email.send") or prefixes that end in "*" ("tools.email.*")."""

from __future__ import annotations

from collections.abc import Sequence

EVERY_TOOL = ("tools.*",)
HARMLESS_TOOLS = (
    "tools.email.*",
    "tools.http.*",
    "tools.time.*",
    "tools.approval.*",
    "tools.workflow.*",
    "tools.log.*",
)


def may_use(tenant_allowed: Sequence[str], tool: str) -> bool:
    """Whether one of the tenant's grants names this tool."""
    return any(granted(grant, tool) for grant in tenant_allowed)


def granted(grant: str, tool: str) -> bool:
    return tool.startswith(grant[:-1]) if grant.endswith("*") else tool == grant


def default_tools() -> list[str]:
    return list(HARMLESS_TOOLS)
