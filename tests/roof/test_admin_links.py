"""No page of the admin leads to a page that the person who looks at it may not open."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from rest_framework.test import APIClient

from schedules_app.actions import create_schedule
from templates_app.actions import create_template, run_template
from tenants_app.actions import create_api_key
from tenants_app.models import Tenant, User
from tests.conftest import member, workflow

TASK = {"task_id": "say", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "hello"}}
MOST_PAGES = 300


@pytest.fixture
def rows(tenant: Tenant, alice: User, superuser: User, api: APIClient, drive: Callable[[], int]) -> None:
    """One of each that people make, some of them no members of the tenant, and what came of it."""
    create_api_key(tenant, "robot", "viewer", actor=alice)
    create_api_key(tenant, "guest", "viewer", actor=superuser)
    template, _ = create_template(
        tenant, {"name": "made-by-guest", "workflow_definition": workflow(TASK)}, actor=superuser
    )
    create_schedule(tenant, {"cron_expression": "@daily", "template": template}, actor=superuser)
    run_template(template, {}, actor=superuser)
    bodies = {
        "templates": {"name": "hello", "workflow_definition": workflow(TASK)},
        "schedules": {"cron_expression": "* * * * *", "template": "hello"},
        "triggers": {"event_type": "x", "template": "hello"},
        "events": {"type": "x", "payload": {}},
        "variables": {"name": "WORD", "value": "hello"},
        "templates/hello/run": {},
    }
    for path, body in bodies.items():
        assert api.post(f"/api/v1/{path}", body, format="json").status_code in (201, 202), path
    drive()


@pytest.mark.parametrize("role", ["viewer", "operator", "editor", "admin"])
def test_every_link_opens(rows: None, tenant: Tenant, role: str) -> None:
    client = Client()
    client.force_login(member("carol", tenant, role), backend="django.contrib.auth.backends.ModelBackend")
    dead, opened = crawl(client)

    assert dead == []
    assert len(opened) > 20


@pytest.mark.parametrize("place", ["*", "acme"])
def test_every_link_opens_for_a_superuser(rows: None, superuser: User, mallory: User, place: str) -> None:
    client = Client()
    client.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/admin/tenants_app/tenant/switch/", {"tenant": place, "next": "/admin/"})
    dead, opened = crawl(client)

    assert dead == []
    assert len(opened) > 20


def crawl(client: Client) -> tuple[list[tuple[int, str, str]], set[str]]:
    """(status, page, where it was found) of every page that does not open, and all that were tried."""
    opened, waiting = set[str](), {"/admin/": ""}
    dead = []
    while waiting and len(opened) < MOST_PAGES:
        page, found_on = waiting.popitem()
        opened.add(page)
        answer = client.get(page)
        if answer.status_code != 200:
            dead.append((answer.status_code, page, found_on))
            continue
        waiting |= {link: page for link in links(answer.content.decode()) if link not in opened}
    return dead, opened


def links(page: str) -> set[str]:
    """Without their queries, and without the one that ends the session."""
    found = {unescape(link) for link in re.findall(r'href="(/admin/[^"?#]*)', page)}
    return {link for link in found if "logout" not in link}
