"""`/api/v1/workflows`: submit, follow and cancel runs; and what they need."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from runs_app.api.approvals import ApprovalViewSet
from runs_app.api.artifacts import ArtifactViewSet
from runs_app.api.definitions import DefinitionByHashViewSet, DefinitionViewSet, PublishedViewSet
from runs_app.api.runs import RunViewSet
from runs_app.api.workers import WorkerViewSet


def register(router: SimpleRouter) -> None:
    router.register("workflows/definitions", DefinitionViewSet, basename="definition")
    router.register("workflows/by-hash", DefinitionByHashViewSet, basename="definition-by-hash")
    router.register("workflows/(?P<name>[^/]+)/versions", PublishedViewSet, basename="published")
    router.register("workflows", RunViewSet, basename="workflow")
    router.register("workers", WorkerViewSet, basename="worker")
    router.register("artifacts", ArtifactViewSet, basename="artifact")
    router.register("approvals", ApprovalViewSet, basename="approval")
