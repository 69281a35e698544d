from __future__ import annotations

from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.errors import BadRequest, Forbidden
from tenants_app.actions import change_variable, create_variable, delete_variable
from tenants_app.api.base import ListAndGet, TenantModelSerializer
from tenants_app.models import Variable
from tenants_app.roles import may


class VariableSerializer(TenantModelSerializer):
    null_when_read = ("value",)
    value = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=65536)
    secret = serializers.BooleanField(default=False)

    class Meta:
        model = Variable
        fields = ["name", "value", "secret", "created_at", "updated_at"]
        read_only_fields = ["created_at", "updated_at"]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "value": None} if instance.secret else shown


class ChangedVariableSerializer(VariableSerializer):
    """What is read can be sent back: a secret's value reads as null, and null keeps it; the name is the same one."""

    name = serializers.CharField(required=False)
    value = serializers.CharField(
        allow_blank=True, allow_null=True, trim_whitespace=False, max_length=65536, default=None
    )
    secret = serializers.BooleanField(allow_null=True, default=None)

    def validate_name(self, name: str) -> str:
        if isinstance(self.instance, Variable) and name != self.instance.name:
            raise BadRequest(f"A variable keeps its name: {self.instance.name}. Create another one for {name}.")
        return name


class VariableViewSet(ListAndGet):
    """What workflows read as `env.NAME` and `secrets.NAME`. A secret's value goes in and never comes out."""

    model = Variable
    plural = "variables"
    serializer_class = VariableSerializer
    lookup_field = "name"
    filterset_fields = ["secret"]
    search_fields = ["name"]
    ordering = ["name"]
    ordering_fields = ["name", "created_at", "updated_at"]

    def get_serializer_class(self) -> Any:
        return ChangedVariableSerializer if self.action in {"update", "partial_update"} else VariableSerializer

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        self.refuse_secret(asked["secret"])
        made = create_variable(self.tenant, asked["name"], asked["value"], asked["secret"])
        return self.answer(made, status.HTTP_201_CREATED)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        variable = self.get_object()
        serializer = self.get_serializer(variable, data=request.data, partial=self.action == "partial_update")
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        self.refuse_secret(variable.secret or bool(asked.get("secret")))
        return self.answer(change_variable(variable, asked.get("value"), asked.get("secret")))

    partial_update = update

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        variable = self.get_object()
        self.refuse_secret(variable.secret)
        delete_variable(variable)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def refuse_secret(self, secret: bool) -> None:
        if secret and not may(getattr(self.request, "role", None), "admin"):
            raise Forbidden("Secrets are the tenant's admins' affair.")
