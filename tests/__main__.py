"""`make test`: the suite on SQLite with the in-process broker, then again on PostgreSQL with real services.

The second pass runs where PostgreSQL, Redis and RabbitMQ answer at their usual addresses. With REQUIRE_SERVICES=1 it
always runs, on private servers where the usual ones do not answer, and its lack is a failure.
Arguments are handed to pytest.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from tests import services

PROCESSES = "2"


def main(arguments: list[str]) -> int:
    first = suite("SQLite", ["-m", "not postgres and not services"], {}, arguments)
    try:
        with found_services() as servers:
            if servers is None:
                say(
                    "PostgreSQL, Redis or RabbitMQ does not answer: this pass is left out (REQUIRE_SERVICES=1 insists)."
                )
                return first
            return suite("PostgreSQL", ["-m", "not once"], servers.environment, arguments) or first
    except services.Missing as error:
        say(f"REQUIRE_SERVICES=1, but {error}")
        return 1


def found_services() -> contextlib.AbstractContextManager[services.Services | None]:
    servers = services.usual()
    if servers is None and os.environ.get("REQUIRE_SERVICES", "") not in {"", "0"}:
        return services.private()
    return contextlib.nullcontext(servers)


def suite(database: str, selection: list[str], environment: dict[str, str], arguments: list[str]) -> int:
    say(f"--- the suite on {database}")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HIGHWAY_TEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-n", PROCESSES, "--dist", "loadfile", *selection, *arguments]
    return subprocess.run(command, env=kept | environment).returncode


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
