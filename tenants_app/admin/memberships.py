from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from tenants_app.access import person
from tenants_app.actions import change_role, invite, remove_member, resend_invitation
from tenants_app.admin.base import TenantModelAdmin, object_action
from tenants_app.models import Membership


class AddMembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    email = forms.EmailField(
        label="E-mail",
        widget=UnfoldAdminEmailInputWidget,
        help_text="They are mailed an invitation, with a link to choose a password where they have none yet.",
    )
    first_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    last_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Membership
        fields = ["role"]


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """Who belongs to the tenant, and as what."""

    list_display = ["user", "role", "state", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__username"]
    empty_hint = "Invite somebody: they get a mail with a link, and what they may do follows from their role."
    fields = ["user", "role", "created_at"]
    readonly_fields = ["user", "created_at"]
    add_fieldsets = [(None, {"fields": ["email", "role", "first_name", "last_name"]})]
    edit_verb = "admin"
    object_actions = ["resend"]
    actions = ["resend_selected"]
    readonly_preprocess_fields = {}  # a member has a page here

    @admin.display(description="signed in")
    def state(self, membership: Membership) -> str:
        user = membership.user
        if user.last_login is not None:
            return f"{user.last_login:%Y-%m-%d %H:%M} UTC"
        return "not yet" if user.has_usable_password() else "invited"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.readonly_fields) if obj is not None else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **kwargs if obj else {**kwargs, "form": AddMembershipForm})

    def perform_save(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> Membership:
        if change:
            stored = Membership.objects.for_tenant(obj.tenant_id).select_related("user").get(pk=obj.pk)
            return change_role(stored, obj.role)
        asked = {name: form.cleaned_data[name] for name in ("email", "first_name", "last_name")}
        return invite(**asked, tenant=obj.tenant, role=obj.role, actor=person(request))

    def perform_delete(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj)

    @object_action(
        "Send the invitation again", "admin", when=lambda membership: not membership.user.has_usable_password()
    )
    def resend(self, request: HttpRequest, obj: Membership) -> None:
        self.verb(request, lambda: resend_invitation(obj, person(request)), f"{obj.user.email} is mailed a new link.")

    @admin.action(description="Send the invitation again", permissions=["admin"])
    def resend_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.verb_each(request, queryset, lambda row: resend_invitation(row, person(request)), "invited again")
