from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from highway_automation.base.admin import VerbModelAdmin
from tenants_app.access import person
from tenants_app.actions import delete_user, invite, update_user
from tenants_app.admin.base import OwnRows, TenantTabularInline, rows_for, tenant_of
from tenants_app.models import Membership, Tenant, User
from tenants_app.roles import Role


class AddUserForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who, where and as what. An e-mail that another tenant knows already only gets its place here."""

    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget)
    tenant = forms.ModelChoiceField(Tenant.objects.none(), widget=UnfoldAdminSelectWidget)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER, widget=UnfoldAdminSelectWidget)
    first_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    last_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    password = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Leave it empty: they are mailed a link by which they choose one. With one, no mail is sent.",
    )
    tenants: Any = None
    chosen: str | None = None

    class Meta:
        model = User
        fields = ["email", "tenant", "role", "first_name", "last_name", "password"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"].queryset = self.tenants  # type: ignore[attr-defined]
        self.fields["tenant"].initial = self.chosen

    def _post_clean(self) -> None:
        """The verb validates: whether this e-mail is known elsewhere must not show here."""


class ChangeUserForm(forms.ModelForm):  # type: ignore[type-arg]
    new_password = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )

    class Meta:
        model = User
        fields = ["username", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser"]


class MembershipInline(TenantTabularInline):
    """The tenant as text: its own page opens for superusers only."""

    model = Membership
    fields = ["place", "role", "created_at"]
    readonly_fields = fields

    @admin.display(description="tenant")
    def place(self, membership: Membership) -> str:
        return str(membership.tenant)


@admin.register(User)
class UserAdmin(OwnRows, VerbModelAdmin):
    """Members see each other; tenant admins add people; an account itself is its owner's and the superusers' affair."""

    list_display = ["email", "username", "first_name", "last_name", "is_active", "last_login"]
    search_fields = ["email", "username", "first_name", "last_name"]
    empty_hint = "Add people by their e-mail address; the mail they get lets them choose a password."
    ordering = ["email"]
    readonly_fields = ["last_login", "date_joined"]
    inlines = [MembershipInline]
    form = ChangeUserForm
    edit_verb = "admin"
    fieldsets = [
        (None, {"fields": ["username", "email", "first_name", "last_name", "new_password"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser", "last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "tenant", "role", "first_name", "last_name", "password"]})]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, "admin")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.readonly_fields) if obj is not None else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["email", "first_name", "last_name", "is_active", "last_login", "date_joined"]})]
        return fieldsets

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj is not None else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form = super().get_form(request, obj, change=change, **{**kwargs, "form": AddUserForm})
        attributes = {"tenants": rows_for(Tenant, request), "chosen": tenant_of(request)}
        return type(form)(form.__name__, (form,), attributes)

    def perform_save(self, request: HttpRequest, obj: User, form: Any, change: bool) -> User:
        if change:
            return update_user(obj, password=form.cleaned_data.get("new_password"))
        asked = {name: form.cleaned_data.get(name) for name in ("email", "tenant", "role", "first_name", "last_name")}
        password = form.cleaned_data.get("password") or None
        return invite(**asked, password=password, actor=person(request)).user

    def perform_delete(self, request: HttpRequest, obj: User) -> None:
        delete_user(obj)
