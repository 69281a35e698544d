from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from highway_automation.base import clock
from runs_app.tools import TOOLS, Park, ToolError

from .context import call, context

pytestmark = pytest.mark.django_db  # PostgreSQL tells the time there


def parked(tool: str, **arguments: Any) -> Park:
    output = TOOLS[tool].run(arguments, context())
    assert isinstance(output, Park)
    return output


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        ("2d", timedelta(days=2)),
        ("PT48H", timedelta(days=2)),
        ("1h30m", timedelta(minutes=90)),
        (90, timedelta(seconds=90)),
        ("90", timedelta(seconds=90)),
        (0.5, timedelta(seconds=0.5)),
    ],
)
def test_sleep_for_parks_for_the_duration(duration: Any, length: timedelta) -> None:
    before = clock.now()
    park = parked("tools.time.sleep_for", duration=duration)
    assert park.until is not None
    assert before + length <= park.until <= clock.now() + length
    assert park.state == {"slept_until": park.until.isoformat()}


def test_sleep_until_parks_until_the_moment_and_takes_naive_times_for_utc() -> None:
    moment = datetime(2080, 1, 31, 9, 0, tzinfo=UTC)
    assert parked("tools.time.sleep_until", timestamp="2080-01-31T09:00:00").until == moment
    assert parked("tools.time.sleep_until", timestamp="2080-01-31T11:00:00+02:00").until == moment


def test_a_time_that_has_passed_returns_at_once() -> None:
    assert call("tools.time.sleep_until", timestamp="2020-01-01") == {"slept_until": "2020-01-01T00:00:00+00:00"}
    assert "slept_until" in call("tools.time.sleep_for", duration=0)


def test_waking_gives_the_result_and_waking_early_goes_back_to_sleep() -> None:
    resume = TOOLS["tools.time.sleep_for"].resume
    assert resume is not None
    due = {"slept_until": "2020-01-01T00:00:00+00:00"}
    assert resume(due, context()) == due
    early = resume({"slept_until": "2080-01-01T00:00:00+00:00"}, context())
    assert isinstance(early, Park) and early.until == datetime(2080, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tool", "arguments", "named", "cure"),
    [
        ("tools.time.sleep_for", {}, "duration", "missing"),
        ("tools.time.sleep_for", {"duration": "soon"}, "duration", "2d"),
        ("tools.time.sleep_for", {"duration": -5}, "duration", "negative"),
        ("tools.time.sleep_for", {"duration": True}, "duration", "2d"),
        ("tools.time.sleep_until", {}, "timestamp", "missing"),
        ("tools.time.sleep_until", {"timestamp": "tomorrow"}, "timestamp", "2030-01-01T00:00:00Z"),
        ("tools.time.sleep_until", {"timestamp": "0001-01-01T00:00:00+02:00"}, "timestamp", "years"),
    ],
)
def test_wrong_times_are_refused_by_name(tool: str, arguments: dict[str, Any], named: str, cure: str) -> None:
    with pytest.raises(ToolError) as caught:
        TOOLS[tool].run(arguments, context())
    assert caught.value.permanent
    assert caught.value.message.startswith(f"{tool}: {named} ")
    assert cure in caught.value.message
