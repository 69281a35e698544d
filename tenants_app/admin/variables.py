from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from highway_automation.base.errors import FieldError, Forbidden
from tenants_app.actions import change_variable, create_variable, delete_variable
from tenants_app.admin.base import TenantModelAdmin
from tenants_app.models import Variable


class VariableForm(forms.ModelForm):  # type: ignore[type-arg]
    value = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="A secret's value is never shown; leave it empty to keep the present one.",
    )

    class Meta:
        model = Variable
        fields = ["name", "value", "secret"]

    def _post_clean(self) -> None:
        """The verb validates; here nothing is put on the row, so that no typed secret is."""


@admin.register(Variable)
class VariableAdmin(TenantModelAdmin):
    """Plain variables are an editor's affair, secrets an admin's."""

    list_display = ["name", "shown", "secret", "updated_at"]
    list_filter = ["secret"]
    search_fields = ["name"]
    empty_hint = "Workflows read variables as ${env.NAME} and secrets as ${secrets.NAME}."
    form = VariableForm
    fields = ["name", "value", "secret"]

    @admin.display(description="value")
    def shown(self, obj: Variable) -> str:
        return "••••••" if obj.secret else obj.value[:100]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, verb_for(obj is not None and obj.secret))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, verb_for(obj is not None and obj.secret))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["name"] if obj is not None else []

    def perform_save(self, request: HttpRequest, obj: Variable, form: Any, change: bool) -> Variable:
        value, secret = form.cleaned_data["value"], form.cleaned_data["secret"]
        if not self.may_act(request, verb_for(secret)):
            message = "Secrets are set by the tenant's admins."
            raise Forbidden(message, errors=[FieldError("secret", message)])
        if change:
            return change_variable(obj, None if obj.secret and not value else value, secret)
        return create_variable(obj.tenant, form.cleaned_data["name"], value, secret)

    def perform_delete(self, request: HttpRequest, obj: Variable) -> None:
        if not self.has_delete_permission(request, obj):
            raise Forbidden(f"{obj} is a secret: the tenant's admins delete it.")
        delete_variable(obj)


def verb_for(secret: bool) -> str:
    return "admin" if secret else "edit"
