"""What every room's tests stand on: two tenants, named people, and runs that are driven in the test's own thread."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from highway_automation.base import queue
from runs_app.actions import store_definition, submit_run, sweep
from runs_app.cause import Cause
from runs_app.engine.process import run_until_idle
from runs_app.models import WorkflowRun
from tenants_app.actions import add_member, create_api_key, create_tenant, create_user
from tenants_app.models import Tenant, User
from tests import services

Definition = dict[str, Any]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A plain `pytest` leaves out what cannot run here. `make test` names the servers, and then nothing is left out."""
    if item.get_closest_marker("postgres") and django_settings.DATABASE_ENGINE != "postgresql":
        pytest.skip("needs PostgreSQL")
    if item.get_closest_marker("services") and not servers_answer():
        pytest.skip("needs PostgreSQL, Redis and RabbitMQ")


@functools.cache
def servers_answer() -> bool:
    return services.USUAL.environment.items() <= os.environ.items() or services.usual() is not None


@pytest.fixture(autouse=True)
def quiet_world(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Each test has its own mail folder and clock, an empty cache, and a broker that nobody listens to."""
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HIGHWAY_CLOCK_OFFSET_FILE = str(tmp_path / "clock-offset")
    cache.clear()
    queue.bells.clear()
    yield


@pytest.fixture
def tenant(db: None) -> Tenant:
    return create_tenant("acme", "Acme", tools=["tools.*"])


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return create_tenant("globex", "Globex", tools=["tools.*"])


@pytest.fixture
def alice(tenant: Tenant) -> User:
    """Admin of acme."""
    return member("alice", tenant, "admin")


@pytest.fixture
def bob(tenant: Tenant) -> User:
    """Viewer of acme."""
    return member("bob", tenant, "viewer")


@pytest.fixture
def mallory(other_tenant: Tenant) -> User:
    """Admin of the other tenant."""
    return member("mallory", other_tenant, "admin")


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.com", "correct horse battery")


def member(name: str, tenant: Tenant, role: str) -> User:
    user = create_user(email=f"{name}@example.com", username=name, password="correct horse battery")
    add_member(user, tenant, role)
    return user


@pytest.fixture
def api(tenant: Tenant) -> APIClient:
    """The API as an admin of acme, by key."""
    return client_with_key(tenant, "admin")


@pytest.fixture
def foreign_api(other_tenant: Tenant) -> APIClient:
    """The API as an admin of the other tenant, by key."""
    return client_with_key(other_tenant, "admin")


def client_with_key(tenant: Tenant, role: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_api_key(tenant, f'{role} key', role)[1]}")
    return client


@pytest.fixture
def admin_client(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def move_clock() -> Callable[..., None]:
    """`move_clock(days=2)`: from now on the business clock is that much later."""
    moved = timedelta(0)

    def move(**by: float) -> None:
        nonlocal moved
        moved += timedelta(**by)
        Path(django_settings.HIGHWAY_CLOCK_OFFSET_FILE).write_text(str(moved.total_seconds()))

    return move


@pytest.fixture
def start(tenant: Tenant) -> Callable[..., WorkflowRun]:
    """Submit a definition for acme without driving it."""

    def submit(definition: Definition, inputs: dict[str, Any] | None = None, **more: Any) -> WorkflowRun:
        stored, _warnings = store_definition(tenant, definition)
        return submit_run(definition=stored, inputs=inputs or {}, cause=Cause("command"), **more)[0]

    return submit


@pytest.fixture
def drive() -> Callable[[], int]:
    """Let the scheduler's sweep and a worker do all that is due now, in this thread; how many branches were driven."""

    def drive_all() -> int:
        total = 0
        while True:
            sweep()
            driven = run_until_idle()
            total += driven
            if not driven:
                return total

    return drive_all


@pytest.fixture
def run(start: Callable[..., WorkflowRun], drive: Callable[[], int]) -> Callable[..., WorkflowRun]:
    """Submit a definition and drive it until it ends or waits."""

    def submit_and_drive(definition: Definition, inputs: dict[str, Any] | None = None, **more: Any) -> WorkflowRun:
        submitted = start(definition, inputs, **more)
        drive()
        submitted.refresh_from_db()
        return submitted

    return submit_and_drive


def workflow(*tasks: dict[str, Any], name: str = "flow", **more: Any) -> Definition:
    """A definition of these tasks; each one without `dependencies` is a root."""
    return {"name": name, "version": "1", "tasks": {task["task_id"]: task for task in tasks}, **more}


def shell(task_id: str, command: str, *after: str, **more: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": "tools.shell.run",
        "args": [command],
        "dependencies": list(after),
        **more,
    }
