from __future__ import annotations

from typing import Any

from django import forms

from schedules_app.models import ScheduledWorkflow

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

    def clean_inputs(self) -> Any:
        return self.cleaned_data["inputs"] or {}
