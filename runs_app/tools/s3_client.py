"""A client of S3 whose every request goes through our own guard: boto3 makes and signs them, we send them.

botocore asks `before-send` whether somebody else sends a request; nothing of its own opens a connection. Credentials,
configuration files, profiles and endpoints of the machine are not looked at: a workflow has only what it is given.
"""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpcore

from runs_app.tools.arguments import Given, time_limit
from runs_app.tools.base import ToolContext, ToolError
from runs_app.tools.deadline import Deadline, TimedOut
from runs_app.tools.pinned import Transport

COMMON = ("bucket", "key", "endpoint_url", "region", "access_key", "secret_key", "session_token", "timeout")
SECONDS = 900.0
REGION = "us-east-1"
PART = 8 * 1024 * 1024
"""Bytes of one part of a large upload; S3 takes at most 10,000 parts, so larger files get larger ones."""
MOST_PARTS = 9_000
RETRIED = {"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "Throttling", "ThrottlingException"}
UNREACHED = (TimedOut, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
INSTALL = "boto3 is not installed on this worker. Install it with: {} -m pip install -r requirements-s3.txt"


class Call:
    """One call of one step: its arguments, its deadline, and a client of S3 for it."""

    def __init__(self, given: Given, context: ToolContext) -> None:
        self.given, self.context = given, context
        self.bucket, self.key = given.text("bucket", given.required("bucket")), given.text("key", given.required("key"))
        self.deadline = Deadline(time_limit(given.seconds("timeout"), context, SECONDS))
        self.transport = Transport(context, self.deadline)
        self.client = self._client()

    def perform(self, work: Callable[[], Any]) -> Any:
        """What `work` gives; its failures as the step's.

        Raises:
            ToolError: refused by the store or by our guard, not reached, out of time, cancelled.
        """
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

        try:
            return work()
        except ClientError as error:
            raise self._refused(error) from None
        except (BotoCoreError, *UNREACHED) as error:
            if self.context.cancelled.is_set():
                raise ToolError(f"{self.given.tool}: cancelled; the connection was closed.") from None
            lasting = isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError | IncompleteReadError)
            raise ToolError(f"{self.given.tool}: {self.where}: {error}", permanent=lasting) from None
        except ValueError as error:  # a name that no bucket can have
            raise ToolError(f"{self.given.tool}: {error}", permanent=True) from None
        finally:
            self.transport.close()

    @property
    def where(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def _refused(self, error: Any) -> ToolError:
        code, status = error.response["Error"].get("Code", ""), error.response["ResponseMetadata"]["HTTPStatusCode"]
        message = error.response["Error"].get("Message") or "no reason given"
        lasting = status < 500 and status != 429 and code not in RETRIED
        return ToolError(f"{self.given.tool}: {self.where}: {code}: {message} ({status})", permanent=lasting)

    def _client(self) -> Any:
        given = self.given
        try:
            import boto3.session
            import botocore.session
            from botocore.config import Config
        except ImportError:
            raise ToolError(f"{given.tool}: {INSTALL.format(sys.executable)}", permanent=True) from None
        endpoint = given.text("endpoint_url")
        if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
            raise given.refusal("endpoint_url", f"must begin with http:// or https://, not {endpoint!r}")
        nowhere = (None, None, os.devnull, None)
        core = botocore.session.Session({"config_file": nowhere, "credentials_file": nowhere, "profile": (None,) * 4})
        core.register_component("data_loader", _models())
        config = Config(
            retries={"total_max_attempts": 1},  # the step's own retry_policy decides
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",  # other stores than Amazon's know no trailing checksums
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
        )
        client = boto3.session.Session(botocore_session=core).client(
            "s3",
            region_name=given.text("region") or REGION,
            endpoint_url=endpoint or None,
            aws_access_key_id=given.text("access_key", given.required("access_key")),
            aws_secret_access_key=given.text("secret_key", given.required("secret_key")),
            aws_session_token=given.text("session_token") or None,
            config=config,
        )
        client.meta.events.register("before-send.s3", self._send)
        return client

    def _send(self, request: Any, **_: Any) -> Any:
        """Send a signed request exactly as it is, over our transport, to an address that our guard has checked."""
        from botocore.awsrequest import AWSResponse

        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}".encode("ascii")
        url = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
        given = {name: _text(value) for name, value in request.headers.items() if name.lower() != "expect"}
        headers = {"Host": parts.netloc.rpartition("@")[2], "Accept-Encoding": "identity", **given}
        if not any(name.lower() in ("content-length", "transfer-encoding") for name in headers):
            headers["Content-Length"] = "0"
        answer = self.transport.pool.handle_request(
            httpcore.Request(request.method, url, headers=list(headers.items()), content=_chunks(request.body))
        )
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        return AWSResponse(request.url, answer.status, _case_insensitive(named), Raw(answer))


@functools.cache
def _models() -> Any:
    """What botocore knows of S3: reading it takes longer than everything else a client is made of."""
    from botocore.loaders import Loader

    return Loader()


def _chunks(body: Any) -> Iterator[bytes]:
    if body is None:
        return
    if isinstance(body, bytes | bytearray | str):
        yield body.encode() if isinstance(body, str) else bytes(body)
        return
    while chunk := body.read(64 * 1024):
        yield chunk


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _case_insensitive(headers: dict[str, str]) -> Any:
    from botocore.awsrequest import HeadersDict

    found = HeadersDict()
    for name, value in headers.items():
        found[name] = value
    return found


class Raw(io.RawIOBase):
    """An answer's body as botocore wants to read it."""

    def __init__(self, answer: httpcore.Response) -> None:
        self.answer, self.parts, self.rest = answer, answer.iter_stream(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, **_: Any) -> bytes:
        pieces, wanted = [self.rest], size if size is not None and size >= 0 else sys.maxsize
        held = len(self.rest)
        while held < wanted and (part := next(self.parts, b"")):
            pieces.append(part)
            held += len(part)
        data = b"".join(pieces)
        self.rest = data[wanted:]
        return data[:wanted]

    def stream(self, size: int = 65_536, **_: Any) -> Iterator[bytes]:
        while data := self.read(size):
            yield data

    def close(self) -> None:
        self.answer.close()
        super().close()
