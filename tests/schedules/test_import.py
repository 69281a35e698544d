"""`import_schedules`: what is special to schedules; the reading of files is tested with the templates'."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from highway_automation.base import clock
from schedules_app.actions import skip_next, update_schedule
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick
from templates_app.actions import create_template, update_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant, User
from tests.schedules.conftest import DEFINITION

Make = Callable[..., ScheduledWorkflow]
SCHEMA = {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}


def import_(path: Path, *words: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_schedules", str(path), "--tenant", "acme", "--json", *words, stdout=out, stderr=io.StringIO())
    return dict(json.loads(out.getvalue()))


def refused(path: Path, *words: str) -> str:
    with pytest.raises(CommandError) as error:
        import_(path, *words)
    assert error.value.returncode == 1
    return str(error.value)


def schedule(name: str) -> ScheduledWorkflow:
    return ScheduledWorkflow.objects.for_tenant("acme").get(name=name)


@pytest.fixture
def template(tenant: Tenant) -> WorkflowTemplate:
    return create_template(tenant, {"name": "greet", "workflow_definition": DEFINITION, "input_schema": SCHEMA})[0]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


File = Callable[[str, str], Path]

STATEMENTS = 20
"""SQLite takes 999 values at once, so 300 rows and their audit entries need some statements; none is one row's own."""

EVERYTHING = """\
schedules:
  - name: nightly
    cron_expression: 30 2 * * *
    timezone: Europe/Berlin
    template: greet
    template_version: 1
    inputs: {who: Ada}
    overlap: buffer_one
    catch_up: none
    catch_up_window: 600
    start_at: 2030-01-01T00:00:00
    end_at: 2031-01-01T00:00:00+01:00
    remaining_runs: 5
    spread: 60
    day_or: false
    dst_gap: skip
    dst_overlap: both
    pause_after_failures: 3
  - name: its own
    cron_expression: "@daily"
    enabled: false
    pause_note: not yet
    workflow_definition: {name: mine, tasks: {say: {task_id: say, operator_type: task, function: tools.log.info}}}
"""


def test_every_column_is_read_and_a_second_import_changes_nothing(
    tenant: Tenant, template: WorkflowTemplate, file: File
) -> None:
    path = file("s.yaml", EVERYTHING)
    first, second = import_(path), import_(path)
    nightly, own = schedule("nightly"), schedule("its own")

    assert first["counts"] == {"create": 2, "update": 0, "unchanged": 0}
    assert second["counts"] == {"create": 0, "update": 0, "unchanged": 2}
    assert (nightly.template, nightly.template_version, nightly.inputs) == (template, 1, {"who": "Ada"})
    assert (nightly.timezone, nightly.dst_gap, nightly.dst_overlap, nightly.day_or) == (
        "Europe/Berlin", "skip", "both", False,
    )  # fmt: skip
    assert (nightly.overlap, nightly.catch_up, nightly.catch_up_window, nightly.spread) == (
        "buffer_one",
        "none",
        600,
        60,
    )
    assert (nightly.remaining_runs, nightly.pause_after_failures, nightly.owner) == (5, 3, None)
    assert f"{nightly.start_at} {nightly.end_at}" == "2030-01-01 00:00:00+00:00 2030-12-31 23:00:00+00:00"
    assert nightly.next_run_at is not None
    assert nightly.next_run_at.isoformat() >= "2030-01-01T01:30"
    assert (own.enabled, own.next_run_at, own.pause_note) == (False, None, "not yet")
    assert own.definition is not None
    assert own.definition.name == "mine"


def test_an_update_plans_the_next_time_anew_only_where_the_times_change(
    tenant: Tenant, template: WorkflowTemplate, make: Make, file: File
) -> None:
    kept = make(name="kept", template=template, inputs={"who": "Ada"}, cron_expression="0 3 * * *")
    moved = make(name="moved", template=template, inputs={"who": "Ada"}, cron_expression="0 3 * * *")
    skip_next(kept)
    kept.refresh_from_db()
    text = "name,cron_expression,inputs\n" + 'kept,0 3 * * *,"{""who"": ""Eve""}"\n' + "moved,0 4 * * *,\n"
    told = import_(file("s.csv", text))

    assert [(it["action"], it["name"], it["changes"]) for it in told["plan"]] == [
        ("update", "kept", ["inputs"]),
        ("update", "moved", ["cron_expression"]),
    ]
    assert schedule("kept").next_run_at == kept.next_run_at
    assert schedule("kept").inputs == {"who": "Eve"}
    after = schedule("moved").next_run_at
    assert moved.next_run_at is not None
    assert after is not None
    assert (after.hour, after > clock.now()) == (4, True)


def test_a_moved_schedule_still_leaves_out_what_was_skipped_by_hand(
    tenant: Tenant, make: Make, file: File, template: WorkflowTemplate
) -> None:
    daily = make(name="daily", cron_expression="0 3 * * *")
    skip_next(daily)
    skipped = ScheduleTick.objects.for_tenant(tenant).get(outcome=Outcome.SKIPPED_BY_HAND).scheduled_for
    import_(file("s.csv", "name,cron_expression,spread\ndaily,0 3 * * *,1\n"))

    following = schedule("daily").next_run_at
    assert following is not None
    assert following.date() > skipped.date()


