from __future__ import annotations

from triggers_app.admin.deliveries import DeliveryAdmin
from triggers_app.admin.events import EventAdmin
from triggers_app.admin.triggers import TriggerAdmin

__all__ = ["DeliveryAdmin", "EventAdmin", "TriggerAdmin"]
