from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from runs_app.actions.mail import delete_mail_text, save_mail_text
from runs_app.models import EmailTemplate
from tenants_app.admin.base import TenantModelAdmin


@admin.register(EmailTemplate)
class EmailTemplateAdmin(TenantModelAdmin):
    """The texts that tools.email.send sends by name."""

    list_display = ["name", "subject", "updated_at"]
    search_fields = ["name", "subject"]
    ordering = ["name"]
    fields = ["name", "subject", "body", "html"]

    def perform_save(self, request: HttpRequest, obj: EmailTemplate, form: Any, change: bool) -> EmailTemplate:
        return save_mail_text(obj)

    def perform_delete(self, request: HttpRequest, obj: EmailTemplate) -> None:
        delete_mail_text(obj)
