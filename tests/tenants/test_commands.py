from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from tenants_app.actions import set_variable
from tenants_app.models import APIKey, Membership, Tenant, User
from tenants_app.variables import secrets_of

Capture = pytest.CaptureFixture[str]


def test_create_tenant(db: None, capsys: Capture) -> None:
    call_command("create_tenant", "acme", "--name", "Acme", "--api-url", "http://127.0.0.1:8000", "--tool", "tools.*")

    tenant = Tenant.objects.get()
    assert (tenant.pk, tenant.name, tenant.allowed_tools) == ("acme", "Acme", ["tools.*"])
    assert tenant.http_allow == ["127.0.0.1:8000"]
    assert capsys.readouterr().out == "acme\n"


@pytest.mark.parametrize("arguments", [["acme"], ["a b"], ["globex", "--api-url", "x"]])
def test_create_tenant_tells_why_not(tenant: Tenant, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_tenant", *arguments)

    assert Tenant.objects.count() == 1


def test_create_api_key_prints_the_key_alone(tenant: Tenant, capsys: Capture) -> None:
    call_command("create_api_key", "--tenant", "acme", "--name", "ci", "--role", "editor")

    key = capsys.readouterr().out
    assert key.endswith("\n")
    assert APIClient().get("/api/v1/users", headers={"X-API-Key": key.strip()}).status_code == 200
    assert APIKey.objects.for_tenant("acme").get().role == "editor"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tenant", "globex", "--name", "ci", "--role", "editor"],
        ["--tenant", "acme", "--name", "", "--role", "editor"],
        ["--tenant", "acme", "--name", "ci", "--role", "king"],
        ["--tenant", "acme", "--name", "ci", "--role", "viewer", "--days", "-1"],
        ["--tenant", "acme", "--name", "ci"],
    ],
)
def test_create_api_key_tells_why_not(tenant: Tenant, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", *arguments)

    assert not APIKey.objects.all_tenants().exists()


def test_create_user(tenant: Tenant, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHWAY_USER_PASSWORD", "correct horse battery")
    call_command("create_user", "ada@example.com", "--tenant", "acme", "--role", "operator")

    assert capsys.readouterr().out == "ada@example.com\n"
    assert Membership.objects.for_tenant("acme").get().role == "operator"
    assert User.objects.get().check_password("correct horse battery")
    with pytest.raises(CommandError):
        call_command("create_user", "ada@example.com", "--tenant", "acme")


def test_rotate_keys(tenant: Tenant, settings: Any, capsys: Capture) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.HIGHWAY_ENCRYPTION_KEYS = [old]
    set_variable(tenant, "TOKEN", "hunter2", secret=True)
    settings.HIGHWAY_ENCRYPTION_KEYS = [new, old]
    call_command("rotate_keys")
    assert capsys.readouterr().out == "1 secret(s) are encrypted with the first key now.\n"

    settings.HIGHWAY_ENCRYPTION_KEYS = [new]
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": "hunter2"}
    settings.HIGHWAY_ENCRYPTION_KEYS = [old]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_keys")
