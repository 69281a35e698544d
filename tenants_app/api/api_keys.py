"""API keys in Highway's own shape: the bare answer with `data` and `status: "success"` beside it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from highway_automation.base.api import StrictSerializer
from highway_automation.base.errors import FieldError, Invalid
from tenants_app.actions import create_api_key, revoke_api_key, rotate_api_key
from tenants_app.actions.keys import LONGEST_GRACE_HOURS
from tenants_app.api.base import ListAndGet
from tenants_app.models import APIKey
from tenants_app.models.api_key import as_of_now
from tenants_app.roles import Role, role_for
from tenants_app.throttling import KeyThrottle

ONCE = "Store this key now: it is not shown again."
UNNAMED = "unnamed key"


def per_minute() -> int | None:
    throttle = KeyThrottle()
    return throttle.num_requests if api_settings.DEFAULT_THROTTLE_RATES.get("key") else None


class KeySerializer(serializers.ModelSerializer[APIKey]):
    key_prefix = serializers.CharField(source="prefix")
    created_by = serializers.EmailField(source="created_by.email", default=None)
    rate_limit = serializers.SerializerMethodField(help_text="Requests per minute.")
    status = serializers.CharField(help_text="active, expired or revoked")

    class Meta:
        model = APIKey
        fields = [
            "api_key_id",
            "key_prefix",
            "name",
            "description",
            "role",
            "permissions",
            "allowed_ips",
            "rate_limit",
            "status",
            "created_at",
            "created_by",
            "expires_at",
            "last_used_at",
        ]
        read_only_fields = fields

    def get_rate_limit(self, key: APIKey) -> int | None:
        return per_minute()


class NewKeySerializer(StrictSerializer):
    """`permissions` are Highway's words; without a `role` the smallest role that covers them is taken."""

    name = serializers.CharField(max_length=255, default=UNNAMED, help_text="highway-sdk sends none.")
    description = serializers.CharField(allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    permissions = serializers.ListField(child=serializers.CharField(max_length=100), default=list, max_length=100)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)
    ip_whitelist = serializers.ListField(child=serializers.CharField(max_length=64), default=list, max_length=100)
    allowed_ips = serializers.ListField(child=serializers.CharField(max_length=64), default=list, max_length=100)


class RotateSerializer(StrictSerializer):
    grace_period_hours = serializers.IntegerField(default=24, min_value=0, max_value=LONGEST_GRACE_HOURS)


class NewKeyAnswer(KeySerializer):
    """The only answer that holds the key itself."""

    api_key = serializers.CharField()
    message = serializers.CharField()

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "api_key", "message"]
        read_only_fields = fields


class RevokedAnswer(KeySerializer):
    message = serializers.CharField()

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "message"]
        read_only_fields = fields


class RotatedAnswer(serializers.Serializer[Any]):
    api_key_id = serializers.UUIDField(help_text="The old key.")
    new_api_key_id = serializers.UUIDField()
    new_api_key = serializers.CharField(help_text="The key itself, shown this once.")
    new_key_prefix = serializers.CharField()
    old_api_key_id = serializers.UUIDField()
    old_key_expires_at = serializers.DateTimeField()
    old_key_revoked = serializers.BooleanField(help_text="Whether the old key has ended already.")
    grace_period_hours = serializers.IntegerField()
    message = serializers.CharField()


class KeyList(serializers.Serializer[Any]):
    api_keys = KeySerializer(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def both(name: str, data: type[serializers.BaseSerializer[Any]]) -> Any:
    """Highway's envelope: `data`, whose fields are repeated beside it."""
    made = inline_serializer(name, {"status": serializers.CharField(help_text="success"), "data": data()})
    extend_schema_serializer(many=False)(type(made))
    return made


class APIKeyViewSet(ListAndGet):
    """Made, rotated and revoked by the tenant's admins. The key itself is in the answer to its making only."""

    model = APIKey
    plural = "api_keys"
    serializer_class = KeySerializer
    filterset_fields = ["role"]
    search_fields = ["name", "prefix"]
    ordering = ["-api_key_id"]
    ordering_fields = ["api_key_id", "name", "created_at", "last_used_at", "expires_at"]
    verbs = dict.fromkeys(("list", "retrieve", "create", "destroy", "rotate"), "admin")

    def get_queryset(self) -> Any:
        return as_of_now(super().get_queryset().select_related("created_by"))

    @extend_schema(responses=both("APIKeys", KeyList))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The tenant's keys, without the keys themselves."""
        return enveloped(super().list(request, *args, **kwargs).data)

    @extend_schema(responses=both("APIKey", KeySerializer))
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return enveloped(self.represent(self.get_object()))

    @extend_schema(request=NewKeySerializer, responses={201: both("NewAPIKey", NewKeyAnswer)})
    def create(self, request: Request) -> Response:
        """Make a key. Without `role` it gets the smallest role that covers its `permissions`: viewer for none."""
        serializer = NewKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        row, key = create_api_key(
            self.tenant,
            asked["name"],
            asked.get("role") or role_of(asked["permissions"]),
            actor=self.actor,
            expires_at=asked["expires_at"],
            description=asked["description"],
            permissions=asked["permissions"],
            allowed_ips=[*asked["ip_whitelist"], *asked["allowed_ips"]],
        )
        told = {**self.represent(row), "api_key": key, "message": ONCE}
        return enveloped(told, status.HTTP_201_CREATED)

    @extend_schema(responses={200: both("RevokedAPIKey", RevokedAnswer)})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke. 409 when it is inactive already; the row stays, to tell whose key it was."""
        told = self.represent(revoke_api_key(self.get_object()))
        return enveloped({**told, "message": "This API key opens nothing any more."})

    @extend_schema(request=RotateSerializer, responses=both("RotatedAPIKey", RotatedAnswer))
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A new key with the same rights; the old one ends after the grace period."""
        old = self.get_object()
        serializer = RotateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        hours = serializer.validated_data["grace_period_hours"]
        row, key = rotate_api_key(old, grace_hours=hours, actor=self.actor)
        told = {
            "api_key_id": old.pk,
            "new_api_key_id": row.pk,
            "new_api_key": key,
            "new_key_prefix": row.prefix,
            "old_api_key_id": old.pk,
            "old_key_expires_at": old.expires_at,
            "old_key_revoked": hours == 0,
            "grace_period_hours": hours,
            "message": ONCE,
        }
        return enveloped(told)


def role_of(permissions: list[str]) -> Role:
    try:
        return role_for(permissions)
    except KeyError as error:
        message = f"No permission begins with {error.args[0]!r}; use view_, submit_, cancel_, approve_, edit_ or admin."
        raise Invalid(message, errors=[FieldError("permissions", message)]) from None


def enveloped(data: Any, code: int = 200) -> Response:
    return Response({**data, "data": data, "status": "success"}, status=code)
