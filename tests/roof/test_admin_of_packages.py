"""The audit log and Celery beat's own tables, in the admin."""

from __future__ import annotations

import pytest
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tenants_app.actions import create_api_key, stop_tenant
from tenants_app.models import Tenant, User

AUDIT = "/admin/auditlog/logentry/"
BEAT = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def task(db: None) -> PeriodicTask:
    interval = IntervalSchedule.objects.create(every=1, period="hours")
    return PeriodicTask.objects.create(name="Tidy", task="x.tidy", interval=interval)


@pytest.mark.parametrize(
    "app", ["periodictask", "intervalschedule", "crontabschedule", "clockedschedule", "solarschedule"]
)
def test_beats_tables_open_and_bear_strange_requests(admin_client: Client, task: PeriodicTask, app: str) -> None:
    page = f"/admin/django_celery_beat/{app}/"

    codes = [
        admin_client.get(f"{page}{rest}").status_code for rest in ("", "add/", "%00/change/", "?q=%00", "999/change/")
    ]
    assert codes == [200, 200, 404, 400, 404]
    odd = admin_client.post(page, {"action": "delete_selected", "_selected_action": "\x00"})
    assert odd.status_code == 400


def test_a_periodic_task_is_switched_off(admin_client: Client, task: PeriodicTask) -> None:
    url = f"{BEAT}{task.pk}/change/"
    assert "Tidy" in admin_client.get(url).content.decode()
    asked = {
        "name": "Tidy",
        "task": "x.tidy",
        "interval": task.interval_id,
        "args": "[]",
        "kwargs": "{}",
        "headers": "{}",
    }

    assert admin_client.post(url, asked).status_code == 302
    assert not PeriodicTask.objects.get(pk=task.pk).enabled
    assert admin_client.post(url, asked | {"name": "a\x00b"}).status_code == 200


def test_the_audit_log_tells_who_without_dead_links(
    admin_client: Client, alice: User, mallory: User, tenant: Tenant
) -> None:
    create_api_key(tenant, "robot", "viewer", actor=alice)
    stop_tenant(tenant, reason="the bill")
    admin_client.post("/admin/tenants_app/tenant/switch/", {"tenant": "acme", "next": "/admin/"})

    page = admin_client.get(AUDIT).content.decode()
    assert "API key: robot" in page
    assert "mallory" in page
    assert "/admin/tenants_app/user/" not in page.split('id="content"')[1]
    assert admin_client.get(f"{AUDIT}?q=%00").status_code == 400
    assert admin_client.get(f"{AUDIT}%00/change/").status_code == 404


def test_the_audit_log_is_for_superusers(alice: User, tenant: Tenant) -> None:
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(AUDIT).status_code == 403
    assert client.get(BEAT).status_code == 403
