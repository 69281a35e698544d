from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminEmailInputWidget

from tenants_app.actions import change_role, invite, remove_member
from tenants_app.admin.base import TenantModelAdmin
from tenants_app.models import Membership


class AddMembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget)

    class Meta:
        model = Membership
        fields = ["role"]


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """Who belongs to the tenant, and as what."""

    list_display = ["user", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__username"]
    fields = ["user", "role", "created_at"]
    readonly_fields = ["user", "created_at"]
    add_fieldsets = [(None, {"fields": ["email", "role"]})]
    edit_verb = "admin"
    readonly_preprocess_fields = {}  # a member has a page here

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.readonly_fields) if obj is not None else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **kwargs if obj else {**kwargs, "form": AddMembershipForm})

    def perform_save(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> Membership:
        if change:
            stored = Membership.objects.for_tenant(obj.tenant_id).select_related("user").get(pk=obj.pk)
            return change_role(stored, obj.role)
        return invite(email=form.cleaned_data["email"], tenant=obj.tenant, role=obj.role)

    def perform_delete(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj)
