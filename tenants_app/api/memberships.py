from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api import StrictSerializer
from tenants_app.actions import change_role, invite, remove_member, resend_invitation
from tenants_app.api.base import ListAndGet, TenantModelSerializer, TenantViewSet
from tenants_app.models import Membership
from tenants_app.roles import Role


class MembershipSerializer(TenantModelSerializer):
    email = serializers.EmailField(source="user.email")
    role = serializers.ChoiceField(choices=Role.choices, default=Role.VIEWER)

    class Meta:
        model = Membership
        fields = ["id", "email", "role", "created_at"]
        read_only_fields = ["id", "created_at"]


class RoleSerializer(MembershipSerializer):
    """An existing place: the person stays, the role changes."""

    email = serializers.EmailField(source="user.email", read_only=True)
    role = serializers.ChoiceField(choices=Role.choices)


class MembershipViewSet(ListAndGet):
    """Who belongs to the tenant, and as what."""

    model = Membership
    plural = "memberships"
    serializer_class = MembershipSerializer
    filterset_fields = ["role"]
    ordering = ["id"]
    ordering_fields = ["id", "created_at", "role"]
    verbs = dict.fromkeys(("create", "update", "partial_update", "destroy"), "admin")

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("user")

    def get_serializer_class(self) -> Any:
        return RoleSerializer if self.action in {"update", "partial_update"} else MembershipSerializer

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        membership = invite(email=asked["user"]["email"], tenant=self.tenant, role=asked["role"], actor=self.actor)
        return self.answer(membership, status.HTTP_201_CREATED)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        membership = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=self.action == "partial_update")
        serializer.is_valid(raise_exception=True)
        return self.answer(change_role(membership, serializer.validated_data.get("role", membership.role)))

    partial_update = update

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        remove_member(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationSerializer(StrictSerializer):
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices, default=Role.VIEWER)
    first_name = serializers.CharField(max_length=150, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=150, allow_blank=True, default="")


class InvitationViewSet(TenantViewSet):
    """Invite people by mail; whoever is a member without a password is mailed a new link."""

    model = Membership
    serializer_class = MembershipSerializer
    verbs = {"create": "admin"}

    @extend_schema(request=InvitationSerializer, responses={201: MembershipSerializer, 200: MembershipSerializer})
    def create(self, request: Request) -> Response:
        """Invite somebody by mail, or send a member without a password a new link."""
        serializer = InvitationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        members = self.get_queryset().select_related("user", "tenant")
        known = members.filter(user__email__iexact=asked["email"]).first()
        if known is not None:
            resend_invitation(known, self.actor)
            return self.answer(known)
        return self.answer(invite(**asked, tenant=self.tenant, actor=self.actor), status.HTTP_201_CREATED)
