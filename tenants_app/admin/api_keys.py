from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants_app.access import person
from tenants_app.actions import create_api_key, revoke_api_key, rotate_api_key
from tenants_app.admin.base import TenantModelAdmin, object_action
from tenants_app.models import APIKey
from tenants_app.models.api_key import as_of_now


def is_active(api_key: APIKey) -> bool:
    return api_key.status == "active"


@admin.register(APIKey)
class APIKeyAdmin(TenantModelAdmin):
    """Keys are made, rotated and revoked, never edited. The key itself is on the page that follows its making only."""

    list_display = ["name", "prefix", "role", "status", "expires_at", "last_used_at", "created_by"]
    list_filter = ["role"]
    list_select_related = ["created_by"]
    search_fields = ["name", "prefix"]
    empty_hint = "Programs use the API with a key, which has a role as people have."
    fields = [
        "name",
        "description",
        "role",
        "prefix",
        "status",
        "allowed_ips",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "created_at",
        "created_by",
    ]
    readonly_fields = ["prefix", "status", "revoked_at", "last_used_at", "created_at", "created_by"]
    add_fieldsets = [(None, {"fields": ["name", "description", "role", "expires_at", "allowed_ips"]})]
    object_actions = ["rotate", "revoke"]
    actions = ["revoke_selected"]
    view_verb = edit_verb = "admin"

    def get_queryset(self, request: HttpRequest) -> Any:
        return as_of_now(super().get_queryset(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A revoked key stays: whoever asks later must find out whose it was."""
        return False

    def perform_save(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> APIKey:
        row, key = create_api_key(
            obj.tenant,
            obj.name,
            obj.role,
            actor=person(request),
            expires_at=obj.expires_at,
            description=obj.description,
            allowed_ips=obj.allowed_ips,
        )
        request.new_key = key  # type: ignore[attr-defined]
        return row

    def response_add(self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None) -> HttpResponse:
        return self.shown_once(request, obj, request.new_key)  # type: ignore[attr-defined]

    def shown_once(self, request: HttpRequest, obj: APIKey, key: str) -> HttpResponse:
        """Answered directly, not by a message: messages are stored in a cookie."""
        title = {"title": "Copy the key now", "opts": self.opts, "obj": obj, "key": key}
        context = {**self.admin_site.each_context(request), **title, "page": self.page_of(obj.pk)}
        return TemplateResponse(request, "tenants_app/api_key_once.html", context)

    @object_action("Rotate", "admin", confirm="The present key ends in 24 hours. Make a new one?", when=is_active)
    def rotate(self, request: HttpRequest, obj: APIKey) -> HttpResponse:
        row, key = rotate_api_key(obj, actor=person(request))
        return self.shown_once(request, row, key)

    @object_action("Revoke", "admin", danger=True, confirm="Revoke this key at once?", when=is_active)
    def revoke(self, request: HttpRequest, obj: APIKey) -> None:
        self.verb(request, lambda: revoke_api_key(obj), f"{obj} is revoked.")

    @admin.action(description="Revoke selected keys", permissions=["admin"])
    def revoke_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.verb_each(request, queryset, revoke_api_key, "revoked")
