"""What this room hears from the room below: a new tenant gets its mail texts."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from runs_app.actions.mail import seed_mail_texts
from tenants_app.models import Tenant
from tenants_app.signals import tenant_created


@receiver(tenant_created, dispatch_uid="runs.seed_mail_texts")
def on_tenant_created(tenant: Tenant, **kwargs: Any) -> None:
    seed_mail_texts(tenant)
