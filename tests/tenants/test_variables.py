from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from highway_automation.base.errors import Conflict, Invalid, NotFound
from tenants_app.actions import change_role, change_variable, create_variable, rotate_secrets, set_variable
from tenants_app.crypto import Undecryptable
from tenants_app.models import Membership, Tenant, User, Variable
from tenants_app.variables import secrets_of, variables_of
from tests.tenants.conftest import KeyClient

SECRET = "s3cr3t-VALUE"


def test_plain_and_secret_are_apart(tenant: Tenant, other_tenant: Tenant) -> None:
    set_variable(tenant, "COLOUR", "red")
    set_variable(tenant, "TOKEN", SECRET, secret=True)
    set_variable(other_tenant, "TOKEN", "theirs", secret=True)

    assert variables_of("acme") == {"COLOUR": "red"}
    assert secrets_of("acme", ["TOKEN", "COLOUR", "MISSING"]) == {"TOKEN": SECRET}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        secrets_of("acme", ["TOKEN", "A", "B"])
    assert len(queries) == 1


def test_a_secret_is_stored_encrypted_only(tenant: Tenant) -> None:
    variable = set_variable(tenant, "TOKEN", SECRET, secret=True)

    row = Variable.objects.for_tenant(tenant).values().get(pk=variable.pk)
    assert row["value"] == ""
    assert SECRET not in str(row)
    assert SECRET not in str(list(LogEntry.objects.values()))
    assert row["encrypted"] not in str(list(LogEntry.objects.values()))


def test_a_variable_changes_its_kind(tenant: Tenant) -> None:
    variable = set_variable(tenant, "TOKEN", "plain")
    change_variable(variable, None, True)
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": "plain"}

    with pytest.raises(Invalid):
        change_variable(Variable.objects.for_tenant(tenant).get(), None, False)
    change_variable(variable, "shown", False)
    assert variables_of("acme") == {"TOKEN": "shown"}


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "x" * 129])
def test_an_impossible_name_is_refused(tenant: Tenant, name: str) -> None:
    with pytest.raises(Invalid):
        set_variable(tenant, name, "x")


def test_a_taken_name_is_a_conflict(tenant: Tenant) -> None:
    create_variable(tenant, "A", "1")

    with pytest.raises(Conflict):
        create_variable(tenant, "A", "2")
    assert variables_of("acme") == {"A": "1"}


def test_keys_rotate(tenant: Tenant, settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.HIGHWAY_ENCRYPTION_KEYS = [old]
    set_variable(tenant, "TOKEN", SECRET, secret=True)

    settings.HIGHWAY_ENCRYPTION_KEYS = [new, old]
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": SECRET}
    assert rotate_secrets() == 1

    settings.HIGHWAY_ENCRYPTION_KEYS = [new]
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": SECRET}
    settings.HIGHWAY_ENCRYPTION_KEYS = [old]
    with pytest.raises(Undecryptable):
        secrets_of("acme", ["TOKEN"])


# API ------------------------------------------------------------------------------------------------------------------


def test_the_api_takes_a_secret_and_never_gives_it_back(api: APIClient) -> None:
    made = api.post("/api/v1/variables", {"name": "TOKEN", "value": SECRET, "secret": True}, format="json")
    assert made.status_code == 201
    assert made.json()["value"] is None

    for answer in (
        made,
        api.get("/api/v1/variables"),
        api.get("/api/v1/variables/TOKEN"),
        api.put("/api/v1/variables/TOKEN/", made.json(), format="json"),
        api.patch("/api/v1/variables/TOKEN", {"value": "n3w-" + SECRET}, format="json"),
        api.get("/api/v1/variables?search=" + SECRET),
    ):
        assert answer.status_code in {200, 201}
        assert SECRET not in answer.content.decode().replace("?search=" + SECRET, "")
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": "n3w-" + SECRET}


def test_what_is_read_can_be_sent_back(api: APIClient, tenant: Tenant) -> None:
    set_variable(tenant, "TOKEN", SECRET, secret=True)
    read = api.get("/api/v1/variables/TOKEN").json()

    assert api.put("/api/v1/variables/TOKEN", read, format="json").status_code == 200
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": SECRET}


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_variable_keeps_its_name(api: APIClient, tenant: Tenant, method: str) -> None:
    set_variable(tenant, "A", "1")

    change = getattr(api, method)
    assert change("/api/v1/variables/A", {"name": "B", "value": "2"}, format="json").status_code == 400
    assert api.get("/api/v1/variables/A").json()["value"] == "1"
    assert api.get("/api/v1/variables/B").status_code == 404
    assert change("/api/v1/variables/A", {"name": "A", "value": "2"}, format="json").json()["value"] == "2"


def test_variables_over_the_api(api: APIClient) -> None:
    assert api.post("/api/v1/variables/", {"name": "A", "value": "1"}, format="json").status_code == 201
    assert api.post("/api/v1/variables", {"name": "A", "value": "2"}, format="json").status_code == 409
    assert api.patch("/api/v1/variables/A", {"value": "3"}, format="json").json()["value"] == "3"
    assert api.get("/api/v1/variables?secret=false").json()["variables"][0]["name"] == "A"
    assert api.delete("/api/v1/variables/A").status_code == 204
    assert api.get("/api/v1/variables/A").status_code == 404


def test_secrets_are_the_admins_affair(tenant: Tenant, key_client: KeyClient) -> None:
    set_variable(tenant, "TOKEN", SECRET, secret=True)
    editor = key_client(tenant, "editor")

    assert editor.post("/api/v1/variables", {"name": "A", "value": "1"}, format="json").status_code == 201
    body = {"name": "B", "value": "1", "secret": True}
    assert editor.post("/api/v1/variables", body, format="json").status_code == 403
    assert editor.patch("/api/v1/variables/TOKEN", {"value": "x", "secret": False}, format="json").status_code == 403
    assert editor.patch("/api/v1/variables/A", {"secret": True}, format="json").status_code == 403
    assert editor.delete("/api/v1/variables/TOKEN").status_code == 403
    assert key_client(tenant, "operator").delete("/api/v1/variables/A").status_code == 403


def test_a_variable_or_member_deleted_meanwhile_is_not_found(tenant: Tenant, bob: User) -> None:
    variable = set_variable(tenant, "A", "1")
    Variable.objects.for_tenant(tenant).filter(name="A").delete()
    with pytest.raises(NotFound):
        change_variable(variable, "2")

    membership = Membership.objects.for_tenant(tenant).get(user=bob)
    Membership.objects.for_tenant(tenant).filter(user=bob).delete()
    with pytest.raises(NotFound):
        change_role(membership, "editor")
