from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from runs_app.tools import ToolContext, ToolError, s3_put, work_folder
from tenants_app.models import Tenant
from tests.conftest import shell, workflow

from .context import Log, call, context
from .servers import Site

PUT, GET = "tools.s3.put", "tools.s3.get"
KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "s3cret/value"}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """moto's S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> None:
    """A machine with credentials and settings of its own, which no workflow may use."""
    settings.HIGHWAY_WORK_DIR = str(tmp_path / "work")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-machine")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # for the tests' own client


@pytest.fixture
def bucket(store: str, request: pytest.FixtureRequest) -> str:
    name = f"b{abs(hash(request.node.nodeid))}"[:20]
    raw(store).create_bucket(Bucket=name)
    return name


def raw(store: str) -> Any:
    """A plain client, to look at what the store has."""
    core = botocore.session.Session({"profile": (None, None, None, None)})
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", botocore_session=core)
    return session.client("s3", endpoint_url=store, region_name="us-east-1")


def allowed(store: str, **fields: Any) -> ToolContext:
    return context(http_allow=(store.removeprefix("http://"),), **fields)


def refused(tool: str, given: ToolContext, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(tool, given, **{"bucket": "some-bucket", "key": "k", **KEYS, **arguments})
    return caught.value


@pytest.mark.parametrize("key", ["a.txt", "a b/ü+&=?#%41.txt", "a/../b/./c//d", "🎉"])
def test_a_text_goes_there_and_back_under_any_key(store: str, bucket: str, key: str) -> None:
    given = {"bucket": bucket, "key": key, "endpoint_url": store, **KEYS}
    put = call(PUT, allowed(store), body="grüße\n", **given)
    assert put["size"] == 8 and put["bucket"] == bucket and put["key"] == key and put["url"].startswith(store)
    got = call(GET, allowed(store), **given)
    assert got["body"] == "grüße\n" and got["etag"] == put["etag"] and got["size"] == 8
    assert [entry["Key"] for entry in raw(store).list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_json_goes_there_and_back(store: str, bucket: str) -> None:
    given = {"bucket": bucket, "key": "rows", "endpoint_url": store, **KEYS}
    call(PUT, allowed(store), json={"rows": [1, None]}, **given)
    got = call(GET, allowed(store), **given)
    assert got["json"] == {"rows": [1, None]} and got["content_type"] == "application/json"


def test_a_large_file_is_sent_in_parts(store: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_put, "PART", 5 * 1024 * 1024)
    given, log = allowed(store), Log()
    given.log = log
    content = os.urandom(1024) * 11 * 1024
    (work_folder.made(given) / "db.dump").write_bytes(content)
    put = call(PUT, given, bucket=bucket, key="db.dump", path="db.dump", endpoint_url=store, **KEYS)
    assert put["size"] == len(content) and put["etag"].endswith("-3")
    assert raw(store).get_object(Bucket=bucket, Key="db.dump")["Body"].read() == content
    assert log.text.count("bytes sent") == 3
    call(GET, given, bucket=bucket, key="db.dump", path="copy/back.dump", endpoint_url=store, **KEYS)
    assert (work_folder.of(given) / "copy" / "back.dump").read_bytes() == content


def test_a_failed_upload_leaves_no_parts(store: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_put, "PART", 5 * 1024 * 1024)
    given = allowed(store)
    (work_folder.made(given) / "f").write_bytes(bytes(11 * 1024 * 1024))

    def cancel(text: str) -> None:
        raise ToolError("stopped by the log")

    given.log = cancel
    assert refused(PUT, given, bucket=bucket, path="f", endpoint_url=store).message == "stopped by the log"
    assert "Uploads" not in raw(store).list_multipart_uploads(Bucket=bucket)


@pytest.mark.django_db
def test_a_dump_of_one_step_is_uploaded_by_the_next(
    store: str, bucket: str, tenant: Tenant, run: Callable[..., Any]
) -> None:
    tenant.http_allow = [store.removeprefix("http://")]
    tenant.save()
    upload = {
        "task_id": "upload", "operator_type": "task", "function": PUT, "dependencies": ["dump"],
        "kwargs": {"bucket": bucket, "key": "{{run.id}}.sql", "path": "out.sql", "endpoint_url": store, **KEYS},
    }  # fmt: skip
    ended = run(workflow(shell("dump", 'echo "select 1;" > "$HIGHWAY_WORK_DIR/out.sql"'), upload))
    assert ended.status == "completed", ended.error
    assert raw(store).get_object(Bucket=bucket, Key=f"{ended.pk}.sql")["Body"].read() == b"select 1;\n"


@pytest.mark.parametrize("path", ["/etc/passwd", "../other", "link", ".", "", "folder", "pipe", "gone", "a\0b"])
def test_only_files_of_the_run_s_own_folder_are_sent(store: str, path: str) -> None:
    given = allowed(store)
    folder = work_folder.made(given)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder.parent / "other").write_text("of another run")
    error = refused(PUT, given, path=path, endpoint_url=store)
    assert error.permanent and ("path" in error.message or "body" in error.message)
    if path in ("/etc/passwd", "../other", "link"):
        assert refused(GET, given, path=path, endpoint_url=store).permanent


def test_the_store_s_refusal_is_permanent_and_in_its_words(store: str, bucket: str) -> None:
    error = refused(GET, allowed(store), bucket=bucket, key="gone", endpoint_url=store)
    assert error.permanent and "NoSuchKey: The specified key does not exist. (404)" in error.message
    assert "NoSuchBucket" in refused(PUT, allowed(store), body="x", bucket="no-such-bucket", endpoint_url=store).message


def test_what_a_step_cannot_store_needs_a_path(store: str, bucket: str) -> None:
    raw(store).put_object(Bucket=bucket, Key="big", Body=b"x" * 300_000)
    raw(store).put_object(Bucket=bucket, Key="binary", Body=b"\xff\x00")
    for key, why in (("big", "is larger than"), ("binary", "is no UTF-8 text")):
        error = refused(GET, allowed(store), bucket=bucket, key=key, endpoint_url=store)
        assert error.permanent and why in error.message and "give path" in error.message


# The guard ------------------------------------------------------------------------------------------------------------
def test_a_private_address_is_refused_unless_the_tenant_may(store: str, bucket: str) -> None:
    error = refused(PUT, context(), body="x", bucket=bucket, endpoint_url=store)
    assert error.permanent and "http_allow" in error.message


@pytest.mark.parametrize("endpoint", ["http://169.254.169.254", "http://[::ffff:127.0.0.1]:80", "http://localhost:1"])
def test_addresses_of_the_machine_and_its_cloud_are_refused(endpoint: str) -> None:
    assert "is not on the public internet" in refused(GET, context(), endpoint_url=endpoint).message


def test_a_name_that_resolves_to_a_private_address_is_refused(names: dict[str, list[str]]) -> None:
    names["store.example.com"] = ["10.0.0.7"]
    assert "is not on the public internet" in refused(GET, context(), endpoint_url="http://store.example.com").message


def test_redirects_are_not_followed(site: Site, other_site: Site) -> None:
    site.redirect("/some-bucket/k", other_site.url("/elsewhere"), status=307)
    refused(GET, context(http_allow=(site.here, other_site.here)), endpoint_url=f"http://{site.here}")
    assert len(site.received) >= 1 and other_site.received == []


def test_requests_are_signed_with_the_given_keys_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    site.answer("/some-bucket/k", b"hello")
    call(
        GET, context(http_allow=(site.here,)), bucket="some-bucket", key="k", endpoint_url=f"http://{site.here}", **KEYS
    )
    sent = site.received[0].headers
    assert "Credential=AKIAEXAMPLE/" in sent["authorization"] and sent["host"] == site.here
    assert "of-the-machine" not in str(sent)


def test_a_failing_store_may_be_tried_again(site: Site) -> None:
    site.answer("/some-bucket/k", b"<Error><Code>InternalError</Code><Message>oops</Message></Error>", 500)
    error = refused(GET, context(http_allow=(site.here,)), endpoint_url=f"http://{site.here}")
    assert not error.permanent and len(site.received) == 1


def test_a_slow_store_is_left_in_time_and_on_cancel(site: Site) -> None:
    given = context(http_allow=(site.here,))
    site.on("/some-bucket/k", lambda handler: None if given.cancelled.wait(20) else None)
    error = refused(GET, given, endpoint_url=f"http://{site.here}", timeout=0.5)
    assert "timed out after 0.5 s" in error.message and not error.permanent
    site.on("/some-bucket/k", lambda handler: given.cancel())
    assert "cancelled" in refused(GET, given, endpoint_url=f"http://{site.here}").message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"bucket": ""}, "bucket is missing"),
        ({"access_key": None}, "access_key is missing"),
        ({"endpoint_url": "ftp://x"}, "endpoint_url must begin with http"),
        ({"body": None}, "body or json or path must be given"),
        ({"json": 1}, "only one of them"),
        ({"body": {"a": 1}}, "give objects and lists as json"),
        ({"bucket": "Not A Bucket!"}, "Invalid bucket name"),
        ({"acl": "public"}, "acl is not an argument of this tool"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    error = refused(PUT, context(), **{"body": "x", **arguments})
    assert error.permanent and said in error.message


def test_without_boto3_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("boto3"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    error = refused(PUT, context(), body="x")
    assert error.permanent and "pip install -r requirements-s3.txt" in error.message
