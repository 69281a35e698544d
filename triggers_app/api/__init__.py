from __future__ import annotations

from typing import Any


def register(router: Any) -> None:
    from triggers_app.api.deliveries import DeliveryViewSet
    from triggers_app.api.events import EventViewSet
    from triggers_app.api.triggers import TriggerViewSet

    router.register("triggers", TriggerViewSet, basename="trigger")
    router.register("events", EventViewSet, basename="event")
    router.register("deliveries", DeliveryViewSet, basename="delivery")
