"""What a run of a schedule may refer to: `schedule.*`, `ds`, `data_interval_start` and `data_interval_end`."""

from __future__ import annotations

from datetime import UTC, datetime

from highway_automation.base.safe_json import JSON
from runs_app.expressions import ExpressionError, Names, references, resolve
from schedules_app.models import ScheduledWorkflow

SCHEDULE_FIELDS = ("id", "name", "cron_expression", "timezone", "scheduled_for", "previous", "date", "previous_date")


def interval(start: datetime, end: datetime) -> dict[str, str]:
    """The inputs every run of a schedule has: the time before it and its own, in UTC."""
    return {"data_interval_start": iso(start), "data_interval_end": iso(end)}


def context_of(schedule: ScheduledWorkflow, start: datetime, end: datetime) -> dict[str, JSON]:
    """What `schedule.*` and `ds` mean in a run; the dates are those of the schedule's own time zone."""
    zone = schedule.spec.zone
    about = {
        "id": str(schedule.pk),
        "name": schedule.name,
        "cron_expression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "scheduled_for": iso(end),
        "previous": iso(start),
        "date": end.astimezone(zone).date().isoformat(),
        "previous_date": start.astimezone(zone).date().isoformat(),
    }
    return {"schedule": about, "ds": iso(start)}


def filled(schedule: ScheduledWorkflow, start: datetime, end: datetime) -> dict[str, JSON]:
    """The schedule's inputs with their references replaced. Raises ExpressionError."""
    context = context_of(schedule, start, end)
    names = Names(inputs=interval(start, end), schedule=context["schedule"], ds=context["ds"])
    inputs: dict[str, JSON] = resolve(schedule.inputs, names)
    return inputs


def unknown_references(inputs: JSON) -> list[str]:
    """References in inputs that name nothing a schedule knows."""
    return [found.name for found in references(inputs) if not _known(found.path) and not found.has_default]


def _known(path: tuple[str | int, ...]) -> bool:
    if path[0] == "schedule":
        return len(path) == 2 and path[1] in SCHEDULE_FIELDS
    return len(path) == 1 and path[0] in ("ds", "data_interval_start", "data_interval_end")


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


__all__ = ["ExpressionError", "context_of", "filled", "interval", "iso", "unknown_references"]
