"""A private installation for measurements and chaos: its own PostgreSQL and broker, and real product processes.

Everything listens on free loopback ports, lives in a temporary folder and ends with the script.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from tests.services import as_user, broker_answers, free_port, postgres_answers, program, run_as

ROOT = Path(__file__).resolve().parent.parent
FERNET_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@dataclass
class Process:
    """One process (group) that can be started, killed, frozen and started again."""

    name: str
    command: list[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    running: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> Process:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        wait_until(self.ready, f"{self.name} to be ready", seconds)
        return self

    @property
    def pid(self) -> int:
        if self.running is None:
            raise RuntimeError(f"{self.name} is not running")
        return self.running.pid

    def send(self, what: signal.Signals) -> None:
        """To the main process alone."""
        os.kill(self.pid, what)

    def kill(self) -> None:
        """SIGKILL to the whole group, as when the machine goes."""
        self._group(signal.SIGKILL)

    def stop(self, seconds: float = 30) -> None:
        if self.running is None:
            return
        self.running.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.running.wait(seconds)
        self._group(signal.SIGKILL)

    def _group(self, what: signal.Signals) -> None:
        if self.running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, what)
        self.running.wait()
        self.running = None


class Stack:
    """`with Stack(broker="redis") as stack: stack.worker().start()`."""

    def __init__(self, broker: str = "redis", **settings: str) -> None:
        self.broker_kind = broker
        self.settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="highway-bench-"))
        self.folder.chmod(0o777)
        self.processes: list[Process] = []
        self.clock_file = self.folder / "clock-offset"

    def __enter__(self) -> Self:
        try:
            self.postgres = self._postgres().start()
            self.broker = (self._redis() if self.broker_kind == "redis" else self._rabbitmq()).start(120)
            self.manage("migrate", "--verbosity", "0")
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for process in reversed(self.processes):
            process.stop()
        if error[0] is None or not os.environ.get("KEEP_LOGS"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HIGHWAY_DEBUG": "1",
            "VAR_DIR": str(self.folder / "var"),
            "HIGHWAY_SECRET_KEY": "a-private-installation-for-measurements",
            "HIGHWAY_ENCRYPTION_KEYS": FERNET_KEY,
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "HIGHWAY_CLOCK_OFFSET_FILE": str(self.clock_file),
            **self.settings,
        }

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def worker(self, name: str = "worker", threads: int = 8) -> Process:
        queues = ["-Q", "highway_internal,highway_control", "--pool", "threads", "-c", "4"]
        quiet = [
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-l",
            "WARNING",
            "-n",
            f"{name}@localhost",
        ]
        command = [sys.executable, "-m", "celery", "-A", "highway_automation", "worker", *queues, *quiet]
        return self._product(name, command, HIGHWAY_WORKER_THREADS=str(threads))

    def scheduler(self, name: str = "scheduler") -> Process:
        files = ["--pidfile", str(self.folder / f"{name}.pid"), "-s", str(self.folder / name)]
        command = [sys.executable, "-m", "celery", "-A", "highway_automation", "beat", "-l", "WARNING", *files]
        return self._product(name, command)

    def web(self, port: int = 0) -> Process:
        """The web server, on a free port unless one is named; its address is `web_url`."""
        port = port or free_port()
        self.web_url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        process = self._product("web", [*command, "--no-ws", "highway_automation.wsgi:application"])
        process.ready = lambda: answers(f"{self.web_url}/ping")
        return process

    def _product(self, name: str, command: list[str], **settings: str) -> Process:
        return self._added(Process(name, command, self.folder, {**self.environment, **settings}))

    def _added(self, process: Process) -> Process:
        self.processes.append(process)
        return process

    def _postgres(self) -> Process:
        port, data, sockets = free_port(), self.folder / "postgres", self.folder / "sockets"
        sockets.mkdir()
        sockets.chmod(0o777)
        self.database_url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        run_as("postgres", [program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"])
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(sockets), "max_connections": "200"}
        options = [f"--{key}={value}" for key, value in settings.items()]
        command = as_user("postgres", [program("postgres"), "-D", str(data), "-p", str(port), *options])
        return self._added(Process("postgres", command, self.folder, ready=lambda: postgres_answers(self.database_url)))

    def _redis(self) -> Process:
        port = free_port()
        self.broker_url = f"redis://127.0.0.1:{port}/0"
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--dir", str(self.folder)]
        return self._added(Process("redis", command, self.folder, ready=lambda: broker_answers(self.broker_url)))

    def _rabbitmq(self) -> Process:
        port, home = free_port(), self.folder / "rabbitmq"
        home.mkdir()
        home.chmod(0o777)
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
        (home / "rabbitmq-env.conf").touch()
        self.broker_url = f"amqp://guest:guest@127.0.0.1:{port}//"
        environment = {
            "HOME": str(home),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
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
        command = [program("rabbitmq-server")]
        ready = lambda: broker_answers(self.broker_url)  # noqa: E731
        return self._added(Process("rabbitmq", command, self.folder, environment, ready=ready))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s in vain for {what}.")
        time.sleep(0.05)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
