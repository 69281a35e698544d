from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants_app.api.base import ListAndGet
from tenants_app.models import Membership


class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")
    first_name = serializers.CharField(source="user.first_name")
    last_name = serializers.CharField(source="user.last_name")
    last_login = serializers.DateTimeField(source="user.last_login", allow_null=True)

    class Meta:
        model = Membership
        fields = ["email", "first_name", "last_name", "role", "last_login"]
        read_only_fields = fields


class LastLoginSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    last_login = serializers.DateTimeField(allow_null=True)
    has_logged_in = serializers.BooleanField()


@extend_schema_view(list=extend_schema(summary="List the members"), retrieve=extend_schema(summary="Read a member"))
class UserViewSet(ListAndGet):
    """The tenant's members, by e-mail. Somebody else's user is as unknown as nobody's."""

    model = Membership
    plural = "users"
    serializer_class = MemberSerializer
    lookup_field = "user__email__iexact"
    lookup_url_kwarg = "email"
    ordering = ["user__email"]
    ordering_fields = ["user__email", "user__last_login", "role"]
    search_fields = ["user__email", "user__first_name", "user__last_name"]
    verbs = {"last_login": "view"}

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("user")

    @extend_schema(summary="Whether and when a member signed in", responses=LastLoginSerializer)
    @action(detail=True, methods=["get"])
    def last_login(self, request: Request, email: str) -> Response:
        user = self.get_object().user
        known = {"email": user.email, "last_login": user.last_login, "has_logged_in": user.last_login is not None}
        return Response(LastLoginSerializer(known).data)
