"""tools.maintenance.cleanup: purge what the tenant no longer needs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from highway_automation.base import clock
from highway_automation.base.retention import KINDS
from highway_automation.base.safe_json import JSON
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError

NAME = "tools.maintenance.cleanup"
KNOWN = ("older_than", "kinds", "dry_run")


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """older_than, kinds, dry_run → {counts, total, before, dry_run}.

    Of the tenant of this run only. Without `kinds`: those that retention clears by default. With dry_run nothing is
    deleted and the counts say what would be.
    """
    from runs_app.actions import retention  # the verbs of this room know the tools

    given = Given(NAME, arguments, KNOWN)
    given.required("older_than")
    before = clock.now() - timedelta(seconds=given.seconds("older_than") or 0)
    dry_run = given.flag("dry_run", False)
    kinds = _kinds(given) or retention.kept_by_default()
    counts = retention.clean_up(context.tenant_id, before, kinds, dry_run=dry_run, stop=context.cancelled.is_set)
    for kind, count in counts.items():
        context.log(f"{kind}: {count:,} {'would be deleted' if dry_run else 'deleted'}\n")
    if context.cancelled.is_set():
        raise ToolError(f"{NAME}: stopped; what is gone is gone.", output={"counts": counts, "dry_run": dry_run})
    return {"counts": counts, "total": sum(counts.values()), "before": before.isoformat(), "dry_run": dry_run}


def _kinds(given: Given) -> Collection[str]:
    found = given.value("kinds", [])
    names = found.split(",") if isinstance(found, str) else found
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise given.refusal("kinds", f'must be a list such as ["runs", "events"], not {found!r}')
    kinds = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    for kind in kinds:
        if kind not in KINDS:
            raise given.refusal(
                "kinds", f"names {kind!r}, which cannot be cleaned up; known are {', '.join(sorted(KINDS))}"
            )
    return kinds


TOOL = Tool(NAME, run, positional=("older_than", "kinds"))
