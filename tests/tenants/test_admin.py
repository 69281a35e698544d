"""The admin, driven as a browser would: whose rows are shown, and who may do what."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants_app.actions import add_member, create_api_key, set_variable
from tenants_app.models import APIKey, Membership, Tenant, User
from tenants_app.variables import variables_of
from tests.tenants.conftest import NewMember, SignIn
from tests.tenants.pages import KEYS, MEMBERS, TENANTS, USERS, VARIABLES, switch, text


def test_a_list_shows_only_the_own_tenant(alice: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(tenant, "MINE", "1")
    set_variable(other_tenant, "THEIRS", "1")

    page = text(sign_in(alice).get(VARIABLES))

    assert "MINE" in page
    assert "THEIRS" not in page


def test_a_foreign_object_is_as_unknown_as_none(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    theirs = set_variable(other_tenant, "THEIRS", "1")
    client = sign_in(alice)

    for page in ("change/", "delete/", "history/", "do/pause/"):
        for pk in (str(theirs.pk), "999999", "x", "%00"):
            method = client.post if page.startswith("do") else client.get
            assert method(f"{VARIABLES}{pk}/{page}").status_code == 404, (pk, page)
    assert client.post(f"{VARIABLES}{theirs.pk}/change/", {"value": "2"}).status_code == 404
    assert client.post(f"{VARIABLES}{theirs.pk}/delete/", {"post": "yes"}).status_code == 404
    assert variables_of("globex") == {"THEIRS": "1"}


def test_bulk_actions_reach_no_foreign_row(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    row, _ = create_api_key(other_tenant, "theirs", "viewer")

    sign_in(alice).post(KEYS, {"action": "revoke_selected", "_selected_action": [str(row.pk)]})

    assert APIKey.objects.for_tenant(other_tenant).get(pk=row.pk).revoked_at is None


def test_the_switch_decides_the_tenant(alice: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    add_member(alice, other_tenant, "viewer")
    set_variable(tenant, "MINE", "1")
    set_variable(other_tenant, "THEIRS", "1")
    client = sign_in(alice)
    assert "MINE" in text(client.get(VARIABLES))

    assert switch(client, "globex", VARIABLES)["Location"] == VARIABLES

    page = text(client.get(VARIABLES))
    assert "THEIRS" in page
    assert "MINE" not in page
    assert 'value="globex" selected' in page
    assert client.post(f"{VARIABLES}add/", {"name": "A", "value": "1"}).status_code == 403


def test_the_switch_is_a_post_into_own_tenants_only(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)

    assert client.get(f"{TENANTS}switch/").status_code == 405
    assert [switch(client, name).status_code for name in ("globex", "nowhere", "*", "")] == [404] * 4
    assert switch(client, "acme", "https://evil.example/")["Location"] == "/admin/"
    assert switch(client, "acme", f"{VARIABLES}1/change/")["Location"] == "/admin/"


def test_losing_the_place_ends_the_view(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    place = add_member(alice, other_tenant, "viewer")
    set_variable(other_tenant, "THEIRS", "1")
    client = sign_in(alice)
    switch(client, "globex")

    place.delete()

    assert "THEIRS" not in text(client.get(VARIABLES))


def test_a_superuser_sees_all_or_one(superuser: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(tenant, "MINE", "1")
    set_variable(other_tenant, "THEIRS", "1")
    client = sign_in(superuser)

    switch(client, "*")
    page = text(client.get(VARIABLES))
    assert "MINE" in page
    assert "THEIRS" in page
    assert "Tenant id" in page or "TENANT ID" in page.upper()
    assert client.get(f"{VARIABLES}add/").status_code == 403

    switch(client, "acme")
    assert "THEIRS" not in text(client.get(VARIABLES))
    assert client.get(f"{VARIABLES}add/").status_code == 200


def test_a_person_without_a_tenant_sees_nothing(db: None, sign_in: SignIn) -> None:
    user = User.objects.create_user("ada", "ada@example.com", is_staff=True)

    assert sign_in(user).get(VARIABLES).status_code == 403
    assert sign_in(user).get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("role", "seen", "added"),
    [("viewer", 200, 403), ("operator", 200, 403), ("editor", 200, 200), ("admin", 200, 200)],
)
def test_the_role_decides(
    tenant: Tenant, new_member: NewMember, sign_in: SignIn, role: str, seen: int, added: int
) -> None:
    variable = set_variable(tenant, "A", "1")
    client = sign_in(new_member("ada", tenant, role))

    assert client.get(VARIABLES).status_code == seen
    assert client.get(f"{VARIABLES}add/").status_code == added
    saved = client.post(f"{VARIABLES}{variable.pk}/change/", {"value": "2"})
    assert saved.status_code == (302 if added == 200 else 403)
    assert variables_of("acme") == {"A": "2" if added == 200 else "1"}


@pytest.mark.parametrize("path", [KEYS, f"{KEYS}add/", f"{USERS}add/", f"{MEMBERS}add/", TENANTS, f"{TENANTS}add/"])
def test_an_editor_manages_no_access(tenant: Tenant, new_member: NewMember, sign_in: SignIn, path: str) -> None:
    assert sign_in(new_member("ada", tenant, "editor")).get(path).status_code == 403


def test_every_page_of_an_admin_opens(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    key, _ = create_api_key(tenant, "ci", "viewer", actor=alice)
    place = Membership.objects.for_tenant(tenant).get()
    client = sign_in(alice)

    for row in (set_variable(tenant, "A", "1"), place, key, alice):
        name = f"tenants_app_{row._meta.model_name}"
        assert client.get(reverse(f"admin:{name}_changelist") + "?q=a").status_code == 200
        assert client.get(reverse(f"admin:{name}_add")).status_code == 200
        assert client.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200
    assert client.get("/admin/").status_code == 200


def test_every_page_of_a_superuser_opens(superuser: User, alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(tenant, "A", "1")
    create_api_key(tenant, "ci", "viewer")
    client = sign_in(superuser)

    for chosen in ("*", "acme"):
        switch(client, chosen)
        for path in (VARIABLES, MEMBERS, KEYS, USERS, TENANTS, f"{TENANTS}acme/change/", f"{USERS}{alice.pk}/change/"):
            assert client.get(path).status_code == 200, (chosen, path)


def test_a_list_costs_the_same_however_long(
    alice: User, tenant: Tenant, new_member: NewMember, sign_in: SignIn
) -> None:
    client = sign_in(alice)
    set_variable(tenant, "FIRST", "x")
    create_api_key(tenant, "first", "viewer", actor=alice)

    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    for path in (VARIABLES, MEMBERS, KEYS, USERS):
        cost(path)
        few = cost(path)
        for number in range(5):
            user = new_member(f"{path.split('/')[3]}{number}", tenant)
            set_variable(tenant, f"V{number}", "x")
            create_api_key(tenant, f"{number}", "viewer", actor=user)
        assert cost(path) == few, path


def test_signing_in_leads_to_the_admin(alice: User) -> None:
    page = Client().post("/admin/login/", {"username": "alice", "password": "correct horse battery"})

    assert page["Location"] == "/admin/"


@pytest.mark.parametrize("model", ["tenants_app/variable", "tenants_app/apikey", "runs_app/workflowrun"])
@pytest.mark.parametrize("key", ["x", "9" * 40, "\x00"])
def test_an_action_on_what_is_no_id_is_refused(admin_client: Client, tenant: Tenant, model: str, key: str) -> None:
    for action in ("delete_selected", "revoke_selected", "cancel_runs"):
        answer = admin_client.post(f"/admin/{model}/", {"action": action, "_selected_action": key})
        assert answer.status_code == 400
