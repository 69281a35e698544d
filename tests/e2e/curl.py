"""`curl` itself, as a person at a shell asks the API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRINT = r"\n%{http_code} %{content_type}"
JSON_BODY = "Content-Type: application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Curl:
    """`ask("POST", "/templates/{name}/run", {"inputs": {}}, name="greet")`; `slash` ends every path."""

    url: str
    headers: tuple[str, ...] = ()
    slash: str = ""
    jar: Path | None = None
    asked: set[tuple[str, str]] = field(default_factory=set)

    def __call__(
        self, method: str, endpoint: str, body: Any = None, *, headers: tuple[str, ...] = (), **where: Any
    ) -> Answer:
        """A text as body is sent as it is, anything else as JSON."""
        self.asked.add((method, endpoint))
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        sent = (*self.headers, *headers, *self.csrf(method))
        if text is not None and not any(header.startswith("Content-Type") for header in headers):
            sent += (JSON_BODY,)
        return self.run(method, f"/api/v1{endpoint.format(**where)}{self.slash}", sent, text)

    def run(self, method: str, path: str, headers: tuple[str, ...], body: str | None, *options: str) -> Answer:
        command = ["curl", "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--request", method]
        command += ["--write-out", PRINT, *options]
        command += [part for header in headers for part in ("--header", header)]
        command += ["--cookie", str(self.jar), "--cookie-jar", str(self.jar)] if self.jar else []
        command += ["--data-binary", "@-"] if body is not None else []
        done = subprocess.run(
            [*command, f"{self.url}{path}"], input=(body or "").encode(), capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        text, _, told = done.stdout.decode().rpartition("\n")
        status, _, content_type = told.partition(" ")
        return Answer(int(status), content_type, text)

    def csrf(self, method: str) -> tuple[str, ...]:
        cookies = self.cookies()
        return (f"X-CSRFToken: {cookies['csrftoken']}",) if "csrftoken" in cookies and method != "GET" else ()

    def cookies(self) -> Mapping[str, str]:
        """What the jar holds: seven columns, the last two are name and value."""
        if self.jar is None or not self.jar.exists():
            return {}
        lines = [line.split("\t") for line in self.jar.read_text().splitlines()]
        return {line[5]: line[6] for line in lines if len(line) == 7}

    def login(self, user: str, password: str) -> None:
        """Sign in at the admin's page; the jar keeps the session."""
        assert self.run("GET", "/admin/login/", (), None).status == 200
        form = {"username": user, "password": password, "csrfmiddlewaretoken": self.cookies()["csrftoken"]}
        options = [part for name, value in form.items() for part in ("--data-urlencode", f"{name}={value}")]
        assert self.run("POST", "/admin/login/", (), None, *options).status == 302
        assert "sessionid" in self.cookies()
