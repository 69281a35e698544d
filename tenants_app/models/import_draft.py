from __future__ import annotations

from django.conf import settings
from django.db import models

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.scoping import TenantModel


class ImportDraft(TenantModel):
    """What somebody uploaded, between seeing the plan and applying it. Any web process can take the second step."""

    draft_id = TimeOrderedUUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=32)
    files = models.JSONField(help_text="Name → text.")
    plan_digest = models.CharField(max_length=64, help_text="Of the plan that was shown.")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "import_drafts"

    def __str__(self) -> str:
        return f"{self.kind} of {self.user}"
