from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schedules_app import cron

pytestmark = pytest.mark.once
BERLIN = "Europe/Berlin"
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)


def wall(spec: cron.CronSpec, after: datetime, count: int) -> list[str]:
    return [tick.at.astimezone(spec.zone).strftime("%d %H:%M:%S%z") for tick in cron.next_ticks(spec, after, count)]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 3 * * 0", "2026-11-23", ["2026-11-29T03:00:00", "2026-12-06T03:00:00"]),
        ("*/5 * * * *", "2026-11-23", ["2026-11-23T00:05:00", "2026-11-23T00:10:00"]),
        ("0 0 13 * 5", "2026-02-01", ["2026-02-06T00:00:00", "2026-02-13T00:00:00"]),
        ("0 0 */2 * 1", "2026-11-01", ["2026-11-09T00:00:00", "2026-11-23T00:00:00"]),
        ("0 0 L * *", "2028-02-01", ["2028-02-29T00:00:00", "2028-03-31T00:00:00"]),
        ("0 9 * * 5#2", "2026-11-01", ["2026-11-13T09:00:00", "2026-12-11T09:00:00"]),
        ("0 9 * * L5", "2026-11-01", ["2026-11-27T09:00:00", "2026-12-25T09:00:00"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29T00:00:00", "2108-02-29T00:00:00"]),
        ("0 0 2 * * 10,20", "2026-11-01", ["2026-11-02T00:00:10", "2026-11-02T00:00:20"]),
        ("5-5 4-4/2 * * *", "2026-11-01", ["2026-11-01T04:05:00", "2026-11-02T04:05:00"]),
        ("0 22-1 * * *", "2026-11-01T21:30", ["2026-11-01T22:00:00", "2026-11-01T23:00:00", "2026-11-02T00:00:00"]),
        ("0 0 * * sun-sun", "2026-11-23", ["2026-11-29T00:00:00", "2026-12-06T00:00:00"]),
        ("@daily", "2026-11-23", ["2026-11-24T00:00:00", "2026-11-25T00:00:00"]),
        ("@Hourly", "2026-11-23T00:00:01", ["2026-11-23T01:00:00"]),
        ("  @every   5m ", "2026-11-23T00:02", ["2026-11-23T00:05:00", "2026-11-23T00:10:00"]),
        ("@every 300s", "2026-11-23T00:05", ["2026-11-23T00:10:00"]),
        ("@every 1h30m", "1970-01-01", ["1970-01-01T01:30:00", "1970-01-01T03:00:00"]),
        ("* * * * *", "2026-11-23T00:00:59.999999", ["2026-11-23T00:01:00", "2026-11-23T00:02:00"]),
        ("* * * * * *", "2026-11-23T00:00:59.5", ["2026-11-23T00:01:00", "2026-11-23T00:01:01"]),
        ("0 0 1 1 *", "2026-12-31T23:59:59", ["2027-01-01T00:00:00", "2028-01-01T00:00:00"]),
    ],
)
def test_next_ticks_in_utc(expression: str, after: str, expected: list[str]) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    ticks = cron.next_ticks(cron.parse(expression), start, len(expected))
    assert [tick.at.replace(tzinfo=None).isoformat() for tick in ticks] == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("* * * *", "this one has 4"),
        ("* * * * * * *", "this one has 7"),
        ("61 * * * *", "minute: '61' is not valid"),
        ("* 24 * * *", "hour: '24' is not valid"),
        ("* * 0 * *", "day of month: '0' is not valid"),
        ("* * * 13 *", "month: '13' is not valid"),
        ("* * * * 8", "day of week: '8' is not valid"),
        ("* * * * * 60", "second: '60' is not valid"),
        ("*/0 * * * *", "minute: '*/0' is not valid"),
        ("-1 * * * *", "minute: '-1' is not valid"),
        ("* * * * 5#6", "day of week: '5#6' is not valid"),
        ("1,* * * * *", "'*' cannot stand in a list"),
        ("R * * * *", "'R' would differ at every look"),
        ("r(0-9)/3 * * * *", "'R' would differ at every look"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("@reboot", "is not known"),
        ("@every", "takes a duration"),
        ("@every 5", "takes a duration"),
        ("@every 0s", "from 1 second"),
        ("@every 999999999d", "from 1 second"),
        ("٣ * * * *", "cannot stand in a cron expression"),
        ("@every ٣m", "cannot stand in a cron expression"),
        ("0\u00a00 * * *", "cannot stand in a cron expression"),
        ("@at", "'@at' takes a time"),
        ("@at tomorrow", "'@at' takes a time"),
        ("@at 2026-02-30 09:00", "day is out of range"),
        ("@at 2026-12-01 25:00", "hour must be in"),
        ("@at 9999-12-31 09:00", "takes a year from 1970"),
        ("0 0 * * *\n", "cannot stand in a cron expression"),
        ("__import__('os') * * * *", "minute:"),
        ("0 0 * * " + "1," * 60 + "1", "longer than 100"),
    ],
)
def test_refusals_say_why(expression: str, reason: str) -> None:
    with pytest.raises(cron.CronError, match=".*") as refusal:
        cron.parse(expression)
    assert reason in str(refusal.value)
    assert refusal.value.field == "cron_expression"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe", "/etc/localtime", "localtime", "a\0b"])
