"""The base of every resource that a tenant owns: who may do what to which rows, decided in one place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import BooleanField, DateTimeField, ForeignKey, Model, QuerySet
from django_filters import ModelChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.permissions import BasePermission
from rest_framework.relations import PrimaryKeyRelatedField
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from highway_automation.base.api import (
    Envelope,
    Refusal,
    SafeJSONParser,
    StrictModelSerializer,
    StrictSerializer,
    etag_of,
    refuse_stale,
)
from highway_automation.base.api.etags import names
from highway_automation.base.api.filters import (
    LIST_WORDS,
    InstantFilter,
    StrictOrdering,
    TruthFilter,
    refuse_unknown,
)
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import BadRequest, NotFound
from tenants_app.access import person
from tenants_app.models import Tenant, User
from tenants_app.roles import VERBS, may
from tenants_app.scoping import TenantModel

CRUD_VERBS = {
    "list": "view",
    "retrieve": "view",
    "metadata": "view",
    "create": "edit",
    "update": "edit",
    "partial_update": "edit",
    "destroy": "edit",
}
CHANGING = frozenset({"PUT", "PATCH", "DELETE"})


class RolePermission(BasePermission):
    """The role of the asker against the verb of the view's action."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.user is None or not request.user.is_authenticated:
            return False
        refusal = getattr(request.auth, "refusal", None)
        if refusal is not None:
            raise Refusal(refusal)
        action = getattr(view, "action", None)
        if action is None:  # a method that this path does not have: the 405 follows
            return True
        verb = getattr(view, "all_verbs", CRUD_VERBS)[action]
        self.message = f"Your role {getattr(request, 'role', None)} does not allow to {verb}."
        return may(getattr(request, "role", None), verb)


def scoped(model: type[Model], request: Any) -> QuerySet[Any]:
    """What a request may refer to: rows of its tenant, its tenant's members, or the tenant itself."""
    tenant = getattr(request, "tenant", None)
    if tenant is None:
        return model._base_manager.none()
    if issubclass(model, TenantModel):
        return model.objects.for_tenant(tenant)
    if issubclass(model, User):
        return User.objects.filter(memberships__tenant=tenant)
    if issubclass(model, Tenant):
        return Tenant.objects.filter(pk=tenant.pk)
    return model._base_manager.all()


class ScopedRelatedField(PrimaryKeyRelatedField):  # type: ignore[type-arg]
    """A reference by id; what belongs to someone else does not exist."""

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        return queryset if queryset is None else scoped(queryset.model, self.context.get("request"))


class TenantModelSerializer(StrictModelSerializer):
    """For rows of a tenant: unknown fields are refused, references stay within the tenant."""

    serializer_related_field = ScopedRelatedField


class TenantFilterSet(FilterSet):  # type: ignore[misc]
    """Filters by reference offer (and accept) only what the tenant owns; those by choice tell the choices."""

    FILTER_DEFAULTS = {
        **FilterSet.FILTER_DEFAULTS,
        BooleanField: {"filter_class": TruthFilter},
        DateTimeField: {"filter_class": InstantFilter},
    }

    @classmethod
    def filter_for_field(cls, field: Any, field_name: str, lookup_expr: str | None = None) -> Any:
        made = super().filter_for_field(field, field_name, lookup_expr)
        if field.choices:
            told = f"Give one of {', '.join(str(value) for value, _ in field.flatchoices)}."
            made.extra["error_messages"] = {"invalid_choice": told}
        if isinstance(field, ForeignKey) and isinstance(made, ModelChoiceFilter):
            model = field.remote_field.model
            made.extra["queryset"] = lambda request: scoped(model, request)
            made.queryset = made.extra["queryset"]
        return made


class TenantFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """Refuses parameters that no filter knows."""

    filterset_base = TenantFilterSet

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        refuse_unknown(request, [*LIST_WORDS, *(filterset.filters if filterset else ())])
        if filterset is None:
            return queryset
        if not filterset.is_valid():  # told here: django-filter would take a % in what was sent for its own
            raise ValidationError({name: list(told) for name, told in filterset.errors.items()})
        return filterset.qs


