"""What every admin page has in common: it writes through verbs, tells their refusals, and acts by POST."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, ImproperlyConfigured, PermissionDenied, ValidationError
from django.db.models import JSONField, Model, QuerySet
from django.forms import ModelForm
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget

from highway_automation.base.db import atomic
from highway_automation.base.errors import HighwayError
from highway_automation.base.lookups import ShownLookups
from highway_automation.base.safe_json import UnsafeJSON, parse

T = TypeVar("T")
TOLD = 5
if TYPE_CHECKING:
    Form = ModelForm[Model]
else:
    Form = object


@dataclass(frozen=True)
class ObjectAction:
    """A button on an object's page. `when` says for which states of the object it is offered."""

    name: str
    label: str
    verb: str
    confirm: str
    danger: bool
    primary: bool
    when: Callable[[Any], bool]


def object_action(
    label: str,
    verb: str,
    *,
    confirm: str = "",
    danger: bool = False,
    primary: bool = False,
    when: Callable[[Any], bool] = lambda obj: True,
) -> Callable[[T], T]:
    """Marks a method `(self, request, obj) -> HttpResponse | None` as an object action for those who may do `verb`."""

    def mark(method: T) -> T:
        spec = ObjectAction(getattr(method, "__name__", ""), label, verb, confirm, danger, primary, when)
        method.object_action = spec  # type: ignore[attr-defined]
        return method

    return mark


class TellsRefusals(Form):
    """Shows what a verb refused at the fields it named, with everything the user typed still in place."""

    refusal: HighwayError | None = None

    def full_clean(self) -> None:
        super().full_clean()
        if self.refusal is None or not self.is_bound:
            return
        for error in self.refusal.field_errors:
            name = error.field.split(".")[0]
            rest = error.field[len(name) + 1 :]
            if name in self.fields:
                self.add_error(name, f"{rest}: {error.message}" if rest else error.message)
            else:
                self.add_error(None, f"{error.field}: {error.message}" if error.field else error.message)
        if not self.refusal.field_errors:
            self.add_error(None, self.refusal.message)


class JSONInput(UnfoldAdminTextareaWidget):
    def __init__(self, rows: int = 6) -> None:
        super().__init__(attrs={"rows": rows, "spellcheck": "false", "class": "font-mono hw-json"})


class SafeJSONField(forms.JSONField):
    """JSON typed into a form passes the same door as a body of the API. Nothing is an empty box, not `null`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            try:
                parse(value)
            except UnsafeJSON as error:
                raise ValidationError(str(error)) from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What the page shows again after a refusal, which Django reads as JSON once more."""
        try:
            parse(data or "null")
        except UnsafeJSON:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