def test_unknown_zones_are_refused(zone: str) -> None:
    with pytest.raises(cron.CronError, match="is not a time zone") as refusal:
        cron.parse("@daily", zone)
    assert refusal.value.field == "timezone"


def test_unknown_policies_are_refused() -> None:
    with pytest.raises(cron.CronError, match="'never' is not one of cron, skip, shift") as refusal:
        cron.parse("@daily", gap="never")
    assert refusal.value.field == "dst_gap"


@pytest.mark.parametrize(
    ("expression", "gap", "expected"),
    [
        ("30 2 * * *", "cron", ["29 03:00:00+0200", "30 02:30:00+0200"]),
        ("30 2 * * *", "skip", ["30 02:30:00+0200", "31 02:30:00+0200"]),
        ("30 2 * * *", "shift", ["29 03:30:00+0200", "30 02:30:00+0200"]),
        ("0,30 2 * * *", "cron", ["29 03:00:00+0200", "30 02:00:00+0200"]),
        ("0,30 2 * * *", "shift", ["29 03:00:00+0200", "29 03:30:00+0200", "30 02:00:00+0200"]),
        ("*/30 2 * * *", "cron", ["30 02:00:00+0200", "30 02:30:00+0200"]),
        ("*/30 2 * * *", "shift", ["29 03:00:00+0200", "29 03:30:00+0200", "30 02:00:00+0200"]),
        ("0 0 * * *", "cron", ["29 00:00:00+0100", "30 00:00:00+0200"]),
        ("30 2,3 * * *", "shift", ["29 03:30:00+0200", "30 02:30:00+0200"]),
    ],
)
def test_spring_policies(expression: str, gap: str, expected: list[str]) -> None:
    assert wall(cron.parse(expression, BERLIN, gap=gap), SPRING, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "overlap", "expected"),
    [
        ("30 2 * * *", "cron", ["25 02:30:00+0200", "26 02:30:00+0100"]),
        ("30 2 * * *", "first", ["25 02:30:00+0200", "26 02:30:00+0100"]),
        ("30 2 * * *", "last", ["25 02:30:00+0100", "26 02:30:00+0100"]),
        ("30 2 * * *", "both", ["25 02:30:00+0200", "25 02:30:00+0100", "26 02:30:00+0100"]),
        ("*/30 2 * * *", "cron", ["25 02:00:00+0200", "25 02:30:00+0200", "25 02:00:00+0100", "25 02:30:00+0100"]),
        ("*/30 2 * * *", "first", ["25 02:00:00+0200", "25 02:30:00+0200", "26 02:00:00+0100"]),
        ("*/30 2 * * *", "last", ["25 02:00:00+0100", "25 02:30:00+0100", "26 02:00:00+0100"]),
    ],
)
def test_autumn_policies(expression: str, overlap: str, expected: list[str]) -> None:
    assert wall(cron.parse(expression, BERLIN, overlap=overlap), AUTUMN, len(expected)) == expected


def test_moved_and_doubled_times_carry_a_note() -> None:
    shifted = cron.first_tick(cron.parse("30 2 * * *", BERLIN), SPRING)
    doubled = cron.next_ticks(cron.parse("30 2 * * *", BERLIN, overlap="both"), AUTUMN, 3)
    assert shifted and shifted.note == "clocks go forward: 02:30 does not exist, runs at 03:00"
    assert [tick.note for tick in doubled] == [
        "clocks go back: the first of two 02:30",
        "clocks go back: the second of two 02:30",
        "",
    ]


def test_a_yearly_time_in_the_doubled_hour_fires_twice_a_year_under_both() -> None:
    spec = cron.parse("30 2 25 10 *", BERLIN, overlap="both")
    assert wall(spec, AUTUMN, 3) == ["25 02:30:00+0200", "25 02:30:00+0100", "25 02:30:00+0200"]