def test_pausing_by_import_gives_up_times_that_wait(tenant: Tenant, make: Make, file: File) -> None:
    row = make(name="busy")
    ScheduleTick.objects.for_tenant(tenant).create(
        schedule=row, schedule_name=row.name, scheduled_for=clock.now(), outcome=Outcome.BUFFERED, lateness=0
    )
    import_(file("s.csv", "name,enabled\nbusy,no\n"))

    assert (schedule("busy").enabled, schedule("busy").next_run_at) == (False, None)
    assert ScheduleTick.objects.for_tenant(tenant).get().outcome == Outcome.MISSED


def test_every_fault_is_told_with_its_line_and_nothing_is_written(
    tenant: Tenant, template: WorkflowTemplate, file: File
) -> None:
    path = file(
        "s.csv",
        "name,cron_expression,template,template_version,inputs,timezone\n"
        'good,0 3 * * *,greet,,"{""who"": ""x""}",\n'
        'cron,99 3 * * *,greet,,"{""who"":\n""x""}",\n'
        'typo,61 3 * * *,gret,,"{""who"": ""x""}",\n'
        'pin,0 3 * * *,greet,7,"{""who"": ""x""}",\n'
        "inputs,0 3 * * *,greet,,{},Mars/Olympus\n",
    )
    lines = refused(path).splitlines()

    for line, reason in [
        (3, "cron_expression: "),
        (5, "template: There is no template 'gret'. Did you mean greet?"),
        (5, "cron_expression: "),
        (6, "template_version: Template greet has no version 7."),
        (7, "timezone: "),
    ]:
        assert any(told.startswith(f"{path}:{line}: {reason}") for told in lines), (reason, lines)
    assert not any("workflow_definition" in told for told in lines)
    assert not ScheduledWorkflow.objects.for_tenant("acme").exists()


def test_foreign_templates_are_as_unknown_as_none(tenant: Tenant, other_tenant: Tenant, file: File) -> None:
    create_template(other_tenant, {"name": "theirs", "workflow_definition": DEFINITION})

    assert "There is no template 'theirs'. Import templates first." in refused(
        file("s.json", '[{"name": "s", "cron_expression": "@daily", "template": "theirs"}]')
    )


def test_the_owner_is_a_member(tenant: Tenant, alice: User, mallory: User, file: File) -> None:
    path = file("s.json", json.dumps({"name": "s", "cron_expression": "@daily", "workflow_definition": DEFINITION}))

    assert "--owner: nobody with the e-mail mallory@example.com" in refused(path, "--owner", "mallory@example.com")
    import_(path)
    assert schedule("s").owner is None
    assert import_(path, "--owner", "Alice@example.com")["plan"][0]["changes"] == ["owner"]
    assert schedule("s").owner == alice


def test_an_edit_between_plan_and_writing_refuses_all(tenant: Tenant, make: Make) -> None:
    from highway_automation.base.bulk.records import Record
    from highway_automation.base.errors import Conflict
    from schedules_app.actions import ScheduleImporter

    row = make(name="one")
    importer = ScheduleImporter(tenant)
    plan = importer.plan(
        [Record("f", 1, {"name": "one", "spread": 5}), Record("f", 2, {"name": "one", "spread": 5})][:1]
    )
    update_schedule(row, {"spread": 7})

    with pytest.raises(Conflict, match="Changed since the plan was made: one"):
        importer.apply(plan)
    assert schedule("one").spread == 7


def test_audit_and_queries_do_not_grow_with_the_rows(
    tenant: Tenant, template: WorkflowTemplate, file: File, alice: User
) -> None:
    update_template(template, {"input_schema": None})

    def csv(count: int, minute: int) -> Path:
        rows = (f'row {number},{minute} {number % 24} * * *,greet,"{{""n"": {number}}}"\n' for number in range(count))
        return file("many.csv", "name,cron_expression,template,inputs\n" + "".join(rows))

    counts = []
    for step, (count, minute) in enumerate([(10, 1), (310, 1), (310, 1), (310, 2)]):
        path = csv(count, minute)
        with CaptureQueriesContext(connection) as queries:
            told = import_(path)
        counts.append((told["counts"], len(queries)))
        assert step or told["counts"]["create"] == 10
    created, unchanged, updated = (counts[index] for index in (1, 2, 3))
    logged = LogEntry.objects.filter(content_type__model="scheduledworkflow")

    assert [told for told, _queries in counts[1:]] == [
        {"create": 300, "update": 0, "unchanged": 10},
        {"create": 0, "update": 0, "unchanged": 310},
        {"create": 0, "update": 310, "unchanged": 0},
    ]
    assert created[1] <= counts[0][1] + STATEMENTS
    assert unchanged[1] <= 12
    assert updated[1] <= unchanged[1] + 2 * STATEMENTS
    assert (logged.filter(action=0).count(), logged.filter(action=1).count()) == (310, 310)
    assert logged.filter(action=1).first().changes["cron_expression"][1].startswith("2 ")
