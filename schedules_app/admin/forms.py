from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q

from schedules_app.models import ScheduledWorkflow
from tenants_app.models import User

COLUMNS = [
    *("name", "cron_expression", "timezone", "day_or", "dst_gap", "dst_overlap"),
    *("template", "template_version", "workflow_definition", "inputs"),
    *("overlap", "catch_up", "catch_up_window", "start_at", "end_at", "remaining_runs", "spread"),
    *("enabled", "pause_note", "pause_until", "pause_after_failures", "owner"),
]


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ScheduledWorkflow
        fields = COLUMNS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners: Any = self.fields.get("owner")
        if owners is not None and self.instance.owner_id:  # who left stays its owner until somebody chooses another
            members = owners.queryset.values("pk")
            owners.queryset = User.objects.filter(Q(pk__in=members) | Q(pk=self.instance.owner_id))

    def clean_inputs(self) -> Any:
        return self.cleaned_data["inputs"] or {}
