from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from runs_app.dialect.durations import moment, seconds, wake_at

SPELLINGS = [
    (5, 5),
    (1.5, 1.5),
    ("5", 5),
    ("PT5S", 5),
    ("PT0.5S", 0.5),
    ("PT1M30S", 90),
    ("PT1.5M", 90),
    ("PT90000.0S", 90_000),
    ("P1D", 86_400),
    ("P1DT1H", 90_000),
    ("P1DT2H", 93_600),
    ("P1Y35D", 400 * 86_400),
    ("P2W", 14 * 86_400),
    ("P1M", 30 * 86_400),
    ("pt48h", 172_800),
    ("duration:90", 90),
    ("duration:90.0", 90),
    ("2d", 172_800),
    ("48 hours", 172_800),
    ("1h30m", 5_400),
    ("1 hour, 30 minutes", 5_400),
    ("250ms", 0.25),
    ("1:30:00", 5_400),
    ("1 day, 1:00:00", 90_000),
    ({"seconds": 5}, 5),
    ({"hours": 1, "minutes": 30}, 5_400),
]


@pytest.mark.parametrize(("spelling", "expected"), SPELLINGS)
def test_every_spelling_of_a_duration_is_understood(spelling: object, expected: float) -> None:
    assert seconds(spelling) == expected


@pytest.mark.parametrize("spelling", [value for value, length in SPELLINGS if length == int(length)])
def test_whole_seconds_are_integers(spelling: object) -> None:
    assert isinstance(seconds(spelling), int)


@pytest.mark.parametrize(
    "wrong",
    [
        "", "soon", "PT5", "P", "PT", "P1DT", "5 apples", "PT5S PT5S", "1h-30m", True, None, [], {}, {"years": 1},
        {"seconds": "5"}, {"seconds": True}, "9" * 5_000, float("inf"), float("nan"), -1,
        "-PT5S", "-5", "P200Y", 10**300,
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="duration|longer"):
        seconds(wrong)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_000)))
def test_the_library_s_own_texts_keep_their_length(length: timedelta) -> None:
    text = TypeAdapter(timedelta).dump_python(length, mode="json")
    assert seconds(text) == pytest.approx(length.total_seconds(), abs=1e-6)


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert seconds(text) >= 0
    except ValueError as error:
        assert "duration" in str(error) or "hundred years" in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00+00:00"),
        ("2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00"),
        ("2030-01-01", "2030-01-01T00:00:00+00:00"),
        ("2030-01-01T02:00:00+02:00", "2030-01-01T02:00:00+02:00"),
        ("datetime:2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00"),
    ],
)
def test_moments_without_a_zone_are_utc(text: str, expected: str) -> None:
    assert moment(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0000-01-01", "10000-01-01T00:00:00Z", "-0044-03-15"],
)
def test_a_moment_that_utc_has_no_date_for_is_refused(text: str) -> None:
    for read in (moment, lambda value: wake_at(value, NOON)):
        with pytest.raises(ValueError, match="outside of the years 1 to 9999 in UTC"):
            read(text)


NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (90, "2030-01-31T12:01:30+00:00"),
        ("2d", "2030-02-02T12:00:00+00:00"),
        ("2030-02-01", "2030-02-01T00:00:00+00:00"),
        ("time:12:30", "2030-01-31T12:30:00+00:00"),
        ("time:12:00:00", "2030-02-01T12:00:00+00:00"),
        ("time:04:00:00", "2030-02-01T04:00:00+00:00"),
    ],
)
def test_a_wait_ends_at_a_moment_after_a_while_or_at_the_next_such_time(value: object, expected: str) -> None:
    assert wake_at(value, NOON).isoformat() == expected
