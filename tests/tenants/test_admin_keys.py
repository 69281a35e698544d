"""Variables and API keys in the admin: what is written, what a refusal looks like, what never shows."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.actions import create_api_key, set_variable
from tenants_app.models import APIKey, Tenant, User, Variable
from tenants_app.variables import secrets_of, variables_of
from tests.tenants.conftest import NewMember, SignIn
from tests.tenants.pages import KEYS, TENANTS, VARIABLES, text


def test_a_variable_is_made_changed_and_deleted(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    assert client.post(f"{VARIABLES}add/", {"name": "A", "value": "1"}).status_code == 302
    pk = Variable.objects.for_tenant(tenant).get().pk
    client.post(f"{VARIABLES}{pk}/change/", {"value": " 2 "})
    assert variables_of("acme") == {"A": " 2 "}

    assert client.post(f"{VARIABLES}{pk}/delete/", {"post": "yes"}).status_code == 302
    assert variables_of("acme") == {}


def test_a_secret_is_never_shown(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    client.post(f"{VARIABLES}add/", {"name": "TOKEN", "value": "s3cr3t", "secret": "on"})
    pk = Variable.objects.for_tenant(tenant).get().pk
    encrypted = Variable.objects.for_tenant(tenant).get().encrypted

    for path in (VARIABLES, f"{VARIABLES}{pk}/change/", f"{VARIABLES}{pk}/history/", f"{VARIABLES}{pk}/delete/"):
        page = text(client.get(path))
        assert "s3cr3t" not in page
        assert encrypted not in page
    client.post(f"{VARIABLES}{pk}/change/", {"value": "", "secret": "on"})
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": "s3cr3t"}
    refused = client.post(f"{VARIABLES}{pk}/change/", {"value": ""})
    assert refused.status_code == 200
    assert "never shown again" in text(refused)


def test_an_editor_touches_no_secret(tenant: Tenant, new_member: NewMember, sign_in: SignIn) -> None:
    secret = set_variable(tenant, "TOKEN", "s3cr3t", secret=True)
    plain = set_variable(tenant, "A", "1")
    client = sign_in(new_member("ada", tenant, "editor"))

    assert client.post(f"{VARIABLES}{secret.pk}/change/", {"value": "x"}).status_code == 403
    assert client.post(f"{VARIABLES}{secret.pk}/delete/", {"post": "yes"}).status_code == 403
    refused = client.post(f"{VARIABLES}add/", {"name": "B", "value": "x", "secret": "on"})
    assert "admins" in text(refused)
    selected = [str(secret.pk), str(plain.pk)]
    client.post(VARIABLES, {"action": "delete_selected", "_selected_action": selected, "post": "yes"})
    assert secrets_of("acme", ["TOKEN"]) == {"TOKEN": "s3cr3t"}
    assert variables_of("acme") == {"A": "1"}


def test_a_refusal_keeps_what_was_typed(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(tenant, "A", "1")

    page = sign_in(alice).post(f"{VARIABLES}add/", {"name": "A", "value": "typed by hand"})

    assert page.status_code == 200
    assert "There already is a variable" in text(page)
    assert "typed by hand" in text(page)
    assert variables_of("acme") == {"A": "1"}


def test_a_wrong_field_is_marked(alice: User, sign_in: SignIn) -> None:
    page = sign_in(alice).post(f"{VARIABLES}add/", {"name": "1 2", "value": "x"})

    assert page.context["adminform"].form.errors["name"]


@pytest.mark.parametrize("typed", ["[" * 100_000, "NaN", '["\\u0000"]', "{", "5", '"here"', '["here"]', "[1.5]"])
def test_no_typed_json_breaks_a_page(alice: User, tenant: Tenant, sign_in: SignIn, typed: str) -> None:
    page = sign_in(alice).post(f"{KEYS}add/", {"name": "ci", "role": "viewer", "allowed_ips": typed})

    assert page.status_code == 200
    assert "allowed_ips" in page.context["adminform"].form.errors
    assert not APIKey.objects.for_tenant(tenant).exists()


@pytest.mark.parametrize("query", ["q=%00", "secret__exact=%00", "name=%00", "%00=1", "o=%00", "p=%00"])
def test_no_query_breaks_a_list(alice: User, sign_in: SignIn, query: str) -> None:
    assert sign_in(alice).get(f"{VARIABLES}?{query}").status_code in {200, 302, 400}


def test_a_key_is_on_the_page_after_its_making_only(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)

    made = client.post(f"{KEYS}add/", {"name": "ci", "role": "operator", "allowed_ips": "[]"})

    assert made.status_code == 200
    key = re.findall(r"hw_k1_\w{50}", text(made))[0]
    assert "no-store" in made["Cache-Control"]
    assert key not in str(client.cookies)
    row = APIKey.objects.for_tenant(tenant).get()
    assert (row.created_by, row.role) == (alice, "operator")
    assert APIClient().get("/api/v1/users", headers={"X-API-Key": key}).status_code == 200
    for path in ("/admin/", KEYS, f"{KEYS}{row.pk}/change/", f"{KEYS}{row.pk}/history/"):
        page = text(client.get(path))
        assert key not in page
        assert row.key_hash not in page


def test_a_key_is_revoked_by_a_post(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    row, key = create_api_key(tenant, "ci", "viewer")
    client, url = sign_in(alice), f"{KEYS}{row.pk}/do/revoke/"
    page = text(client.get(f"{KEYS}{row.pk}/change/"))
    assert f'action="{url}"' in page
    assert "csrfmiddlewaretoken" in page

    assert client.get(url).status_code == 405
    assert APIKey.objects.for_tenant(tenant).get().status == "active"
    assert client.post(url)["Location"] == f"{KEYS}{row.pk}/change/"

    assert APIKey.objects.for_tenant(tenant).get().status == "revoked"
    assert url not in text(client.get(f"{KEYS}{row.pk}/change/"))
    again = client.post(url, follow=True)
    assert "already inactive" in text(again)


def test_a_button_wants_its_csrf_token(alice: User, tenant: Tenant) -> None:
    row, _ = create_api_key(tenant, "ci", "viewer")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(f"{KEYS}{row.pk}/do/revoke/").status_code == 403
    assert client.post(f"{TENANTS}switch/", {"tenant": "acme"}).status_code == 403
    assert APIKey.objects.for_tenant(tenant).get().status == "active"


@pytest.mark.parametrize("role", ["viewer", "operator", "editor"])
def test_a_button_wants_its_role(tenant: Tenant, new_member: NewMember, sign_in: SignIn, role: str) -> None:
    row, _ = create_api_key(tenant, "ci", "viewer")

    assert sign_in(new_member("ada", tenant, role)).post(f"{KEYS}{row.pk}/do/revoke/").status_code == 403
    assert APIKey.objects.for_tenant(tenant).get().status == "active"


def test_keys_are_revoked_in_bulk(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    keys = [create_api_key(tenant, f"k{number}", "viewer")[0] for number in range(3)]
    selected = [str(key.pk) for key in keys]

    page = sign_in(alice).post(KEYS, {"action": "revoke_selected", "_selected_action": selected}, follow=True)

    assert "3 revoked." in text(page)
    assert {key.status for key in APIKey.objects.for_tenant(tenant)} == {"revoked"}


def test_a_key_is_rotated(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    row, _ = create_api_key(tenant, "ci", "viewer")

    page = sign_in(alice).post(f"{KEYS}{row.pk}/do/rotate/")

    assert re.search(r"hw_k1_\w{50}", text(page))
    assert APIKey.objects.for_tenant(tenant).count() == 2
