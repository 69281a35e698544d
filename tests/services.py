"""Real servers for the tests that need them: those that answer on this machine, else private ones on free ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0


class Missing(Exception):
    """A server program that the tests need is not installed."""


@dataclass(frozen=True)
class Services:
    """Where the servers are, as the environment variables that the settings and the tests read."""

    postgres: str
    redis: str
    rabbitmq: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HIGHWAY_TEST_DATABASE_URL": self.postgres,
            "HIGHWAY_TEST_REDIS_URL": self.redis,
            "HIGHWAY_TEST_RABBITMQ_URL": self.rabbitmq,
        }


USUAL = Services(
    os.environ.get("HIGHWAY_TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
    os.environ.get("HIGHWAY_TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    os.environ.get("HIGHWAY_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
)


def usual() -> Services | None:
    """The servers at their usual addresses, if all of them let us in."""
    return (
        USUAL
        if all((postgres_answers(USUAL.postgres), broker_answers(USUAL.redis), broker_answers(USUAL.rabbitmq)))
        else None
    )


def postgres_answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def broker_answers(url: str) -> bool:
    from kombu import Connection
    from kombu.exceptions import OperationalError

    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except (OSError, OperationalError):
        return False
    return True


@contextlib.contextmanager
def private() -> Iterator[Services]:
    """Servers of our own in a temporary folder, ended with the block. Raises Missing naming what is not installed."""
    with contextlib.ExitStack() as stack:
        # Servers refuse to run as root; as root the folder therefore belongs to an account that has few rights.
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="highway-services-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o777)
        yield Services(
            stack.enter_context(postgres(folder)),
            stack.enter_context(redis(folder)),
            stack.enter_context(rabbitmq(folder)),
        )


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    port, data, sockets = free_port(), folder / "postgres", folder / "sockets"
    sockets.mkdir()
    sockets.chmod(0o777)
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": "127.0.0.1"}
    options = [f"--{key}={value}" for key, value in (settings | {"unix_socket_directories": str(sockets)}).items()]
    run_as(
        "postgres",
        [program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"],
    )
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    with running(
        as_user("postgres", [program("postgres"), "-D", str(data), "-p", str(port), *options]), folder / "postgres.log"
    ):
        wait_until(lambda: postgres_answers(url), "PostgreSQL")
        yield url


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, folder / "redis.log"):
        wait_until(lambda: broker_answers(url), "Redis")
        yield url


@contextlib.contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    port, home = free_port(), folder / "rabbitmq"
    home.mkdir()
    home.chmod(0o777)
    configuration, nothing = home / "rabbitmq.conf", home / "rabbitmq-env.conf"
    configuration.write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    nothing.touch()
    environment = {
        "HOME": str(home),
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_CONF_ENV_FILE": str(nothing),
        "RABBITMQ_NODENAME": f"highway{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    url = f"amqp://guest:guest@127.0.0.1:{port}//"
    with running([program("rabbitmq-server")], folder / "rabbitmq.log", environment):
        wait_until(lambda: broker_answers(url), "RabbitMQ")
        yield url


@contextlib.contextmanager
def running(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """The command in a process group of its own, which ends with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | (environment or {}), start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def wait_until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise Missing(f"{what} did not start within {START_SECONDS:.0f} s.")
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str) -> str:
    """Debian keeps server programs off the path; its wrapper of RabbitMQ would leave our process group."""
    debian = ["/usr/lib/rabbitmq/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    path = os.pathsep.join([*debian, os.environ.get("PATH", ""), "/usr/local/bin", "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise Missing(f"{name} is not installed.")
    return found


def as_user(user: str, command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command] if os.getuid() == 0 else command


def run_as(user: str, command: list[str]) -> None:
    subprocess.run(as_user(user, command), check=True, stdout=subprocess.DEVNULL, cwd="/")
