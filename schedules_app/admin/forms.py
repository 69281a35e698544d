from __future__ import annotations

from typing import Any

from django import forms

from schedules_app.models import NOT_BUILT, ScheduledWorkflow

COLUMNS = [
    *("name", "cron_expression", "timezone", "day_or", "dst_gap", "dst_overlap"),
    *("template", "template_version", "workflow_definition", "inputs"),
    *("overlap", "catch_up", "catch_up_window", "start_at", "end_at", "remaining_runs"),
    *("enabled", "pause_note", "pause_until"),
]


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ScheduledWorkflow
        fields = COLUMNS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, missing in NOT_BUILT.items():
            if name in self.fields:
                field: Any = self.fields[name]
                field.choices = [choice for choice in field.choices if choice[0] not in missing]

    def clean_inputs(self) -> Any:
        return self.cleaned_data["inputs"] or {}
