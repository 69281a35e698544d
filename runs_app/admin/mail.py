from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from highway_automation.base.admin import JSONInput, SafeJSONField
from highway_automation.base.errors import Invalid
from runs_app.actions.mail import (
    default_text,
    delete_mail_text,
    filled_text,
    mail_sample,
    restore_mail_text,
    save_mail_text,
)
from runs_app.models import EmailTemplate
from runs_app.tools.mail_rendering import Mail, sample_inputs
from tenants_app.access import person
from tenants_app.admin.base import TenantModelAdmin, object_action
from tenants_app.admin.preview import html_frame, text_frame


class MailTextForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = EmailTemplate
        fields = ["name", "subject", "body", "html"]
        widgets = {
            "subject": UnfoldAdminTextInputWidget(attrs={"class": "max-w-4xl!"}),
            "body": UnfoldAdminTextareaWidget(attrs={"rows": 16, "class": "max-w-4xl!"}),
            "html": UnfoldAdminTextareaWidget(
                attrs={"rows": 16, "spellcheck": "false", "class": "font-mono hw-json max-w-4xl!"}
            ),
        }


class PreviewForm(forms.Form):
    inputs = SafeJSONField(
        widget=JSONInput(6), help_text="What the step's context and the run's inputs would say.", required=False
    )


@admin.register(EmailTemplate)
class EmailTemplateAdmin(TenantModelAdmin):
    """The texts that tools.email.send sends by name."""

    form = MailTextForm
    list_display = ["name", "subject", "updated_at"]
    search_fields = ["name", "subject"]
    ordering = ["name"]
    fields = ["name", "subject", "body", "html"]
    object_actions = ["preview", "restore"]
    empty_hint = "Texts that steps send by name: tools.email.send with template and context."

    def perform_save(self, request: HttpRequest, obj: EmailTemplate, form: Any, change: bool) -> EmailTemplate:
        return save_mail_text(obj)

    def perform_delete(self, request: HttpRequest, obj: EmailTemplate) -> None:
        delete_mail_text(obj)

    @object_action("Preview", "view")
    def preview(self, request: HttpRequest, obj: EmailTemplate) -> HttpResponse:
        return HttpResponseRedirect(self.url_of("preview", obj.pk))

    @object_action(
        "Restore the product's text",
        "edit",
        confirm="Replace subject, text and HTML by what a new tenant gets?",
        when=lambda text: default_text(text) is not None,
    )
    def restore(self, request: HttpRequest, obj: EmailTemplate) -> None:
        self.verb(request, lambda: restore_mail_text(obj), f"{obj} says again what it said in the beginning.")

    # The preview -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        return [path("<int:object_id>/preview/", view, name=name), *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The stored text, filled; a POST brings other inputs, or asks for a mail to oneself."""
        text = self.get_object(request, str(object_id))
        if text is None:
            raise Http404("There is no such mail text.")
        if not self.has_view_permission(request, text):
            raise PermissionDenied
        sample = sample_inputs(Mail(text.subject, text.body, text.html))
        form = PreviewForm(request.POST or None, initial={"inputs": sample})
        inputs = sample if not form.is_bound else (form.cleaned_data["inputs"] or {}) if form.is_valid() else None
        mail = self.filled(form, text, inputs) if inputs is not None else None
        if mail and "send" in request.POST:
            self.send(request, text, inputs)
        return self.preview_page(request, text, form, mail)

    def filled(self, form: PreviewForm, text: EmailTemplate, inputs: Any) -> Mail | None:
        try:
            return filled_text(text, inputs)
        except Invalid as refusal:
            form.errors["inputs"] = form.error_class([error.message for error in refusal.field_errors])
            return None

    def send(self, request: HttpRequest, text: EmailTemplate, inputs: Any) -> None:
        actor = person(request)
        if actor is None or not self.has_change_permission(request, text):
            raise PermissionDenied
        self.verb(request, lambda: mail_sample(text, inputs, actor), f"A sample is on its way to {actor.email}.")

    def preview_page(
        self, request: HttpRequest, text: EmailTemplate, form: PreviewForm, mail: Mail | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Preview of {text}",
            "opts": self.opts,
            "text": text,
            "form": form,
            "mail": mail,
            "body": text_frame(mail.body) if mail else "",
            "html": html_frame(mail.html) if mail and mail.html else "",
            "may_send": self.has_change_permission(request, text),
            "back": self.page_of(text.pk),
        }
        return TemplateResponse(request, "runs_app/mail_preview.html", context)
