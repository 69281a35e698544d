from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape

from django.test import Client

from runs_app.actions import store_definition, submit_run
from runs_app.actions.workers import heartbeat
from runs_app.cause import Cause
from runs_app.models import WorkflowRun
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow

BACKEND = "django.contrib.auth.backends.ModelBackend"


def failed_run(tenant: Tenant, name: str, drive: Callable[[], int]) -> WorkflowRun:
    definition, _ = store_definition(tenant, workflow(shell("break", "exit 3"), name=name))
    run, _ = submit_run(definition=definition, inputs={}, cause=Cause("command"))
    drive()
    return run


def front_page(user: User, tenant: Tenant | None = None) -> str:
    client = Client()
    client.force_login(user, backend=BACKEND)
    if tenant is not None:
        session = client.session
        session["tenant_id"] = tenant.pk
        session.save()
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_failed_runs_and_who_is_alive(tenant: Tenant, alice: User, drive: Callable[[], int]) -> None:
    run = failed_run(tenant, "broken_flow", drive)
    heartbeat("host:1:abc", kind="worker", busy=2, capacity=16)
    page = front_page(alice)

    assert "broken_flow" in page and str(run.pk) in page
    assert f"/admin/runs_app/workflowrun/{run.pk}/change/" in page
    assert "host:1:abc" in page
    assert "2 of 16" in page


def test_it_shows_a_member_nothing_of_another_tenant(
    tenant: Tenant, other_tenant: Tenant, alice: User, drive: Callable[[], int]
) -> None:
    failed_run(other_tenant, "secret_flow", drive)

    assert "secret_flow" not in front_page(alice)
    assert "secret_flow" not in front_page(alice, other_tenant)


def test_a_superuser_sees_the_tenant_of_the_switch_or_all(
    tenant: Tenant, other_tenant: Tenant, superuser: User, drive: Callable[[], int]
) -> None:
    failed_run(other_tenant, "their_flow", drive)

    assert "their_flow" not in front_page(superuser, tenant)
    assert "their_flow" in front_page(superuser, other_tenant)


def test_its_number_of_queries_does_not_grow(
    tenant: Tenant,
    alice: User,
    drive: Callable[[], int],
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    for number in range(5):
        failed_run(tenant, f"flow_{number}", drive)
    client = Client()
    client.force_login(alice, backend=BACKEND)
    with django_assert_max_num_queries(25):
        client.get("/admin/")


def test_each_number_leads_to_its_rows(tenant: Tenant, bob: User, drive: Callable[[], int]) -> None:
    failed_run(tenant, "broken_flow", drive)
    page = front_page(bob)
    links = {unescape(link) for link in re.findall(r'href="([^"]+)" class="hw-o-tile', page)}
    client = Client()
    client.force_login(bob, backend=BACKEND)

    assert len(links) == 7
    assert {client.get(link).status_code for link in links} == {200}
    assert "1 failed" in page, "the chart tells its numbers in words"


def test_an_empty_tenant_says_what_to_do_first(tenant: Tenant, alice: User, bob: User) -> None:
    assert "Write the first template" in front_page(alice)
    assert "As soon as an editor has written a template" in front_page(bob)
    assert "No worker is alive" in front_page(bob)


def test_a_superuser_who_looks_at_all_tenants_sees_whose_rows_they_are(
    tenant: Tenant, other_tenant: Tenant, superuser: User, mallory: User, drive: Callable[[], int]
) -> None:
    failed_run(other_tenant, "their_flow", drive)
    client = Client()
    client.force_login(superuser, backend=BACKEND)
    client.post("/admin/tenants_app/tenant/switch/", {"tenant": "*", "next": "/admin/"})
    page = client.get("/admin/").content.decode()
    assert "their_flow" in page
    assert "<i>globex</i>" in page
