from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from highway_automation.base.clock import now
from tenants_app.grants import default_tools
from tenants_app.models.installation import Stopped

TENANT_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
LISTS: Mapping[str, tuple[str, str]] = {
    "allowed_tools": (r"[\w.:-]+\*?|\*", 'A list of tool names, or of prefixes that end in "*".'),
    "http_allow": (r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}", 'A list of "host:port" (IPv6 in brackets).'),
}


class Tenant(Stopped):
    """An organisation, team or project whose rows nobody else sees."""

    tenant_id = models.CharField(
        primary_key=True,
        max_length=64,
        validators=[
            RegexValidator(rf"^{TENANT_ID}\Z", "Use letters, digits, '_', '.' and '-'; start with a letter or digit.")
        ],
    )
    name = models.CharField(max_length=255, blank=True)
    allowed_tools = models.JSONField(
        default=default_tools,
        blank=True,
        help_text='Tools its workflows may use: names, or prefixes like "tools.email.*".',
    )
    http_allow = models.JSONField(
        default=list, blank=True, help_text='Private addresses its workflows may call, each as "host:port".'
    )
    enabled = models.BooleanField(
        default=True,
        editable=False,
        help_text="Off while it, or the whole installation, is stopped: nothing new starts, runs pause.",
    )
    cancel_before = models.DateTimeField(
        null=True, editable=False, help_text="Runs submitted until then are cancelled; empty when that is done."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        db_table = "tenants"
        ordering = ["tenant_id"]

    def __str__(self) -> str:
        return self.name or self.tenant_id

    def clean(self) -> None:
        problems: dict[str, Any] = {}
        for field, (pattern, message) in LISTS.items():
            values = getattr(self, field)
            if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in values):
                problems[field] = message
        if problems:
            raise ValidationError(problems)
