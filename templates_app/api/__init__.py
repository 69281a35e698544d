"""`/api/v1/templates`."""

from __future__ import annotations

from highway_automation.base.api.routing import Router


def register(router: Router) -> None:
    from templates_app.api.views import TemplateViewSet

    router.register("templates", TemplateViewSet, basename="template")
