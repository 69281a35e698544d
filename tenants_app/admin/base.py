"""The base of every admin page that shows a tenant's rows: which rows, which choices, who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import TYPE_CHECKING, Any

from django.contrib.admin import FieldListFilter
from django.contrib.admin.filters import RelatedFieldListFilter
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from highway_automation.base.admin import VerbModelAdmin, object_action
from tenants_app.models import Tenant, User
from tenants_app.roles import may
from tenants_app.scoping import TenantModel

if TYPE_CHECKING:
    Form = ModelForm[Any]
else:
    Form = object

MOST_CHOICES = 40
__all__ = ["ReadOnlyTenantModelAdmin", "TenantModelAdmin", "TenantTabularInline", "object_action"]


def tenant_of(request: Any) -> str | None:
    """The tenant whose rows a page shows: that of the object being edited, else that of the switch (None = all)."""
    tenant = getattr(request, "tenant", None)
    return getattr(request, "tenant_of_object", None) or (tenant.pk if tenant is not None else None)


def rows_for(model: type[Model], request: Any) -> QuerySet[Any]:
    """The rows of a model this request may see: its tenant's; for superusers who look at all tenants, every one."""
    key = tenant_of(request)
    everything = key is None and request.user.is_superuser
    if issubclass(model, TenantModel):
        if everything:
            return model.objects.all_tenants()
        return model.objects.for_tenant(key) if key else model.objects.none()
    if issubclass(model, User):
        return _people(key, everything)
    if issubclass(model, Tenant):
        return model._base_manager.all() if everything else model._base_manager.filter(pk=key)
    return model._base_manager.all()


def _people(key: str | None, everything: bool) -> QuerySet[Any]:
    return User._base_manager.all() if everything else User._base_manager.filter(memberships__tenant=key or "")


def is_ours(model: type[Model]) -> bool:
    return issubclass(model, TenantModel | User | Tenant)


class OwnRowsFilter(RelatedFieldListFilter):
    """The side bar offers the tenant's own rows, not everybody's; of a thousand only the first: the search box finds
    the others by their names.
    """

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        rows = rows_for(field.remote_field.model, request)
        ordered = rows.order_by(*self.field_admin_ordering(field, request, model_admin))
        shown = [*self.chosen(field, rows), *ordered[:MOST_CHOICES]]
        return list({row.pk: (row.pk, str(row)) for row in shown}.values())

    def chosen(self, field: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        """What the list is limited to, though it may not be among the first."""
        try:
            return rows.filter(pk__in=[field.target_field.to_python(key) for key in self.lookup_val or ()])
        except ValidationError:  # the list itself refuses it
            return rows.none()


FieldListFilter.register(
    lambda field: isinstance(field, ForeignKey) and is_ours(field.remote_field.model), OwnRowsFilter, take_priority=True
)


class ByRole:
    """Permissions from the role in the tenant; auth.Permission plays no part."""

    view_verb = "view"
    edit_verb = "edit"

    def may_act(self, request: Any, verb: str, obj: Any = None) -> bool:
        return may(getattr(request, "role", None), verb)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, self.view_verb, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, self.view_verb)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who looks at all tenants at once chooses one before adding to it, on the page of an object too."""
        return getattr(request, "tenant", None) is not None and self.may_act(request, self.edit_verb)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, self.edit_verb, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_act(request, self.edit_verb, obj)

    # For `@admin.action(permissions=["run"])`.
    def has_run_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "run")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "operate")

    def has_emit_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "emit")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "approve")

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "edit")

    def has_admin_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request, "admin")


def as_text(contents: str) -> SafeString:
    return format_html("{}", unescape(strip_tags(contents)))


class OwnRows(ByRole):
    """Querysets and choices of the current tenant, in pages and in their inlines."""

    model: type[Model]

    @property
    def readonly_preprocess_fields(self) -> dict[str, Any]:
        """People are shown as text: who once did something here need not be, or stay, a member with a page here."""
        fields = self.model._meta.concrete_fields
        return {field.name: as_text for field in fields if field.is_relation and field.related_model is User}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = rows_for(self.model, request)
        ordering = self.get_ordering(request)  # type: ignore[attr-defined]
        return rows.order_by(*ordering) if ordering else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self.scope_choices(db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self.scope_choices(db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def scope_choices(self, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> None:
        remote = db_field.related_model
        if "queryset" not in kwargs and is_ours(remote):
            kwargs["queryset"] = rows_for(remote, request)


class ShownRows(PaginationInlineFormSet):
    """Rows that a page only shows: nothing of them is read from what is posted, and nothing is saved."""

    new_objects: Sequence[Model] = ()
    changed_objects: Sequence[Model] = ()
    deleted_objects: Sequence[Model] = ()

    def __init__(self, *args: Any, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def is_valid(self) -> bool:
        return True

    def save(self, commit: bool = True) -> list[Model]:
        return []


class TenantTabularInline(OwnRows, TabularInline):
    """Rows of the object's tenant below it; read-only, since the object's verb writes what belongs to it."""

    formset = ShownRows
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OfTenant(Form):
    """Gives a new row its tenant before it is validated."""

    tenant_key: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.tenant_id is None:
            self.instance.tenant_id = self.tenant_key


class TenantModelAdmin(OwnRows, VerbModelAdmin):
    """Rows of the current tenant, or of all for superusers who chose so; the tenant itself is never a form field."""

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*(super().get_exclude(request, obj) or ()), "tenant"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = list(super().get_list_display(request))
        return [*columns, "tenant_id"] if tenant_of(request) is None else columns

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Choices belong to the tenant of the object; a new one belongs to the tenant of the switch."""
        if obj is not None:
            request.tenant_of_object = obj.tenant_id  # type: ignore[attr-defined]
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form)(form.__name__, (OfTenant, form), {"tenant_key": tenant_of(request)})


class ReadOnlyTenantModelAdmin(TenantModelAdmin):
    """What the engine writes: looked at here, changed only by object actions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
