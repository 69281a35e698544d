from __future__ import annotations

import http.client
import logging
import logging.handlers
import os
import socket
import sys
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from highway_automation import __version__, installation
from highway_automation.base.errors import HighwayError
from highway_automation.celery import app
from highway_automation.up.first_steps import first_steps
from highway_automation.up.parts import Scheduler, Web, Worker
from highway_automation.up.supervisor import Supervisor
from highway_automation.wsgi import application

HOST = "127.0.0.1"


def up() -> int:
    """Run the product until SIGINT or SIGTERM; the exit code. A port in use or a folder in use exits with 1."""
    held = installation.lock()
    port = installation.port()
    listener = listen(port)
    installation.tell_address(settings.HIGHWAY_BASE_URL)
    log_to_file(Path(settings.VAR_DIR) / "logs")
    say(f"Highway Automation {__version__}, data in {settings.VAR_DIR}")
    try:
        first_steps(say)
    except (HighwayError, DatabaseError) as error:
        installation.refuse(f"The database can't be prepared: {error}", code=1)
    queues = [settings.HIGHWAY_QUEUE, settings.HIGHWAY_CONTROL_QUEUE]
    supervisor = Supervisor(
        [
            lambda: Web(application, listener),
            lambda: Worker(app, queues, settings.HIGHWAY_WORKER_THREADS),
            lambda: Scheduler(app),
        ]
    )
    code = supervisor.run(on_ready=lambda: announce(port))
    held.close()
    if code:
        # A thread that would not end would also keep the interpreter from ending; its rows are safe in the database.
        logging.shutdown()
        os._exit(code)
    return code


def listen(port: int) -> socket.socket:
    """The product's socket, bound before anything else is done."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # two starts at once can both bind, only one can listen
    except OSError as error:
        installation.refuse(f"Port {port} can't be used: {error.strerror}. Choose another one with PORT=…", code=1)
    return listener


def announce(port: int) -> None:
    """The first request loads the URLs; only then is the product ready."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request("GET", "/ping")
    connection.getresponse().read()
    connection.close()
    say(f"ready: http://{HOST}:{port}/")


def log_to_file(folder: Path) -> None:
    folder.mkdir(exist_ok=True, mode=0o700)
    handler = logging.handlers.RotatingFileHandler(folder / "highway.log", maxBytes=10_000_000, backupCount=5)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
