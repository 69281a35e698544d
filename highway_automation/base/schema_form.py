"""A form made of a JSON Schema: a field for each simple value, JSON for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from highway_automation.base import safe_json
from highway_automation.base.admin import JSONInput, SafeJSONField
from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema.outline import Property, properties_of

UNSET = ""
AS_JSON = "As JSON."


class SchemaForm(forms.Form):
    """`values` are what the person gave; one left empty is left out, so that the schema's default applies.

    `word` names the whole in the form's field names and in what verbs refuse (`inputs.email`).
    """

    word = "inputs"

    def __init__(self, schema: JSON, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="")
        self._properties = list(properties_of(schema))
        for known in self._properties:
            self.fields[self.name_of(known)] = field_for(known)
        if self.takes_others(schema):
            self.fields[self.word] = others_field(self.word, alone=not self._properties)

    def takes_others(self, schema: JSON) -> bool:
        """Whether there is room for values that the schema does not name."""
        return not self._properties or not isinstance(schema, dict) or schema.get("additionalProperties") is not False

    def name_of(self, known: Property) -> str:
        return f"{self.word}.{known.name}"

    @property
    def values(self) -> JSON:
        others = self.cleaned_data.get(self.word)
        if others is not None and not isinstance(others, dict):
            return others
        return {**(others or {}), **dict(self._given())}

    def tell(self, error: HighwayError) -> None:
        """Put a refusal where it belongs: `inputs.home.city` below `home`."""
        for problem in error.field_errors:
            _, _, rest = problem.field.partition(".")
            named = (it for it in self._properties if rest == it.name or rest.startswith(f"{it.name}."))
            known = next(named, None)
            inner = rest[len(known.name) + 1 :] if known else rest
            told = f"{inner}: {problem.message}" if inner else problem.message
            self.add_error(self.name_of(known) if known else None, told)
        if not error.field_errors:
            self.add_error(None, error.message)

    def _given(self) -> Iterator[tuple[str, JSON]]:
        for known in self._properties:
            value = self.cleaned_data.get(self.name_of(known))
            if value is None or value == UNSET:
                continue
            if known.options:
                value = safe_json.parse(value)
            elif known.kind == "date":
                value = value.isoformat()
            elif known.kind == "maybe":
                value = value == "true"
            yield known.name, value


def others_field(word: str, *, alone: bool) -> forms.Field:
    label = word.capitalize() if alone else f"Other {word}"
    widget = JSONInput(6 if alone else 3)
    return SafeJSONField(label=label, required=False, help_text="A JSON object.", widget=widget)


def field_for(known: Property) -> forms.Field:
    """Nothing is required by the form itself: the schema decides, with the same words everywhere."""
    common: dict[str, Any] = {"label": known.label, "help_text": known.description, "required": False}
    if known.has_default:
        common["initial"] = known.default
    if known.options:
        return _choice(known, common)
    if known.kind == "maybe":
        choices = [(UNSET, "–"), ("true", "Yes"), ("false", "No")]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
    if known.kind == "json":
        return SafeJSONField(**{**common, "help_text": f"{known.description} {AS_JSON}".strip()}, widget=JSONInput(4))
    make, widget = SIMPLE[known.kind]
    field: forms.Field = make(widget=widget, **common)
    return field


def _choice(known: Property, common: dict[str, Any]) -> forms.Field:
    choices = [(safe_json.dumps(option), str(option)) for option in known.options]
    if known.has_default:
        common["initial"] = safe_json.dumps(known.default)
    return forms.ChoiceField(choices=[(UNSET, "–"), *choices], widget=UnfoldAdminSelectWidget, **common)


class NumberField(forms.FloatField):
    """A whole number stays one: 2 and not 2.0."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else number


class DateInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    input_type = "date"


class TextField(forms.CharField):
    """Text as it was typed, its spaces too; browsers send other line ends than programs expect."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


SIMPLE: dict[str, tuple[Any, Any]] = {
    "boolean": (forms.BooleanField, UnfoldBooleanWidget),
    "date": (forms.DateField, DateInput),
    "email": (TextField, UnfoldAdminEmailInputWidget),
    "integer": (forms.IntegerField, UnfoldAdminIntegerFieldWidget),
    "long": (TextField, UnfoldAdminTextareaWidget),
    "number": (NumberField, UnfoldAdminDecimalFieldWidget),
    "string": (TextField, UnfoldAdminTextInputWidget),
}
