"""The product as separate processes (web, worker, scheduler) on real servers, its mail going to a real SMTP server."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.stack import Stack
from tests import services
from tests.e2e.pages import Browser
from tests.services import free_port

WAIT_SECONDS = 45
PASSWORD = "correct horse battery staple"
ADMIN = "root"
OURS = "highway:tests"
LOCK_SECONDS = 1800


@dataclass
class Mailbox:
    """What arrived at the SMTP server."""

    envelopes: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 OK"

    def messages(self, domain: str) -> list[EmailMessage]:
        """Those to this domain, so that tests can share the server."""
        contents = [it.content for it in self.envelopes if it.rcpt_tos[0].endswith(f"@{domain}")]
        return [email.message_from_bytes(content, policy=email.policy.default) for content in map(as_bytes, contents)]

    def sent(self, domain: str) -> Counter[tuple[str, str]]:
        """How often each recipient got which subject."""
        return Counter((message["To"], message["Subject"]) for message in self.messages(domain))


def as_bytes(content: str | bytes | None) -> bytes:
    assert isinstance(content, bytes)
    return content


class Product(Stack):
    """`with Product().running() as product:`; processes of its own on a new database of the services under test."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mail_port = free_port()
        self.mailbox = Mailbox()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            HIGHWAY_BASE_URL=self.url,
            HIGHWAY_EMAIL_URL=f"smtp://127.0.0.1:{self.mail_port}",
            HIGHWAY_DB_POOL="10",
            DJANGO_SUPERUSER_USERNAME=ADMIN,
            DJANGO_SUPERUSER_EMAIL="root@example.com",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        self.moved = 0.0

    @contextlib.contextmanager
    def running(self) -> Iterator[Product]:
        with contextlib.ExitStack() as stack:
            self.database_url = stack.enter_context(new_database())
            self.broker_url = stack.enter_context(own_redis())
            controller = Controller(self.mailbox, hostname="127.0.0.1", port=self.mail_port)
            controller.start()
            stack.callback(controller.stop)
            stack.enter_context(self)
            yield self

    def __enter__(self) -> Product:
        try:
            self.manage("migrate", "--verbosity", "0")
            parts = [self.web(self.port), self.worker(), self.scheduler()]
            for part in parts:
                part.start()
            self.manage("createsuperuser", "--noinput")
            self.until(self.is_well, "all parts to be well")
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """All are told at once, then waited for one by one."""
        for process in self.processes:
            if process.running is not None:
                process.send(signal.SIGTERM)
        super().__exit__(*error)

    def is_well(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return bool(httpx.get(f"{self.url}/api/v1/health").json()["data"]["status"] == "healthy")
        return False

    def until(self, holds: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait for a condition, with the ends of the processes' logs in the failure."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"Waited {seconds:g} s in vain for {what}.\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    def move_clock(self, seconds: float) -> None:
        """The business clock of every process, forward."""
        self.moved += seconds
        part = self.clock_file.with_suffix(".part")
        part.write_text(str(self.moved))
        part.replace(self.clock_file)

    def move_clock_to(self, moment: datetime) -> None:
        """Where it is not later already."""
        here = datetime.now(UTC) + timedelta(seconds=self.moved)
        self.move_clock(max((moment - here).total_seconds(), 0.0))

    def browser(self, user: str = ADMIN, password: str = PASSWORD) -> Browser:
        browser = Browser(self.url)
        browser.login(user, password)
        return browser

    def key(self, root: Browser, tenant: str, role: str = "admin") -> str:
        """A new API key, made over the API by the superuser."""
        headers = {"X-Tenant": tenant}
        answer = root.post_json("/api/v1/admin/api-keys", {"name": f"{role} of tests", "role": role}, headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["api_key"])

    def api(self, key: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=30)


@contextlib.contextmanager
def new_database() -> Iterator[str]:
    """On the PostgreSQL server under test, dropped with the block."""
    server, name = services.USUAL.postgres, f"highway_e2e_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextlib.contextmanager
def own_redis() -> Iterator[str]:
    """A numbered database of the Redis server under test, empty or used so before; emptied at the end."""
    url = urlsplit(services.USUAL.redis)
    for number in range(15, 0, -1):
        with redis.Redis.from_url(urlunsplit(url._replace(path=f"/{number}"))) as client:
            if not client.set(f"{OURS}:lock", os.getpid(), nx=True, ex=LOCK_SECONDS):
                continue
            if client.dbsize() > 1 and not client.exists(OURS):
                client.delete(f"{OURS}:lock")
                continue
            client.set(OURS, 1)
            try:
                yield urlunsplit(url._replace(path=f"/{number}"))
            finally:
                client.flushdb()
            return
    raise AssertionError("Redis has no numbered database that is empty.")
