"""Who uses the product: people, the tenants they belong to, and what a tenant keeps for its workflows."""

from __future__ import annotations

from tenants_app.models.api_key import APIKey
from tenants_app.models.import_draft import ImportDraft
from tenants_app.models.installation import Installation
from tenants_app.models.membership import Membership
from tenants_app.models.outbox import OutboxMail
from tenants_app.models.rate_count import RateCount
from tenants_app.models.tenant import Tenant
from tenants_app.models.user import User
from tenants_app.models.variable import Variable

__all__ = [
    "APIKey",
    "ImportDraft",
    "Installation",
    "Membership",
    "OutboxMail",
    "RateCount",
    "Tenant",
    "User",
    "Variable",
]
