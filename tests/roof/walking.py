"""What a walk through the admin needs: a tenant with rows of every kind, and somebody who follows every link."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.test import Client

from runs_app.actions import cancel_run, heartbeat, store_artifact
from runs_app.models import WorkflowRun
from schedules_app.actions import create_schedule, fire_due, pause_schedule
from templates_app.actions import create_template, run_template, set_enabled
from tenants_app.actions import create_api_key, invite, queue_mail, set_variable
from tenants_app.models import Tenant, User
from tests.conftest import workflow
from triggers_app.actions import create_trigger, dispatch_events, emit_event

SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"\"'>{SCRIPT} Ünïcödé 李雷 " + "long " * 30
LOG = {"task_id": "say", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": HOSTILE}}
LOST = {"task_id": "lost", "operator_type": "task", "function": "tools.nothing.here"}
BACKEND = "django.contrib.auth.backends.ModelBackend"
Drive = Callable[[], int]


def ask(title: str) -> dict[str, Any]:
    arguments = {"approval_key": "key", "title": title, "description": HOSTILE}
    return {"task_id": "ask", "operator_type": "task", "function": "tools.approval.request", "kwargs": arguments}


def fill(tenant: Tenant, actor: User, drive: Drive, numbers: range) -> None:
    """Rows of every kind, by the verbs that make them; many with names that no page should take for HTML."""
    for number in numbers:
        named = f"{HOSTILE} {number}"
        hello, _ = create_template(tenant, _template(f"hello_{number}", LOG, named), actor=actor)
        asks, _ = create_template(tenant, _template(f"asks_{number}", ask(named), named), actor=actor)
        broken, _ = create_template(tenant, _template(f"broken_{number}", LOST, ""), actor=actor)
        create_schedule(tenant, {"name": named, "cron_expression": "@daily", "template": hello}, actor=actor)
        paused, _ = create_schedule(tenant, {"cron_expression": "* * * * *", "template": hello}, actor=actor)
        pause_schedule(paused, note=named)
        create_trigger(tenant, {"name": named, "event_type": f"hello.{number}", "template": hello})
        create_trigger(tenant, {"name": f"lost {number}", "event_type": f"hello.{number}", "template": broken})
        set_enabled(broken, True)
        run_template(asks, {}, actor=actor)
        run_template(broken, {}, actor=actor)
        cancel_run(run_template(hello, {}, actor=actor)[0], actor=actor)
        set_enabled(broken, False)
        emit_event(tenant, f"hello.{number}", {"text": named}, subject=named)
        set_variable(tenant, f"WORD_{number}", named)
        create_api_key(tenant, named, "viewer", actor=actor)
        invite(email=f"guest{number}@example.com", tenant=tenant, first_name=SCRIPT, actor=actor)
        queue_mail(tenant, "somebody@example.com", named, named, named)
        store_artifact(tenant, _zip(str(number)), named[:80])
        heartbeat(f"host{number}:1:{SCRIPT}", kind="worker", busy=1, capacity=4)
    dispatch_events()
    fire_due()
    drive()


def _template(name: str, task: dict[str, Any], description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"who": {"type": "string", "title": HOSTILE, "default": HOSTILE}}}
    definition = workflow(task, name=name)
    return {
        "name": name, "description": description, "workflow_definition": definition, "input_schema": schema
    }  # fmt: skip


def _zip(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("module.py", f"word = {text!r}\n")
    return file.getvalue()


def signed_in(user: User, place: str = "") -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    if place:
        client.post("/admin/tenants_app/tenant/switch/", {"tenant": place, "next": "/admin/"})
    return client


@dataclass
class Page(HTMLParser):
    """The links, forms and outside resources of a page."""

    address: str
    links: set[str] = field(default_factory=set)
    forms: list[dict[str, Any]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and (target := urljoin(self.address, given.get("href", "#"))).startswith("/admin/"):
            self.links.add(target.partition("#")[0])
        resource = given.get("href" if tag == "link" else "src", "")
        if re.match("(https?:)?//", resource):
            self.outside.append(resource)
        if tag == "form":
            target, method = urljoin(self.address, given.get("action", "")), given.get("method", "get")
            self.forms.append({"to": target, "method": method, "buttons": []})
        if self.forms and tag in ("button", "input") and given.get("type") == "submit":
            self.forms[-1]["buttons"].append(
                (given.get("name", ""), given.get("value", ""), given.get("formaction", ""))
            )


@dataclass
class Walk:
    """Follows every link from the front page; the pages, and what was wrong with them."""

    client: Client
    each: int = 2  # rows of a model whose pages are opened; of runs, which end in many ways, twice as many
    pages: dict[str, Page] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def go(self) -> Walk:
        waiting, seen, met = {"/admin/": ""}, {"/admin/"}, Counter[str]()
        while waiting:
            address = next(iter(waiting))
            found_on = waiting.pop(address)
            for link in self.look(address, found_on):
                if kind_of(link) not in seen and met[model_of(link)] < self.each * (2 if "workflowrun" in link else 1):
                    seen.add(kind_of(link))
                    met[model_of(link)] += 1
                    waiting[link] = address
        return self

    def look(self, address: str, found_on: str) -> list[str]:
        answer = self.client.get(address)
        if answer.status_code != 200:
            self.wrong.append(f"{answer.status_code} {address} (linked on {found_on})")
            return []
        if "html" not in answer["Content-Type"]:
            return []
        text = answer.content.decode()
        page = self.pages[address] = Page(address)
        page.feed(text)
        if SCRIPT in text:
            self.wrong.append(f"unescaped name on {address}")
        if page.outside:
            self.wrong.append(f"{address} needs {page.outside}")
        return sorted(link for link in page.links if "logout" not in link)

    def buttons(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """(page, where it posts to, what) of every button that only wants to be pressed: of object actions."""
        for address, page in self.pages.items():
            for form in page.forms:
                for name, value, to in form["buttons"]:
                    target = urljoin(address, to) if to else form["to"]
                    if form["method"].lower() == "post" and "/do/" in target:
                        yield address, target, {name: value}


def kind_of(link: str) -> str:
    """Links that differ only in the value of a filter, in the order or the page of a list lead to the same page."""
    parts = urlsplit(link)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return f"{parts.path}?{min(set(names) - {'o', 'p', '_changelist_filters'}, default='')}"


def model_of(link: str) -> str:
    """The same for the pages of all rows of a model, and for all filters of its list."""
    return re.sub(r"/[^/]*\d[^/]*/", "/#/", urlsplit(link).path) + ("?" if "?" in link else "")


def told(answer: Any) -> list[str]:
    """What the page after a press of a button says."""
    return [str(message) for message in (answer.context or {}).get("messages", [])]


def runs_of(tenant: Tenant) -> set[str]:
    return set(WorkflowRun.objects.for_tenant(tenant).values_list("status", flat=True))
