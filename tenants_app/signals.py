"""What this room has to say. Each is sent inside the transaction of the verb that caused it, so a receiver that
raises undoes the whole and one that writes rows writes them together with the cause. Rows made by `bulk_create`,
`loaddata` or plain SQL send nothing.
"""

from __future__ import annotations

from django.dispatch import Signal

tenant_created = Signal()  # tenant: Tenant
membership_created = Signal()  # membership: Membership (with user and tenant loaded)
api_key_created = Signal()  # api_key: APIKey, actor: User | None
