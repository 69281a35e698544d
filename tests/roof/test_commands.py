"""Every command of the product answers wrong usage with exit code 2 and the reason on stderr."""

from __future__ import annotations

import pytest
from django.core.management import execute_from_command_line, get_commands

from tests.layout import ROOMS

OURS = sorted(name for name, app in get_commands().items() if app in ROOMS)


def test_the_commands_scripts_rely_on_are_there() -> None:
    assert {"up", "import_templates", "run_template", "emit_event", "create_tenant", "create_api_key"} <= set(OURS)


@pytest.mark.parametrize("command", OURS)
def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute_from_command_line(["manage.py", command, "--no-such-option"])
    printed = capsys.readouterr()

    assert (stopped.value.code, printed.out) == (2, "")
    assert "--no-such-option" in printed.err or "required" in printed.err
