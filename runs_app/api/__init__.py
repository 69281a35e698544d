"""`/api/v1/workflows`: submit, follow and cancel runs."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from runs_app.api.runs import RunViewSet


def register(router: SimpleRouter) -> None:
    router.register("workflows", RunViewSet, basename="workflow")
