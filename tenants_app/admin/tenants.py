from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import Resolver404, URLPattern, path, resolve, reverse
from unfold.widgets import UnfoldAdminURLInputWidget

from highway_automation.base.admin import VerbModelAdmin, object_action
from tenants_app.access import person
from tenants_app.actions import create_tenant, resume_tenant, stop_tenant, update_tenant
from tenants_app.admin.stopping import StopPage
from tenants_app.middleware import EVERY_TENANT, SESSION_KEY
from tenants_app.models import Tenant


class AddTenantForm(forms.ModelForm):  # type: ignore[type-arg]
    api_url = forms.URLField(
        required=False,
        assume_scheme="http",
        widget=UnfoldAdminURLInputWidget,
        label="API URL",
        help_text="Where its workflows reach this product: sets API_URL and UPTIME_URL and allows that host and port.",
    )

    class Meta:
        model = Tenant
        fields = ["tenant_id", "name", "allowed_tools"]


@admin.register(Tenant)
class TenantAdmin(StopPage, VerbModelAdmin):
    """Tenants are made, granted tools and stopped by superusers."""

    list_display = ["tenant_id", "name", "enabled", "created_at"]
    list_filter = ["enabled"]
    search_fields = ["tenant_id", "name"]
    empty_hint = "A tenant has its own templates, schedules, triggers, people and secrets."
    fields = [
        *("tenant_id", "name", "allowed_tools", "http_allow", "enabled", "stopped_at", "stopped_by", "stop_reason"),
        "created_at",
    ]
    readonly_fields = ["tenant_id", "enabled", "stopped_at", "stopped_by", "stop_reason", "created_at"]
    add_fieldsets = [(None, {"fields": ["tenant_id", "name", "allowed_tools", "api_url"]})]
    object_actions = ["stop", "start"]

    def may_act(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "admin")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, "admin")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: what a tenant owns outlives mistakes. Stopping it ends all it does."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return Tenant.objects.order_by(*self.get_ordering(request) or ["tenant_id"])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.readonly_fields) if obj is not None else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **kwargs if obj else {**kwargs, "form": AddTenantForm})

    def perform_save(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> Tenant:
        if change:
            return update_tenant(obj, fields=["name", "allowed_tools", "http_allow"])
        return create_tenant(obj.pk, obj.name, api_url=form.cleaned_data["api_url"] or None, tools=obj.allowed_tools)

    @object_action(
        "Stop everything",
        "admin",
        danger=True,
        confirm="Stop everything of this tenant? Runs pause at their next step.",
        when=lambda obj: obj.stopped_at is None,
    )
    def stop(self, request: HttpRequest, obj: Tenant) -> None:
        self.verb(request, lambda: stop_tenant(obj, actor=person(request)), f"{obj} is stopped.")

    @object_action("Let it go on", "admin", when=lambda obj: obj.stopped_at is not None)
    def start(self, request: HttpRequest, obj: Tenant) -> None:
        self.verb(request, lambda: resume_tenant(obj), f"{obj} goes on.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_view)
        return [path("switch/", view, name="tenants_app_tenant_switch"), self.stop_url(), *super().get_urls()]

    def switch_view(self, request: HttpRequest) -> HttpResponse:
        """Look at another tenant from now on; one that the asker may not enter does not exist."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        wanted = request.POST.get("tenant", "")
        open_to_me = {tenant.pk for tenant, _ in request.places}  # type: ignore[attr-defined]
        if wanted not in open_to_me and not (wanted == EVERY_TENANT and request.user.is_superuser):
            raise Http404("There is no such tenant.")
        request.session[SESSION_KEY] = wanted
        return HttpResponseRedirect(self.list_behind(request.POST.get("next", "")))

    def list_behind(self, page: str) -> str:
        """The list that a page of the admin belongs to (its object is another tenant's), else the start page."""
        try:
            match = resolve(page)
        except Resolver404:
            return reverse(f"{self.admin_site.name}:index")
        is_list = match.app_name == "admin" and (match.url_name or "").endswith("_changelist")
        return page if is_list else reverse(f"{self.admin_site.name}:index")
