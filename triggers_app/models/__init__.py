from __future__ import annotations

from triggers_app.models.delivery import LIVE, Outcome, TriggerDelivery
from triggers_app.models.event import Event
from triggers_app.models.trigger import EventTrigger, Mode, TriggerRevision

__all__ = ["LIVE", "Event", "EventTrigger", "Mode", "Outcome", "TriggerDelivery", "TriggerRevision"]