def conditional(request: Any) -> bool:
    """Whether a request changes a row only as long as the row is as the asker knows it."""
    return request.method in CHANGING and "If-Match" in request.headers


class TenantViewSet(GenericViewSet):  # type: ignore[type-arg]
    """Rows of one tenant model, seen by one tenant.

    A subclass names `model`, `plural`, `serializer_class`, the `verbs` of its own actions (`{"run": "run"}`; CRUD is
    there already) and the `highway_keys` it accepts in bodies beyond its serializer's fields. Its writing actions call
    verbs with `self.tenant` and `self.actor`.
    """

    model: type[TenantModel]
    plural: str = "results"
    verbs: ClassVar[Mapping[str, str]] = {}
    highway_keys: Collection[str] = ()
    permission_classes = [RolePermission]
    parser_classes = [SafeJSONParser]
    pagination_class = Envelope
    filter_backends = [TenantFilterBackend, SearchFilter, StrictOrdering]
    lookup_value_regex = "[^/]+"
    all_verbs: ClassVar[Mapping[str, str]] = CRUD_VERBS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.all_verbs = {**cls.all_verbs, **cls.verbs}
        actions = {action.__name__ for action in cls.get_extra_actions()}
        if missing := actions - set(cls.all_verbs):
            raise ImproperlyConfigured(f"{cls.__name__}.verbs does not say who may {', '.join(sorted(missing))}.")
        if unknown := set(cls.all_verbs.values()) - set(VERBS):
            raise ImproperlyConfigured(f"{cls.__name__}.verbs: no such verb: {', '.join(sorted(unknown))}.")

    @property
    def tenant(self) -> Tenant:
        """The tenant asked for; there is one once permissions were checked."""
        return self.request.tenant  # type: ignore[attr-defined, no-any-return]

    @property
    def actor(self) -> User | None:
        """The person who asks; None when a program does."""
        return person(self.request)

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()
        return self.model.objects.for_tenant(self.tenant)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filters are for lists; one object is what its path names."""
        return queryset if self.detail else super().filter_queryset(queryset)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            raise NotFound("There is no such object.")
        if any("\x00" in text for values in request.query_params.lists() for text in [values[0], *values[1]]):
            raise BadRequest("The query may not hold NUL characters.")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What `If-Match` asks and the change that follows are one transaction: nobody else changes the row between."""
        if not conditional(request):
            return super().dispatch(request, *args, **kwargs)
        with atomic():
            return super().dispatch(request, *args, **kwargs)

    def get_object(self) -> Any:
        """The row named by the path. A changing request with `If-Match` must name its present state (else 412)."""
        obj = super().get_object()
        if self.action != "metadata" and conditional(self.request):  # OPTIONS looks as if it were a PUT
            lock_rows(self.model.objects.for_tenant(self.tenant).filter(pk=obj.pk)).first()
            obj = super().get_object()
            refuse_stale(self.request, self.represent(obj))
        return obj

    def refuse_body(self) -> None:
        """For actions that ask nothing: a field sent to them would be lost unseen. Raises a 422 naming it."""
        StrictSerializer(data=self.request.data).is_valid(raise_exception=True)

    def represent(self, obj: Any) -> Any:
        """What the API answers for one object."""
        return self.get_serializer(obj).data

    def answer(self, obj: Any, status: int = 200) -> Response:
        """One object with its ETag; 304 when the asker has it already."""
        data = self.represent(obj)
        etag = etag_of(data)
        known = self.request.headers.get("If-None-Match")
        if status == 200 and known is not None and self.request.method == "GET" and names(known, etag):
            return Response(status=304, headers={"ETag": etag})
        return Response(data, status=status, headers={"ETag": etag})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        counted = getattr(request._request, "rate_limit", None)
        if counted is not None:
            for name, value in counted.headers.items():
                response.headers[name] = value
        return response


class ListAndGet(TenantViewSet):
    """A resource whose rows can be listed and read; writing actions are added beside."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())
