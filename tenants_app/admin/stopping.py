"""The page with the emergency stop: of the tenant one looks at, and, for superusers, of everything."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from highway_automation.base.errors import HighwayError
from tenants_app.access import person
from tenants_app.actions import installation, resume_all, resume_tenant, stop_all, stop_tenant
from tenants_app.models import Tenant
from tenants_app.roles import may

PAGE = "tenants_app_tenant_stop"
RUNNING = [("pause", "pause it at the next step"), ("cancel", "cancel it")]


class StopForm(forms.Form):
    reason = forms.CharField(
        max_length=500, required=False, widget=UnfoldAdminTextInputWidget, help_text="Shown to everybody in the admin."
    )
    running = forms.ChoiceField(
        label="What runs now", choices=RUNNING, initial="pause", widget=UnfoldAdminRadioSelectWidget
    )
    sure = forms.BooleanField(label="I mean it", widget=UnfoldBooleanWidget)


class StopPage:
    """Mixed into the admin of tenants."""

    admin_site: AdminSite

    def stop_url(self) -> URLPattern:
        return path("stop/", self.admin_site.admin_view(self.stop_view), name=PAGE)

    def stop_view(self, request: HttpRequest) -> HttpResponse:
        tenant: Tenant | None = request.tenant if may_stop(request) else None  # type: ignore[attr-defined]
        whole = bool(request.user.is_superuser)
        if tenant is None and not whole:
            raise PermissionDenied
        places = {"tenant": tenant is not None, "all": whole}
        asked = request.POST.get("scope", "")
        forms_of = {name: StopForm(None, prefix=name) for name in places}
        if request.method == "POST":
            if not places.get(asked):
                raise PermissionDenied
            form = forms_of[asked] = StopForm(request.POST, prefix=asked)
            if "resume" in request.POST or form.is_valid():
                self.carry_out(request, None if asked == "all" else tenant, form)
                return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{PAGE}"))
        return self.stop_page(request, tenant, whole, forms_of)

    def carry_out(self, request: HttpRequest, tenant: Tenant | None, form: StopForm) -> None:
        try:
            told = resume(tenant) if "resume" in request.POST else stop(tenant, person(request), form.cleaned_data)
        except HighwayError as error:
            messages.error(request, error.lines())
            return
        messages.success(request, told)

    def stop_page(
        self, request: HttpRequest, tenant: Tenant | None, whole: bool, forms_of: dict[str, StopForm]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Stop everything",
            "own": tenant,
            "own_form": forms_of["tenant"],
            "whole": installation() if whole else None,
            "whole_form": forms_of["all"],
        }
        return TemplateResponse(request, "tenants_app/stop.html", context)


def may_stop(request: Any) -> bool:
    return may(getattr(request, "role", None), "edit")


def stop(tenant: Tenant | None, actor: Any, asked: dict[str, Any]) -> str:
    how = {"actor": actor, "reason": asked["reason"], "cancel": asked["running"] == "cancel"}
    if tenant is None:
        stop_all(**how)
        return "Everything is stopped, in every tenant."
    stop_tenant(tenant, **how)
    return f"Everything of {tenant} is stopped."


def resume(tenant: Tenant | None) -> str:
    if tenant is None:
        resume_all()
        return "The installation goes on."
    resume_tenant(tenant)
    return f"{tenant} goes on."
