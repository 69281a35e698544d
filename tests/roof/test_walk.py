"""A walk through the whole admin as each role: every page opens, every button works and says what it did."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.models import WorkflowRun
from schedules_app.actions import run_now
from schedules_app.models import ScheduledWorkflow
from tenants_app.models import Tenant, User
from tests.conftest import member
from tests.roof.walking import Walk, fill, runs_of, signed_in, told

ROLES = ("viewer", "operator", "editor", "admin")


@pytest.fixture
def rows(tenant: Tenant, alice: User, superuser: User, drive: Callable[[], int]) -> None:
    """Some of them made by a superuser, who is no member of the tenant."""
    fill(tenant, alice, drive, range(2))
    fill(tenant, superuser, drive, range(2, 3))


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_and_no_button_is_refused(rows: None, tenant: Tenant, role: str) -> None:
    assert runs_of(tenant) == {"completed", "failed", "cancelled", "sleeping"}
    client = signed_in(member("carol", tenant, role))
    walk = Walk(client, each=2 if role in ("viewer", "admin") else 1).go()

    assert walk.wrong == []
    assert len(walk.pages) > 40
    assert press_all(client, walk) == []


@pytest.mark.parametrize("place", ["*", "acme"])
def test_every_page_opens_for_a_superuser(rows: None, superuser: User, mallory: User, place: str) -> None:
    client = signed_in(superuser, place)
    walk = Walk(client, each=1).go()

    assert walk.wrong == []
    assert len(walk.pages) > 50
    assert press_all(client, walk) == []


def press_all(client: Client, walk: Walk) -> list[str]:
    """What is wrong with the buttons of object pages: refused by role, or silent."""
    wrong = []
    for page, target, data in list(walk.buttons()):
        answer = client.post(target, data, follow=True)
        if answer.status_code not in (200, 404):  # 404: another button removed the object
            wrong.append(f"{answer.status_code} for {data} on {page}")
        elif answer.redirect_chain and answer.redirect_chain[-1][0] == page and not told(answer):
            wrong.append(f"{data} on {page} says nothing")
    return wrong


@pytest.mark.parametrize("role", ROLES)
def test_every_offered_action_of_a_list_works(rows: None, tenant: Tenant, role: str) -> None:
    user = member("carol", tenant, role)
    client, wrong, pressed = signed_in(user), [], 0
    for model_admin in admin.site._registry.values():
        url = list_of(model_admin)
        answer = client.get(url)
        if answer.status_code == 403:
            continue
        page: Any = answer.context["cl"]
        form = answer.context.get("action_form")
        first = next(iter(page.result_list), None)
        if first is None or form is None:
            continue
        for name, _label in form.fields["action"].choices:
            if not name:
                continue
            done = client.post(url, {"action": name, "_selected_action": str(first.pk)}, follow=True)
            pressed += 1
            if done.status_code != 200 or (done.redirect_chain and not told(done)):
                wrong.append(f"{url} {name}: {done.status_code} {told(done)}")
    assert wrong == []
    assert pressed > {"viewer": 0, "operator": 10}.get(role, 15)


def test_lists_cost_the_same_number_of_queries_for_3_rows_and_for_30(
    rows: None, tenant: Tenant, alice: User, superuser: User, drive: Callable[[], int]
) -> None:
    clients = [signed_in(alice), signed_in(superuser, "*")]
    few = [count_queries(client) for client in clients]
    fill(tenant, alice, drive, range(3, 30))
    many = [count_queries(client) for client in clients]

    grown = [
        f"{url}: {before[url]} → {after[url]}"
        for before, after in zip(few, many, strict=True)
        for url in before
        if after[url] > before[url]
    ]
    assert grown == []


def count_queries(client: Client) -> dict[str, int]:
    urls = ["/admin/", *(list_of(model_admin) for model_admin in admin.site._registry.values())]
    counts = {}
    for url in urls:
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url)
        counts[url] = len(queries)
    return counts


def list_of(model_admin: Any) -> str:
    return f"/admin/{model_admin.opts.app_label}/{model_admin.opts.model_name}/"


def test_search_and_an_empty_list_say_what_to_do(tenant: Tenant, alice: User) -> None:
    client = signed_in(alice)
    for model_admin in admin.site._registry.values():
        answer = client.get(list_of(model_admin), {"q": "nothing has this name"} if model_admin.search_fields else {})
        if answer.status_code == 403:
            continue
        page: Any = answer.context["cl"]
        text = answer.content.decode()
        if model_admin.search_fields:
            assert "Nothing fits" in text, list_of(model_admin)
        answer = client.get(list_of(model_admin))
        if not answer.context["cl"].result_list:
            hinting: Any = model_admin
            assert hinting.empty_hint and page, list_of(model_admin)
            assert "yet" in answer.content.decode()


def test_runs_that_were_purged_leave_no_dead_ends(rows: None, tenant: Tenant, alice: User) -> None:
    schedule = ScheduledWorkflow.objects.for_tenant(tenant).filter(enabled=True).first()
    assert schedule is not None
    run_now(schedule, actor=alice)
    gone = set(WorkflowRun.objects.for_tenant(tenant).values_list("pk", flat=True))
    WorkflowRun.objects.for_tenant(tenant).delete()
    client = signed_in(alice)
    for name in ("schedules_app/scheduletick", "triggers_app/triggerdelivery", "triggers_app/event"):
        text = client.get(f"/admin/{name}/").content.decode()
        first = re.search(rf"/admin/{name}/[0-9a-f-]+/change/", text)
        assert first
        for page in (text, client.get(first[0]).content.decode()):
            assert not [run for run in gone if f"/workflowrun/{run}/" in page], name
