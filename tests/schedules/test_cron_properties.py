"""What holds for every interval, macro, seconds field, hash and single time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules_app import cron
from schedules_app.cron.spec import MACROS
from schedules_app.cron.ticks import EPOCH

pytestmark = pytest.mark.once
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(st.integers(0, 2), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59), ZONES, MOMENTS)
def test_an_interval_is_counted_from_the_epoch(
    days: int, hours: int, minutes: int, seconds: int, zone: str, after: datetime
) -> None:
    every = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    ticks = cron.next_ticks(cron.parse(f"@every {days}d{hours}h{minutes}m{seconds}s", zone), after, 5)
    assert [(tick.at - EPOCH) % every for tick in ticks] == [timedelta(0)] * 5
    assert after < ticks[0].at <= after + every
    assert {later.at - tick.at for tick, later in zip(ticks, ticks[1:], strict=False)} == {every}
    assert cron.next_ticks(cron.parse(f"@every {int(every.total_seconds())}s"), after, 5) == ticks


@FEW
@given(st.sampled_from(sorted(MACROS)), ZONES, MOMENTS)
def test_a_macro_means_its_fields(macro: str, zone: str, after: datetime) -> None:
    meant = cron.next_ticks(cron.parse(MACROS[macro], zone), after, 3)
    assert cron.next_ticks(cron.parse(macro, zone), after, 3) == meant


@FEW
@given(st.integers(0, 59), st.integers(0, 59), st.integers(0, 23), ZONES, MOMENTS)
def test_the_sixth_field_is_the_second(second: int, minute: int, hour: int, zone: str, after: datetime) -> None:
    spec = cron.parse(f"{minute} {hour} * * * {second}", zone, gap="skip")
    for tick in cron.next_ticks(spec, after, 3):
        local = tick.at.astimezone(spec.zone)
        assert tick.at > after and (local.hour, local.minute, local.second) == (hour, minute, second)


@FEW
@given(st.integers(1, 30), MOMENTS)
def test_seconds_come_at_the_second(step: int, after: datetime) -> None:
    ticks = cron.next_ticks(cron.parse(f"* * * * * */{step}"), after, 10)
    assert all(tick.at.second % step == 0 and not tick.at.microsecond for tick in ticks)
    assert ticks[0].at - after <= timedelta(seconds=step)


@FEW
@given(st.text(min_size=1, max_size=20), ZONES, MOMENTS)
def test_a_hash_keeps_its_place(seed: str, zone: str, after: datetime) -> None:
    spec = cron.parse("H H * * *", zone, seed=seed)
    walls = {tick.at.astimezone(spec.zone).time() for tick in cron.next_ticks(spec, after, 5) if not tick.note}
    assert len(walls) == 1
    assert cron.next_ticks(spec, after, 5) == cron.next_ticks(cron.parse("H H * * *", zone, seed=seed), after, 5)


@FEW
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    ZONES,
    st.sampled_from(list(cron.Gap)),
    st.sampled_from(list(cron.Overlap)),
    MOMENTS,
)
def test_once_is_once(local: datetime, zone: str, gap: str, overlap: str, after: datetime) -> None:
    spec = cron.parse(f"@at {local}", zone, gap=gap, overlap=overlap)
    ticks = cron.next_ticks(spec, datetime(1999, 1, 1, tzinfo=UTC), 5)
    assert len(ticks) == 1 or (gap == "skip" and not ticks)
    assert cron.next_ticks(spec, after, 5) == [tick for tick in ticks if tick.at > after]
    assert all(tick.note or tick.at.astimezone(spec.zone).replace(tzinfo=None) == local for tick in ticks)


@FEW
@given(MOMENTS.map(lambda at: at.replace(microsecond=0)), ZONES, MOMENTS)
def test_once_with_an_offset_means_that_moment(at: datetime, zone: str, after: datetime) -> None:
    ticks = cron.next_ticks(cron.parse(f"@at {at.isoformat()}", zone), after, 2)
    assert [tick.at for tick in ticks] == ([at] if at > after else [])
