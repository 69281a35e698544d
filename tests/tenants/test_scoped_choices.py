"""What forms, serializers and filters of the bases let a request refer to. Shown on members and the keys they made."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response

from tenants_app.access import Access
from tenants_app.actions import create_api_key
from tenants_app.admin.base import TenantModelAdmin
from tenants_app.api.base import TenantFilterBackend, TenantModelSerializer, TenantViewSet
from tenants_app.models import APIKey, Membership, Tenant, User


class PlaceSerializer(TenantModelSerializer):
    class Meta:
        model = Membership
        fields = ["user", "tenant"]


class KeyView(TenantViewSet):
    model = APIKey
    plural = "keys"
    serializer_class = PlaceSerializer
    filterset_fields = ["created_by", "tenant"]


class MakerAdmin(TenantModelAdmin):
    list_filter = ["created_by"]


@pytest.fixture
def request_of_acme(alice: User, tenant: Tenant) -> Any:
    request = RequestFactory().get("/")
    request.user = alice
    Access(tenant, "admin").put_on(request)
    return request


def test_a_serializer_takes_own_references_only(
    request_of_acme: Any, alice: User, mallory: User, other_tenant: Tenant
) -> None:
    def errors(**asked: Any) -> Any:
        serializer = PlaceSerializer(data=asked, context={"request": request_of_acme})
        serializer.is_valid()
        return serializer.errors

    assert "user" not in errors(user=alice.pk)
    foreign, unused = errors(user=mallory.pk)["user"], errors(user=999999)["user"]
    assert str(foreign).replace(str(mallory.pk), "999999") == str(unused)
    assert "tenant" not in errors(tenant="acme")
    assert "does not exist" in str(errors(tenant="globex")["tenant"])


def test_a_filter_takes_own_references_only(request_of_acme: Any, alice: User, mallory: User, tenant: Tenant) -> None:
    create_api_key(tenant, "by alice", "viewer", actor=alice)
    create_api_key(tenant, "by nobody", "viewer")

    def names(query: str) -> list[str]:
        request_of_acme.GET = RequestFactory().get(f"/?{query}").GET
        view = KeyView(request=Request(request_of_acme), action="list")
        found = TenantFilterBackend().filter_queryset(view.request, APIKey.objects.for_tenant(tenant), view)
        return [key.name for key in found]

    assert names(f"created_by={alice.pk}") == ["by alice"]
    answers = []
    for pk in (mallory.pk, 999999):
        with pytest.raises(Exception, match="created_by") as refusal:
            names(f"created_by={pk}")
        answers.append(str(refusal.value).replace(str(pk), "?"))
    assert answers[0] == answers[1]


def test_the_admin_offers_own_references_only(request_of_acme: Any, alice: User, mallory: User) -> None:
    page = MakerAdmin(APIKey, admin.site)
    field = APIKey._meta.get_field("created_by")

    assert list(page.formfield_for_foreignkey(field, request_of_acme).queryset) == [alice]
    tenants = page.formfield_for_foreignkey(APIKey._meta.get_field("tenant"), request_of_acme).queryset
    assert [tenant.pk for tenant in tenants] == ["acme"]
    changelist = page.get_changelist_instance(request_of_acme)
    assert changelist.filter_specs == [] or all(
        "mallory" not in str(label) for spec in changelist.filter_specs for _, label in spec.lookup_choices
    )


def test_an_action_without_a_verb_is_refused_at_start() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from rest_framework.decorators import action

    with pytest.raises(ImproperlyConfigured, match="launch"):

        class Silent(TenantViewSet):
            model = APIKey

            @action(detail=True)
            def launch(self, request: Request) -> Response:
                return Response()

    with pytest.raises(ImproperlyConfigured, match="fly"):

        class Wrong(TenantViewSet):
            model = APIKey
            verbs = {"list": "fly"}
