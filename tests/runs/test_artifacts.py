"""Uploaded code: what is stored, what is refused, and who sees it."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from highway_automation.base import retention
from highway_automation.base.errors import NotFound
from runs_app import artifacts
from runs_app.models import Artifact
from tenants_app.models import Tenant, User
from tests.conftest import client_with_key
from tests.e2e.zips import a_zip

URL = "/api/v1/artifacts"
GOOD = a_zip({"package/__init__.py": "", "package/main.py": "def run():\n    return 1\n"})
DIGEST = hashlib.sha256(GOOD).hexdigest()


def send(client: APIClient, data: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("driver_tasks.zip", data, "application/zip")
    return client.post(URL, {"artifact": file, **more}, format="multipart")


def test_a_zip_is_stored_once_and_answered_bare(api: APIClient) -> None:
    first, again = send(api, GOOD), send(api, GOOD)
    raw = api.post(URL, GOOD, content_type="application/zip")

    assert [answer.status_code for answer in (first, again, raw)] == [201, 200, 200]
    assert first.json() == again.json() == raw.json() == {"artifact_id": DIGEST, "size": len(GOOD)}
    listed = api.get(URL).json()
    assert (listed["count"], listed["total"], listed["artifacts"][0]["name"]) == (1, 1, "driver_tasks.zip")
    read = api.get(f"{URL}/{DIGEST}")
    assert (read.status_code, read["Content-Type"], read.content) == (200, "application/zip", GOOD)
    assert api.get(f"{URL}/{DIGEST}/exists").json() == {"exists": True, "artifact_id": DIGEST}
    assert api.delete(f"{URL}/{DIGEST}").status_code == 204
    assert api.get(f"{URL}/{DIGEST}/exists").json()["exists"] is False
    assert api.get(f"{URL}/{DIGEST}").status_code == 404


def test_it_is_the_tenants_own(api: APIClient, foreign_api: APIClient, tenant: Tenant, other_tenant: Tenant) -> None:
    send(api, GOOD)

    assert foreign_api.get(URL).json()["total"] == 0
    assert foreign_api.get(f"{URL}/{DIGEST}/exists").json()["exists"] is False
    assert artifacts.content(tenant.pk, DIGEST) == GOOD
    with pytest.raises(NotFound):
        artifacts.content(other_tenant.pk, DIGEST)
    assert send(foreign_api, GOOD).status_code == 201


def crafted(name: str, mode: int = 0, text: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, text)
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.py", "1")
        archive.writestr("a.py", "2")
    return buffer.getvalue()


def packed(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.py", "x = 1\n" * 100)
    return buffer.getvalue()


def lying() -> bytes:
    """Says it unpacks to less than it does."""
    text = b"0" * 100_000
    return a_zip({"a.py": text.decode()}).replace(len(text).to_bytes(4, "little"), (10).to_bytes(4, "little"))


WRONG: list[tuple[Callable[[], bytes], str]] = [
    (lambda: b"", "zip"),
    (lambda: b"PK\x03\x04 but not really", "no zip"),
    (lambda: GOOD[:-30], "no zip"),
    (lambda: crafted("a.py", text=b"x = 'sound'").replace(b"sound", b"wrong"), "damaged"),
    (lambda: a_zip({}), "empty"),
    (lambda: crafted("/etc/passwd"), "relative"),
    (lambda: crafted("../up.py"), "leads out"),
    (lambda: crafted("a/../../up.py"), "leads out"),
    (lambda: crafted("C:/a.py"), "relative"),
    (lambda: crafted("a\\b.py"), "relative"),
    (lambda: crafted("link", 0o120777, b"/etc/passwd"), "neither a file nor a folder"),
    (lambda: crafted("bell\x07.py"), "no name for a file"),
    (twice, "twice"),
    (lambda: packed(zipfile.ZIP_LZMA), "another method"),
    (lambda: packed(zipfile.ZIP_BZIP2), "another method"),
    (lying, ""),
]


@pytest.mark.parametrize(("make", "told"), WRONG)
def test_what_could_harm_is_refused(api: APIClient, make: Callable[[], bytes], told: str) -> None:
    for answer in (send(api, make()), api.post(URL, make(), content_type="application/zip")):
        assert answer.status_code == 422, answer.content
        assert answer.json()["errors"][0]["field"] == "artifact"
        assert told in answer.json()["detail"]
    assert not Artifact.objects.all_tenants().exists()


def test_what_is_too_large_is_refused(api: APIClient, settings: Any) -> None:
    settings.HIGHWAY_ARTIFACT_BYTES = 20_000
    bomb = a_zip({f"{n}.py": "0" * 50_000 for n in range(5)})
    noise = random.Random(1).randbytes(30_000).decode("latin-1")  # noqa: S311

    assert len(bomb) < 20_000
    assert "larger than 160000" in send(api, bomb).json()["detail"]
    assert send(api, a_zip({"a.py": noise})).status_code == 413
    settings.HIGHWAY_ARTIFACT_BYTES = 100
    assert api.post(URL, b"0" * 200_000, content_type="application/zip").status_code == 413
    assert not Artifact.objects.all_tenants().exists()


def test_a_tenant_has_room_for_so_much(api: APIClient, settings: Any) -> None:
    settings.HIGHWAY_ARTIFACTS_BYTES = len(GOOD) + 10
    send(api, GOOD)
    full = send(api, a_zip({"other.py": "x"}))

    assert (full.status_code, full.json()["code"]) == (409, "CONFLICT")
    assert send(api, GOOD).status_code == 200


def test_the_form_is_strict(api: APIClient) -> None:
    missing = api.post(URL, {}, format="multipart")
    more = send(api, GOOD, colour="red")
    text = api.post(URL, {"artifact": "text"}, format="multipart")
    two = api.post(URL, {"artifact": [SimpleUploadedFile(n, GOOD) for n in "ab"]}, format="multipart")

    assert [answer.status_code for answer in (missing, more, text, two)] == [422] * 4
    assert more.json()["errors"][0]["field"] == "colour"
    assert api.post(URL, {"artifact": 1}, format="json").status_code == 415


def test_a_session_uploads_with_its_token_only(alice: User, tenant: Tenant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(URL, {"artifact": SimpleUploadedFile("a.zip", GOOD)}).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    upload = {"artifact": SimpleUploadedFile("a.zip", GOOD)}
    assert client.post(URL, upload, headers={"X-CSRFToken": "a" * 32}).status_code == 201


def test_who_may(tenant: Tenant) -> None:
    codes = {role: send(client_with_key(tenant, role), GOOD).status_code for role in ("viewer", "operator")}
    deleted = {
        role: client_with_key(tenant, role).delete(f"{URL}/{DIGEST}").status_code for role in ("operator", "editor")
    }

    assert (codes, deleted) == ({"viewer": 403, "operator": 201}, {"operator": 403, "editor": 204})


def test_clean_up_goes_by_when_it_was_last_used(
    api: APIClient, tenant: Tenant, move_clock: Callable[..., None]
) -> None:
    from highway_automation.base import clock

    other = a_zip({"other.py": "x"})
    send(api, GOOD)
    send(api, other)
    move_clock(days=2)
    before = clock.now()
    move_clock(hours=1)
    artifacts.content(tenant.pk, DIGEST)
    purge = retention.KINDS["artifacts"]

    assert purge(tenant.pk, before, dry_run=True) == 1
    assert purge(tenant.pk, before, dry_run=False) == 1
    assert [row["artifact_id"] for row in api.get(URL).json()["artifacts"]] == [DIGEST]


def test_the_admin_shows_it(api: APIClient, admin_client: Client) -> None:
    send(api, GOOD)
    artifact = Artifact.objects.all_tenants().get()
    listed = admin_client.get("/admin/runs_app/artifact/").content.decode()
    page = admin_client.get(f"/admin/runs_app/artifact/{artifact.pk}/change/")

    assert "driver_tasks.zip" in listed and DIGEST[:12] in listed
    assert (page.status_code, DIGEST in page.content.decode()) == (200, True)
