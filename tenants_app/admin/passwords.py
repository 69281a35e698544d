"""The pages of who cannot sign in yet, or no more: ask for a link, choose a password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from django.views.generic import FormView
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from tenants_app.actions import choose_password, mail_password_link
from tenants_app.models import User
from tenants_app.throttling import PasswordMails


class OutsidePage:
    """Looks like the sign-in page."""

    request: Any

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}  # type: ignore[misc]


class LostPasswordForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"})
    )


@method_decorator(csrf_protect, name="dispatch")
class LostPasswordView(OutsidePage, FormView):  # type: ignore[type-arg]
    """Answers alike for every address, known or not."""

    template_name = "tenants_app/lost_password.html"
    form_class = LostPasswordForm
    success_url = reverse_lazy("admin:login")
    extra_context = {"title": "Forgotten your password?"}

    def form_valid(self, form: LostPasswordForm) -> HttpResponse:
        if PasswordMails().exceeded(self.request):
            form.add_error(None, "Too many requests from your address. Try again in an hour.")
            return self.render_to_response(self.get_context_data(form=form), status=429)
        mail_password_link(form.cleaned_data["email"])
        messages.success(
            self.request,
            "If there is an account with this e-mail, a mail with a link to choose a new password is on its way to it.",
        )
        return super().form_valid(form)


class ChoosePasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})

    def save(self, commit: bool = True) -> User:
        return choose_password(self.user, self.cleaned_data["new_password1"])


class ChoosePasswordView(OutsidePage, PasswordResetConfirmView):
    template_name = "tenants_app/choose_password.html"
    form_class = ChoosePasswordForm
    success_url = reverse_lazy("admin:login")
    title = "Choose a password"

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, f"Your password is set. Sign in as {form.user.get_username()}.")
        return super().form_valid(form)


urlpatterns = [
    path("lost-password/", LostPasswordView.as_view(), name="admin_password_reset"),
    path("password/<uidb64>/<token>/", ChoosePasswordView.as_view(), name="password_link"),
]


def locked_out(request: HttpRequest, *args: Any) -> HttpResponse:
    """What axes answers to who failed to sign in too often, even with the right password."""
    wait = settings.AXES_COOLOFF_TIME
    context = {**admin.site.each_context(request), "title": "Too many failed sign-ins", "wait": wait}
    headers = {"Retry-After": str(int(wait.total_seconds()))}
    return TemplateResponse(request, "tenants_app/locked_out.html", context, status=429, headers=headers).render()
