from __future__ import annotations

from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from highway_automation.wsgi import application


def answer(method: str, path: str) -> tuple[dict[str, str], bytes]:
    """What goes over the wire; Django's test client drops bodies by itself."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    setup_testing_defaults(environ)
    told: dict[str, str] = {}

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        told.update(headers)
        return len

    return told, b"".join(application(environ, start))


@pytest.mark.django_db  # the start of a request looks after a connection that an earlier test left open
@pytest.mark.parametrize("path", ["/ping", "/api/v1/templates"])
def test_a_head_request_gets_the_headers_of_get_and_no_body(path: str) -> None:
    headers, body = answer("GET", path)
    assert body
    assert answer("HEAD", path) == (headers, b"")
