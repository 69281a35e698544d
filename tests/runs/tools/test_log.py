from __future__ import annotations

import pytest

from runs_app.tools import ToolError

from .context import Log, call, context


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_message_is_logged_and_returned(level: str) -> None:
    log = Log()
    assert call(f"tools.log.{level}", context(log=log), message="disk at 91 %") == {
        "message": "disk at 91 %",
        "level": level,
    }
    assert log.text == f"{level.upper()} disk at 91 %\n"


def test_other_values_are_written_as_json() -> None:
    assert call("tools.log.info", message={"b": [1, None], "a": "x\0"})["message"] == '{"a":"x�","b":[1,null]}'
    assert call("tools.log.info")["message"] == ""


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(ToolError, match="text is not an argument of this tool; it takes message"):
        call("tools.log.info", text="hello")