@pytest.mark.parametrize(
    ("time", "policy", "expected"),
    [
        ("2026-03-29 02:30", {}, ["29 03:00:00+0200"]),
        ("2026-03-29 02:30", {"gap": "shift"}, ["29 03:30:00+0200"]),
        ("2026-03-29 02:30", {"gap": "skip"}, []),
        ("2026-10-25 02:30", {}, ["25 02:30:00+0200"]),
        ("2026-10-25 02:30", {"overlap": "both"}, ["25 02:30:00+0200"]),
        ("2026-10-25 02:30", {"overlap": "last"}, ["25 02:30:00+0100"]),
        ("2026-10-25T02:30+02:00", {"overlap": "last"}, ["25 02:30:00+0200"]),
    ],
)
def test_a_single_time_on_days_the_clock_changes(time: str, policy: dict[str, str], expected: list[str]) -> None:
    assert wall(cron.parse(f"@at {time}", BERLIN, **policy), SPRING - timedelta(days=9), 3) == expected


def test_hash_is_stable_per_seed_spreads_and_reaches_every_month() -> None:
    def slot(seed: str) -> str:
        return wall(cron.parse("H H * * *", seed=seed), SPRING, 1)[0]

    assert slot("a") == slot("a")
    assert len({slot(str(n)) for n in range(100)}) > 50
    monthly = cron.next_ticks(cron.parse("0 0 H * *", seed="7"), datetime(2026, 12, 31, 12, tzinfo=UTC), 12)
    assert [tick.at.month for tick in monthly] == list(range(1, 13))


def test_day_fields_combine_as_told() -> None:
    after = datetime(2026, 2, 1, tzinfo=UTC)
    either = cron.next_ticks(cron.parse("0 0 13 * 5"), after, 2)
    friday_13th = cron.next_ticks(cron.parse("0 0 13 * 5", day_or=False), after, 2)
    assert [tick.at.day for tick in either] == [6, 13]
    assert [tick.at.date().isoformat() for tick in friday_13th] == ["2026-02-13", "2026-03-13"]


@pytest.mark.parametrize("expression", ["* * * * *", "0 2 * * *", "0 0 29 2 *", "@every 7m", "0 0 L * *"])
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Pacific/Apia", "Africa/Casablanca"])
def test_previous_is_the_inverse_of_next(expression: str, zone: str) -> None:
    spec = cron.parse(expression, zone)
    for tick, later in zip(ticks := cron.next_ticks(spec, SPRING, 4), ticks[1:], strict=False):
        assert cron.previous_tick(spec, later.at) == tick


def test_time_zone_without_any_change_and_one_that_skipped_a_day() -> None:
    samoa = cron.parse("0 12 * * *", "Pacific/Apia")
    assert wall(samoa, datetime(2011, 12, 29, 0, tzinfo=UTC), 2) == ["29 12:00:00-1000", "31 12:00:00+1400"]
    kolkata = cron.parse("30 5 * * *", "Asia/Kolkata")
    assert cron.next_ticks(kolkata, SPRING, 1)[0].at == SPRING + timedelta(hours=12)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 3 * * 0", "At 03:00, only on Sunday (UTC)"),
        ("*/5 * * * *", "Every 5 minutes (UTC)"),
        ("0 0 13 * 5", "At 00:00, on day 13 of the month or on Friday (UTC)"),
        ("* * 13 * mon-fri", "Every minute, on day 13 of the month or Monday through Friday (UTC)"),
        ("0 9 * * L5", "At 09:00, on the last Friday of the month (UTC)"),
        ("@daily", "At 00:00 (UTC)"),
        ("@every 300s", "Every 5 minutes, counted from midnight UTC on 1 January 1970"),
        ("@every 1h30m", "Every 1 hour 30 minutes, counted from midnight UTC on 1 January 1970"),
        ("@every 1d", "Every day, counted from midnight UTC on 1 January 1970"),
        ("0 2 * * * 30", "At 02:00:30 (UTC)"),
        ("@at 2026-12-01 09:00", "Once, on Tuesday 1 December 2026 at 09:00 (UTC)"),
        ("@at 2026-12-01T09:00:05+05:30", "Once, on Tuesday 1 December 2026 at 03:30:05 (UTC)"),
    ],
)
def test_description_in_plain_words(expression: str, words: str) -> None:
    assert cron.describe(cron.parse(expression)) == words


def test_description_shows_what_the_hash_stands_for() -> None:
    spec = cron.parse("H H * mar,oct thu", seed="a schedule")
    tick = cron.first_tick(spec, SPRING)
    assert tick and cron.describe(spec).startswith(f"At {tick.at:%H:%M}, only on Thursday, only in March and October")
