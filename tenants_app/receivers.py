"""The one thing we hear from Django: a user saved by something other than our verbs (createsuperuser, a script)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from tenants_app.models import User


def connect() -> None:
    post_save.connect(on_user_saved, sender=User, dispatch_uid="tenants.user_saved")


def on_user_saved(instance: User, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """After commit, since the verb that made the user may still be adding their membership. `bulk_create` and
    `loaddata` are silent; housekeeping finds those users.
    """
    from tenants_app.actions import adopt_user

    if created and not raw:
        transaction.on_commit(lambda: adopt_user(instance.pk), robust=True)
