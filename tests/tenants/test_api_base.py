"""What every resource answers alike: bodies, lists, errors, tags. Shown on the variables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tenants_app.actions import create_api_key, create_user, set_variable
from tenants_app.models import Tenant, User, Variable
from tests.tenants.conftest import SignIn

URL = "/api/v1/variables"


def send(api: APIClient, body: bytes | str, content_type: str = "application/json") -> Any:
    return api.generic("POST", URL, body, content_type=content_type)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"name": "A", "value": NaN}',
        '{"name": "A", "value": -Infinity}',
        '{"name": "A", "value": "\\u0000"}',
        '{"name": "A", "value": "\\ud800"}',
        '{"name": "A", "value": "x"',
        "{'name': 'A'}",
        b'{"name": "\xff"}',
        '{"name": "A", "value": ' + "9" * 5000 + "}",
        "\ufeff{}",
        " ",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_no_safe_json_is_400(api: APIClient, body: bytes | str) -> None:
    answer = send(api, body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == "BAD_REQUEST"
    assert told["message"] == told["detail"] != ""
    assert told["status"] == 400
    assert not Variable.objects.all_tenants().exists()


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "1", "[[1]]", "{}"])
def test_a_body_of_another_shape_is_422(api: APIClient, body: str) -> None:
    assert send(api, body).status_code == 422


def test_a_body_over_one_mebibyte_is_413(api: APIClient) -> None:
    answer = send(api, json.dumps({"name": "A", "value": "x" * 2**20}))

    assert answer.status_code == 413
    assert answer.json()["code"] == "TOO_LARGE"
    assert not Variable.objects.all_tenants().exists()


def test_another_media_type_is_415(api: APIClient) -> None:
    assert send(api, "name=A", "application/x-www-form-urlencoded").status_code == 415


def test_another_method_is_405(api: APIClient) -> None:
    answer = api.delete(URL)

    assert answer.status_code == 405
    assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


def test_unknown_fields_are_named(api: APIClient) -> None:
    answer = api.post(URL, {"name": "A", "value": "1", "colour": "red", "size": 3}, format="json")

    assert answer.status_code == 422
    told = answer.json()
    assert {error["field"] for error in told["errors"]} == {"colour", "size"}
    assert "colour" in told["message"]
    assert not Variable.objects.all_tenants().exists()


def test_wrong_fields_are_named(api: APIClient) -> None:
    answer = api.post(URL, {"name": "1 2", "value": "1"}, format="json")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


def test_paths_answer_with_and_without_a_slash(api: APIClient, tenant: Tenant) -> None:
    set_variable(tenant, "A", "1")

    for path in (URL, URL + "/", URL + "/A", URL + "/A/"):
        assert api.get(path).status_code == 200


@pytest.mark.parametrize("path", ["B", "%00", "A%00", "x" * 3000, "..", "%F0%9F%9A%80"])
def test_an_unused_id_is_404(api: APIClient, tenant: Tenant, path: str) -> None:
    set_variable(tenant, "A", "1")
    answer = api.get(f"{URL}/{path}")

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["memberships/99999999999999999999", "memberships/x", "admin/api-keys/x"])
def test_an_impossible_id_is_404(api: APIClient, path: str) -> None:
    assert api.get(f"/api/v1/{path}").status_code == 404


def test_a_foreign_row_is_as_unknown_as_none(api: APIClient, foreign_api: APIClient, tenant: Tenant) -> None:
    set_variable(tenant, "MINE", "1")

    for method in ("get", "put", "patch", "delete"):
        answers = [getattr(foreign_api, method)(f"{URL}/{name}", {}, format="json") for name in ("MINE", "NONE")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert api.get(f"{URL}/MINE").status_code == 200


@pytest.mark.parametrize("query", ["search=%00", "ordering=%00", "page=%00", "x%00=1"])
def test_a_query_with_nul_is_400(api: APIClient, query: str) -> None:
    assert api.get(f"{URL}?{query}").status_code == 400


def test_lists_are_paged(api: APIClient, tenant: Tenant) -> None:
    for number in range(5):
        set_variable(tenant, f"V{number}", str(number))

    first = api.get(URL + "?page_size=2").json()
    assert {key: first[key] for key in ("total", "page", "page_size", "previous")} == {
        "total": 5,
        "page": 1,
        "page_size": 2,
        "previous": None,
    }
    assert [row["name"] for row in first["variables"]] == ["V0", "V1"]
    assert [row["name"] for row in api.get(first["next"]).json()["variables"]] == ["V2", "V3"]
    assert api.get(URL + "?page_size=2&page=4").status_code == 404
    assert [row["name"] for row in api.get(URL + "?ordering=-name&per_page=1").json()["variables"]] == ["V4"]
    assert api.get(URL + "?page_size=100000").json()["page_size"] == 500
    assert api.get(URL + "?search=v3").json()["total"] == 1


def test_a_list_costs_the_same_however_long(api: APIClient, tenant: Tenant) -> None:
    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(url).status_code == 200
        return len(queries)

    create_user(email="first@example.com", tenant=tenant)
    set_variable(tenant, "FIRST", "x")
    for url in (URL, "/api/v1/memberships", "/api/v1/users", "/api/v1/admin/api-keys"):
        api.get(url)
        few = cost(url)
        for number in range(10):
            create_user(email=f"{few}{url[-3:]}{number}@example.com", tenant=tenant)
            set_variable(tenant, f"V{few}{number}", "x")
            create_api_key(tenant, f"{number}", "viewer")
        assert cost(url) == few


def test_a_tag_guards_against_lost_changes(api: APIClient, tenant: Tenant) -> None:
    set_variable(tenant, "A", "1")
    read = api.get(f"{URL}/A")
    tag = read["ETag"]
    assert api.get(f"{URL}/A", headers={"If-None-Match": tag}).status_code == 304

    changed = api.patch(f"{URL}/A", {"value": "2"}, format="json", headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] == api.get(f"{URL}/A")["ETag"] != tag
    stale = api.patch(f"{URL}/A", {"value": "3"}, format="json", headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.json()["code"] == "PRECONDITION_FAILED"
    assert api.delete(f"{URL}/A", headers={"If-Match": tag}).status_code == 412
    assert api.get(f"{URL}/A").json()["value"] == "2"
    assert api.delete(f"{URL}/A", headers={"If-Match": "*"}).status_code == 204


def test_the_browsable_pages_open(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(tenant, "A", "1")
    client = sign_in(alice)

    for path in ("/", "/variables", "/variables/A", "/variables/NONE", "/memberships", "/users", "/admin/api-keys"):
        page = client.get(f"/api/v1{path}", headers={"Accept": "text/html"})
        assert page.status_code == (404 if path.endswith("NONE") else 200), path
        assert page["Content-Type"].startswith("text/html")


def test_a_browser_without_session_sees_the_401(tenant: Tenant) -> None:
    page = APIClient().get(URL, headers={"Accept": "text/html"})

    assert page.status_code == 401
    assert page["Content-Type"].startswith("text/html")


def test_options_describe_without_leaking(api: APIClient, foreign_api: APIClient, tenant: Tenant) -> None:
    set_variable(tenant, "MINE", "1")

    assert api.options(URL).status_code == 200
    assert "MINE" not in foreign_api.options(URL).content.decode()
