from __future__ import annotations

from django.db import models

from tenants_app.scoping import TenantModel


class EmailTemplate(TenantModel):
    """A tenant's mail text; `tools.email.send` fills its references."""

    name = models.SlugField(max_length=100)
    subject = models.CharField(max_length=255)
    body = models.TextField(help_text="Plain text; may hold references such as ${input.email}.")
    html = models.TextField(blank=True, help_text="Optional; sent beside the plain text.")
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "email_templates"
        verbose_name = "mail text"
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="mail_text_named_once")]

    def __str__(self) -> str:
        return self.name
