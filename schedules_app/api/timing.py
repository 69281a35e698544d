"""When: the part of a schedule's body that a preview needs too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from schedules_app import cron
from schedules_app.models.choices import DstGap, DstOverlap
from schedules_app.preview import MOST

INTEGER = 2_147_483_647
LONGEST_SPREAD = 7 * 86_400
ALIASES = {
    "schedule_cron": "cron_expression",
    "is_active": "enabled",
    "version_pin": "template_version",
    "input": "inputs",
}
"""Highway's word → ours. Ours wins where both are sent, so that what was read can be changed and sent back."""


class TimingSerializer(StrictSerializer):
    """The times: a cron expression, or `at` for a single one."""

    cron_expression = serializers.CharField(max_length=100)
    at = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=64,
        help_text="A single time instead of an expression, in the schedule's time zone unless it has an offset.",
    )
    timezone = serializers.CharField(max_length=64, required=False)
    dst_gap = serializers.ChoiceField(choices=DstGap.choices, required=False)
    dst_overlap = serializers.ChoiceField(choices=DstOverlap.choices, required=False)
    day_or = serializers.BooleanField(required=False)
    start_at = serializers.DateTimeField(required=False, allow_null=True)
    end_at = serializers.DateTimeField(required=False, allow_null=True)
    remaining_runs = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=INTEGER)
    spread = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_SPREAD)

    highway_keys = frozenset(ALIASES)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            data = {**{ours: data[theirs] for theirs, ours in ALIASES.items() if theirs in data}, **data}
            if data.get("at") is not None:
                data["cron_expression"] = once(data)
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("at", None)
        return attrs


class PreviewSerializer(TimingSerializer):
    """A schedule that is not saved, and how many of its times to show."""

    count = serializers.IntegerField(min_value=1, max_value=MOST, default=10)


class TimeSerializer(serializers.Serializer[Any]):
    """One time to come."""

    at = serializers.DateTimeField(help_text="When it starts, in UTC.")
    local = serializers.CharField(help_text="The same with the offset of the schedule's time zone.")
    words = serializers.CharField()
    note = serializers.CharField(help_text="What a clock change does to it; mostly empty.")


class PreviewAnswer(serializers.Serializer[Any]):
    """The next times of a schedule."""

    cron_expression = serializers.CharField()
    timezone = serializers.CharField()
    description = serializers.CharField(help_text="The expression in words.")
    delay_seconds = serializers.IntegerField(help_text="How much later than its times it starts, being spread.")
    ticks = TimeSerializer(many=True)


def once(data: Mapping[str, Any]) -> str:
    """The expression for `at`. What was read has both and may be sent back; two different times are a mistake."""
    expression = f"@at {data['at']}".strip()
    moment = _moment(expression, data)
    given = data.get("cron_expression")
    if not given or _moment(str(given), data, must=False) == moment:
        return str(given or expression)
    raise serializers.ValidationError({"at": ["Give either this or cron_expression."]})


def _moment(expression: str, data: Mapping[str, Any], *, must: bool = True) -> datetime | None:
    try:
        spec = cron.parse(expression, str(data.get("timezone") or "UTC"))
    except cron.CronError as error:
        if must and error.field == "cron_expression":
            raise serializers.ValidationError({"at": [str(error)]}) from None
        return None
    found = cron.only_tick(spec)
    return found.at if found else None
