from __future__ import annotations

from django.conf import settings
from django.db import models

from highway_automation.base.clock import now
from tenants_app.roles import Role
from tenants_app.scoping import TenantModel


class Membership(TenantModel):
    """A user's place in a tenant, and the role they have there."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "memberships"
        ordering = ["tenant_id", "user_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"],
                name="member_once",
                violation_error_message="This user is already a member of the tenant.",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant_id}: {self.role}"
