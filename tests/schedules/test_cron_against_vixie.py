from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from schedules_app import cron
from tests.schedules import vixie

pytestmark = pytest.mark.once
CHANGES = {  # the nearest UTC days on which the clock changes
    "Europe/Berlin": (datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2027, 3, 28)),
    "America/New_York": (datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2027, 3, 14)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4), datetime(2026, 10, 3), datetime(2027, 4, 3)),
}
AWKWARD = (
    "30 2 * * *",
    "0 2 * * *",
    "15 2 * * *",
    "*/15 2 * * *",
    "*/20 1-3 * * *",
    "30 0-23 * * *",
    "0,30 * * * *",
    "30 * * * *",
    "*/15 * * * *",
    "5 2,3 * * *",
    "0 0 * * *",
    "1-59/7 1,2 * * *",
    "0 2 29 3 0",
    "0 2 */2 * 0",
    "59 1 * * sun",
    "0 3 * * 7",
    "45 1-3 25-31 mar,oct sun",
    "* 2 * * *",
    "* * * * *",
)


def ours(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    spec = cron.parse(expression, zone)
    return [tick.at for tick in takewhile(lambda tick: tick.at <= end, cron.iter_ticks(spec, start))]


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("expression", AWKWARD)
def test_change_days_are_as_in_cron(zone: str, expression: str) -> None:
    for day in CHANGES[zone]:
        start = day.replace(tzinfo=UTC) - timedelta(hours=12)
        end = start + timedelta(days=2)
        assert ours(expression, zone, start, end) == vixie.fires(expression, zone, start, end), day


def field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, high + 2)
    stepped = st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}")
    single = st.one_of(number.map(str), span, stepped, *([st.sampled_from(names)] if names else []))
    several = st.lists(single, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), step.map(lambda n: f"*/{n}"), several)


expressions = st.tuples(
    field(0, 59),
    st.one_of(field(0, 23), field(0, 4)),
    field(1, 31),
    st.one_of(st.just("*"), field(1, 12, ("mar", "apr", "oct", "nov"))),
    field(0, 7, ("sun", "mon", "sat")),
).map(" ".join)
windows = st.sampled_from(sorted(CHANGES)).flatmap(
    lambda zone: st.tuples(
        st.just(zone),
        st.one_of(st.sampled_from(CHANGES[zone]), st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1))),
    )
)


@settings(max_examples=200, deadline=None)
@given(expressions, windows)
@example("0 0 1-7 * 1-7/3", ("Europe/Berlin", datetime(2026, 3, 29)))
def test_any_expression_is_as_in_cron(expression: str, window: tuple[str, datetime]) -> None:
    zone, day = window
    start = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) - timedelta(hours=12)
    end = start + timedelta(days=2)
    assume(possible(expression))
    assert ours(expression, zone, start, end) == vixie.fires(expression, zone, start, end)


@settings(max_examples=150, deadline=None)
@given(
    expressions,
    st.sampled_from(sorted(CHANGES)),
    st.integers(0, 2),
    st.integers(0, 2 * 86_400),
    st.sampled_from(cron.Gap),
    st.sampled_from(cron.Overlap),
)
def test_asking_from_anywhere_gives_the_same_ticks(
    expression: str, zone: str, which: int, seconds: int, gap: cron.Gap, overlap: cron.Overlap
) -> None:
    assume(possible(expression))
    spec = cron.parse(expression, zone, gap=gap, overlap=overlap)
    start = CHANGES[zone][which].replace(tzinfo=UTC) - timedelta(hours=12)
    end = start + timedelta(days=2)
    whole = list(takewhile(lambda tick: tick.at <= end, cron.iter_ticks(spec, start)))
    after = start + timedelta(seconds=seconds)
    assert cron.first_tick(spec, after) == next((tick for tick in whole if tick.at > after), cron.first_tick(spec, end))


def possible(expression: str) -> bool:
    try:
        cron.parse(expression)
    except cron.CronError as refusal:
        assert "never comes" in str(refusal)
        return False
    return True
