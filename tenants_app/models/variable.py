from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from highway_automation.base.clock import now
from tenants_app.scoping import TenantModel

VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class Variable(TenantModel):
    """A value workflows read: `${env.NAME}` when plain, `${secrets.NAME}` when secret (then only encrypted here)."""

    name = models.CharField(
        max_length=128,
        validators=[RegexValidator(rf"^{VARIABLE_NAME}\Z", "Use letters, digits and '_'; do not start with a digit.")],
    )
    value = models.TextField(blank=True)
    encrypted = models.TextField(blank=True, editable=False)
    secret = models.BooleanField(default=False, help_text="Encrypted, and never shown again.")
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "variables"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="variable_name_unique",
                violation_error_message="The tenant already has a variable of this name.",
            ),
            models.CheckConstraint(
                condition=models.Q(secret=False, encrypted="") | models.Q(secret=True, value=""),
                name="variable_plain_or_encrypted",
            ),
        ]

    def __str__(self) -> str:
        return self.name
