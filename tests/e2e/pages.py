"""A person at the admin, over HTTP: opens pages, fills forms and sends them as a browser does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

NOT_SENT = {"submit", "button", "reset", "image", "file"}


@dataclass
class Form:
    id: str
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)

    def filled(self, **values: str | bool) -> dict[str, list[str]]:
        """What is sent; the values must belong to fields the form has. True checks a box, False leaves it empty."""
        unknown = set(values) - set(self.fields)
        assert not unknown, f"The form has no {sorted(unknown)}; it has {sorted(self.fields)}."
        given = {name: [text for text in [sent(value)] if text is not None] for name, value in values.items()}
        return {name: texts for name, texts in (self.fields | given).items() if texts}


def sent(value: str | bool) -> str | None:
    return ("on" if value else None) if isinstance(value, bool) else value


class Forms(HTMLParser):
    """The forms of a page with what their fields hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.select: list[str] | None = None
        self.chosen = False
        self.text: list[str] | None = None
        self.held: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(known.get("id", ""), known.get("action", ""))
            self.forms.append(self.open)
        elif self.open is not None and tag in {"input", "select", "textarea"} and known.get("name"):
            self.start_field(tag, known)
        elif tag == "option" and self.select is not None:
            self.option(known)
        if tag in {"textarea", "button"}:
            self.text = []

    def start_field(self, tag: str, known: Mapping[str, str]) -> None:
        assert self.open is not None
        kind = known.get("type", "text")
        if kind in NOT_SENT:
            return
        self.held = self.open.fields.setdefault(known["name"], [])
        if tag == "select":
            self.select, self.chosen = self.held, "multiple" in known
        elif tag == "input" and (kind not in {"checkbox", "radio"} or "checked" in known):
            self.held.append(known.get("value", "on" if kind == "checkbox" else ""))

    def option(self, known: Mapping[str, str]) -> None:
        """A list of single choice holds its first option until another one is marked."""
        assert self.select is not None
        if "selected" in known:
            self.select[:], self.chosen = [known.get("value", "")], True
        elif not self.select and not self.chosen:
            self.select.append(known.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        text = "".join(self.text or [])
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.open is not None:
            self.held.append(text.removeprefix("\n"))
        elif tag == "button" and self.open is not None:
            self.open.buttons.append(text.strip())
        if tag in {"textarea", "button"}:
            self.text = None


class Browser:
    """One session."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, follow_redirects=True, timeout=30)

    def login(self, user: str, password: str) -> None:
        page = self.submit("/admin/login/", "login-form", username=user, password=password)
        assert "sessionid" in self.client.cookies, page

    def submit(self, path: str, form_id: str, **values: str | bool) -> str:
        """Open the page, fill its form and send it; the page that follows. Fails with the page's own complaints."""
        page = self.client.get(path)
        assert page.status_code == 200, (page.status_code, page.text[:2000])
        form = next(form for form in Forms(page.text).forms if form.id == form_id)
        answer = self.client.post(form.action or str(page.url), data=form.filled(**values), headers={"Referer": path})
        assert answer.status_code == 200, (answer.status_code, answer.text[:2000])
        assert "errorlist" not in answer.text, complaints(answer.text)
        return answer.text

    def press(self, label: str, path: str) -> str:
        """Open the page and press one of the object's buttons."""
        page = self.client.get(path)
        button = next(form for form in Forms(page.text).forms if label in form.buttons)
        answer = self.client.post(button.action, data=button.filled(), headers={"Referer": str(page.url)})
        assert answer.status_code == 200, (answer.status_code, answer.text[:2000])
        return answer.text

    def post_json(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """As a script on a page does: with the session and its CSRF token."""
        token = {"X-CSRFToken": self.client.cookies["csrftoken"], "Referer": self.url}
        return self.client.post(path, json=body, headers={**token, **(headers or {})})

    def choose_tenant(self, tenant: str) -> None:
        form = {"tenant": tenant, "csrfmiddlewaretoken": self.client.cookies["csrftoken"], "next": "/admin/"}
        assert self.client.post("/admin/tenants_app/tenant/switch/", data=form).status_code == 200

    def close(self) -> None:
        self.client.close()


def complaints(page: str) -> list[str]:
    return re.findall(r'class="[^"]*errorlist.*?</ul>', page, flags=re.S)
