from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from tenants_app.actions import mail_is_filed, retry_mail
from tenants_app.actions.outbox import may_retry
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, object_action
from tenants_app.admin.preview import html_frame, text_frame
from tenants_app.models import OutboxMail
from tenants_app.models.outbox import MailStatus

COLORS = {
    MailStatus.QUEUED.label: "info",
    MailStatus.SENT.label: "success",
    MailStatus.FILED.label: "warning",
    MailStatus.FAILED.label: "danger",
}


@admin.register(OutboxMail)
class OutboxMailAdmin(ReadOnlyTenantModelAdmin):
    """What the product mails, and, while no mail server is set, what workflows wrote to files."""

    list_display = ["created_at", "to", "subject", "kind", "shown_status", "attempts", "sent_at"]
    list_display_links = ["created_at", "subject"]
    list_filter = ["status", "kind"]
    search_fields = ["to", "subject"]
    ordering = ["-outbox_mail_id"]
    fields = [
        *("to", "subject", "kind", "shown_status", "attempts", "last_error", "created_at", "due_at", "sent_at"),
        *("message_id", "attached", "plain_text", "page"),
    ]
    readonly_fields = ["shown_status", "attached", "plain_text", "page"]
    object_actions = ["retry"]
    actions = ["retry_selected"]
    list_before_template = "tenants_app/outbox_banner.html"
    empty_hint = "Invitations, notices and links for lost passwords are listed here as soon as there are some."

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        told: dict[str, Any] = {**(extra_context or {}), "mail_is_filed": mail_is_filed()}
        return super().changelist_view(request, told)

    @display(description="status", ordering="status", label=COLORS)
    def shown_status(self, mail: OutboxMail) -> str:
        return str(MailStatus(mail.status).label)

    @admin.display(description="attachments")
    def attached(self, mail: OutboxMail) -> str:
        return ", ".join(mail.attachments) or "–"

    @admin.display(description="text")
    def plain_text(self, mail: OutboxMail) -> str:
        return text_frame(mail.text)

    @admin.display(description="HTML")
    def page(self, mail: OutboxMail) -> str:
        return html_frame(mail.html) if mail.html else "–"

    @object_action("Send again", "operate", when=may_retry)
    def retry(self, request: HttpRequest, obj: OutboxMail) -> None:
        self.verb(request, lambda: retry_mail(obj), f"The mail to {obj.to} is queued.")

    @admin.action(description="Send again", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.verb_each(request, queryset, retry_mail, "queued")
