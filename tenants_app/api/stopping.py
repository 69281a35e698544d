from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api import StrictSerializer
from tenants_app.actions import installation, resume_tenant, stop_tenant
from tenants_app.api.base import TenantViewSet
from tenants_app.models import Membership, Tenant


class StopSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")
    running = serializers.ChoiceField(choices=["pause", "cancel"], default="pause")


@extend_schema_serializer(many=False)
class StateSerializer(serializers.Serializer[Any]):
    """`scope` says what was stopped: the tenant, or the whole installation; null while work goes on."""

    stopped = serializers.BooleanField()
    scope = serializers.ChoiceField(choices=["tenant", "installation"], allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    cancelling = serializers.BooleanField()


def state_of(tenant: Tenant) -> dict[str, Any]:
    whole = installation() if not tenant.enabled else None
    by_all = whole is not None and whole.stopped_at is not None
    row = whole if whole is not None and by_all else tenant
    state = {
        "stopped": not tenant.enabled,
        "scope": None if tenant.enabled else "installation" if by_all else "tenant",
        "stopped_at": row.stopped_at,
        "reason": row.stop_reason,
        "cancelling": tenant.cancel_before is not None,
    }
    return dict(StateSerializer(state).data)


class StopViewSet(TenantViewSet):
    """Stop everything of the tenant: nothing new starts, what runs pauses at its next step or is cancelled."""

    model = Membership
    serializer_class = StateSerializer
    verbs = {"list": "view", "create": "edit"}
    pagination_class = None  # type: ignore[assignment]
    filter_backends = []

    @extend_schema(responses=StateSerializer)
    def list(self, request: Request) -> Response:
        """Say whether the tenant is stopped, since when and why."""
        return Response(state_of(self.tenant))

    @extend_schema(request=StopSerializer, responses={200: StateSerializer})
    def create(self, request: Request) -> Response:
        """Stop everything of the tenant."""
        serializer = StopSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        cancel = asked["running"] == "cancel"
        stop_tenant(self.tenant, actor=self.actor, reason=asked["reason"], cancel=cancel)
        return Response(state_of(self.tenant))


class ResumeViewSet(TenantViewSet):
    """Let everything of the tenant go on."""

    model = Membership
    serializer_class = StateSerializer
    verbs = {"create": "edit"}

    @extend_schema(request=None, responses={200: StateSerializer})
    def create(self, request: Request) -> Response:
        """Let everything of the tenant go on."""
        self.refuse_body()
        resume_tenant(self.tenant)
        return Response(state_of(self.tenant))
