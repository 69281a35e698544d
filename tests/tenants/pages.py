"""The admin's pages as the tests name them."""

from __future__ import annotations

from typing import Any

from django.test import Client

VARIABLES = "/admin/tenants_app/variable/"
USERS = "/admin/tenants_app/user/"
KEYS = "/admin/tenants_app/apikey/"
MEMBERS = "/admin/tenants_app/membership/"
TENANTS = "/admin/tenants_app/tenant/"
OUTBOX = "/admin/tenants_app/outboxmail/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def switch(client: Client, tenant: str, page: str = "/admin/") -> Any:
    """Choose a tenant in the admin's switch, on this page."""
    return client.post(f"{TENANTS}switch/", {"tenant": tenant, "next": page})
