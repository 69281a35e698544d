from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from tenants_app.admin import api_keys, memberships, outbox, tenants, users, variables

__all__ = ["api_keys", "memberships", "outbox", "tenants", "users", "variables"]

# Roles decide (tenants_app/roles.py); groups of auth permissions would only pretend to.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)
