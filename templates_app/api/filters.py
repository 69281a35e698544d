from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django_filters import ModelChoiceFilter
from django_filters.fields import ModelChoiceField
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from templates_app.models import WorkflowTemplate
from tenants_app.api.base import scoped


class TemplateChoice(ModelChoiceField):  # type: ignore[misc]
    """A template by its name, or by its id where none has that name."""

    def to_python(self, value: Any) -> WorkflowTemplate | None:
        if value in self.empty_values:
            return None
        found: WorkflowTemplate | None = self.queryset.filter(name=value).first() or self.by_id(value)
        if found is None:
            raise ValidationError(f"There is no template '{value}'.", code="invalid_choice")
        return found

    def by_id(self, text: str) -> WorkflowTemplate | None:
        try:
            found: WorkflowTemplate | None = self.queryset.filter(pk=UUID(text)).first()
        except ValueError:
            return None
        return found


@extend_schema_field(OpenApiTypes.STR)
class TemplateFilter(ModelChoiceFilter):  # type: ignore[misc]
    """What starts this template of the tenant."""

    field_class = TemplateChoice

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, queryset=lambda request: scoped(WorkflowTemplate, request), **kwargs)