class Page(ChangeList):
    """One page of a list, whose admin may look up more about all of its rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.model_admin.look_up(self.result_list)


class PlainModelAdmin(ShownLookups, ModelAdmin):
    """Answers what no database could look up with 404 or 400; the stock admin would fail."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return None if "\x00" in object_id else super().get_object(request, object_id, from_field)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404(f"There is no such {opts.verbose_name}.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, str] | None = None) -> HttpResponse:
        if any("\x00" in text for key, texts in request.GET.lists() for text in (key, *texts)):
            raise BadRequest("The query may not hold NUL characters.")
        named: Any = {"title": capfirst(self.opts.verbose_name_plural), **(extra_context or {})}
        return super().changelist_view(request, named)  # type: ignore[no-any-return]

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if not all(self.could_be_key(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest(f"Not every selected id is one of a {self.opts.verbose_name}.")
        return super().response_action(request, queryset)  # type: ignore[no-any-return]

    def could_be_key(self, text: str) -> bool:
        try:
            self.opts.pk.clean(text, None)
        except ValidationError:
            return False
        return "\x00" not in text


class VerbModelAdmin(PlainModelAdmin):
    """An admin that writes nothing itself. Subclasses implement `perform_save` and `perform_delete` by calling verbs,
    and name their buttons in `object_actions`; those of the change page are small POST forms. `empty_hint` tells on an
    empty list where its rows come from.
    """

    object_actions: Sequence[str] = ()
    list_per_page = 50
    formfield_overrides = {JSONField: {"form_class": SafeJSONField, "widget": JSONInput}}
    empty_hint = ""
    change_form_outer_before_template = "highway/object_actions.html"

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Model | None:
        """Call the verb that creates or changes `obj` from `form.cleaned_data`; return the row when it is another."""
        raise ImproperlyConfigured(f"{type(self).__name__} does not say which verb saves.")

    def perform_delete(self, request: HttpRequest, obj: Any) -> None:
        """Call the verb that deletes `obj`."""
        raise ImproperlyConfigured(f"{type(self).__name__} does not say which verb deletes.")

    def may_act(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        """Whether the asker may do this verb."""
        raise ImproperlyConfigured(f"{type(self).__name__} does not say who may {verb}.")

    def verb(self, request: HttpRequest, call: Callable[[], T], success: str | Callable[[T], str]) -> T | None:
        """Call a verb and tell how it went; None when it refused."""
        try:
            result = call()
        except HighwayError as error:
            self.message_user(request, error.lines(), messages.ERROR)
            return None
        self.message_user(request, success if isinstance(success, str) else success(result), messages.SUCCESS)
        return result

    def verb_each(self, request: HttpRequest, rows: Iterable[Any], call: Callable[[Any], Any], done: str) -> None:
        """Call a verb for each row; say how many were `done` ("paused") and why others were not."""
        refused: list[str] = []
        count = 0
        for row in rows:
            try:
                call(row)
                count += 1
            except HighwayError as error:
                refused.append(f"{row}: {error.lines()}")
        self.message_user(request, f"{count} {done}.", messages.SUCCESS if count else messages.WARNING)
        for line in refused[:TOLD]:
            self.message_user(request, line, messages.ERROR)
        if len(refused) > TOLD:
            self.message_user(request, f"{len(refused) - TOLD} more were refused.", messages.ERROR)

    # Saving and deleting ---------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        saved = self.perform_save(request, obj, form, change)
        if saved is not None and saved is not obj:
            obj.__dict__ |= saved.__dict__

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.perform_delete(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with atomic():
            for obj in queryset:
                self.perform_delete(request, obj)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Only the objects themselves: what else goes, or stands in the way, is for the verb to decide."""
        rows = list(objs)
        return [str(obj) for obj in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form)(form.__name__, (TellsRefusals, form), {"refusal": getattr(request, "refusal", None)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """A refusal rolls back Django's transaction of the save; the same page then shows it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except HighwayError as error:
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]
        except HighwayError as error:
            self.message_user(request, error.lines(), messages.ERROR)
            return HttpResponseRedirect(self.page_of(unquote(object_id)))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, str] | None = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except HighwayError as error:
            self.message_user(request, error.lines(), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Page

    def look_up(self, rows: Iterable[Any]) -> None:
        """Put on the rows of a page what its columns show beyond the rows' own fields."""

    # Object actions --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.object_action_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:action>/", view, name=name), *super().get_urls()]

    def known_actions(self) -> Mapping[str, ObjectAction]:
        return {name: getattr(self, name).object_action for name in self.object_actions}

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The buttons this person gets for this object now."""
        return [
            {"action": spec, "url": self.url_of("do", obj.pk, spec.name)}
            for spec in self.known_actions().values()
            if spec.when(obj) and self.may_act(request, spec.verb, obj)
        ]

    def object_action_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, unquote(object_id))
        spec = self.known_actions().get(action)
        if obj is None or spec is None:
            raise Http404("There is no such object or action.")
        if not self.may_act(request, spec.verb, obj):
            raise PermissionDenied
        try:
            response = getattr(self, action)(request, obj)
        except HighwayError as error:
            self.message_user(request, error.lines(), messages.ERROR)
            response = None
        return response or HttpResponseRedirect(self.page_of(obj.pk))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        context["object_actions"] = self.offered_actions(request, obj) if obj is not None else []
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[no-any-return]

    def url_of(self, view: str, *args: Any) -> str:
        """An admin URL of this model: url_of("change", pk), url_of("changelist")."""
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}", args=args)

    def page_of(self, pk: Any) -> str:
        return self.url_of("change", pk)
