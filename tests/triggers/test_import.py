"""`import_triggers`: what is special to triggers; the reading of files is tested with the templates'."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs_app.models import WorkflowRun
from tenants_app.models import Tenant
from tests.triggers.conftest import LOGGING, MakeTemplate, MakeTrigger
from triggers_app.actions import dispatch_events, emit_event
from triggers_app.models import EventTrigger, TriggerRevision

STATEMENTS = 20
"""SQLite takes 999 values at once, so 300 rows and their audit entries need some statements; none is one row's own."""


def import_(path: Path, *words: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_triggers", str(path), "--tenant", "acme", "--json", *words, stdout=out, stderr=io.StringIO())
    return dict(json.loads(out.getvalue()))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def stamp() -> Any:
    return TriggerRevision.objects.filter(tenant_id="acme").values_list("stamp", flat=True).first()


EVERYTHING = """\
- name: big orders
  event_type: order_*
  filter_expression: {total: [100]}
  source_match: shop*
  subject_match: eu-*
  template: greet
  template_version: 1
  input_mapping: {who: "${event.payload.who}"}
  mode: shadow
  max_depth: 2
  enabled: false
---
name: its own
event_type: paid
workflow_definition: {name: mine, tasks: {say: {task_id: say, operator_type: task, function: tools.log.info}}}
"""


def test_every_column_is_read_and_a_second_import_changes_nothing(
    tenant: Tenant, make_template: MakeTemplate, tmp_path: Path
) -> None:
    template = make_template()
    path = written(tmp_path / "t.yaml", EVERYTHING)
    first, stamped, second = import_(path), stamp(), import_(path)
    big, own = EventTrigger.objects.for_tenant(tenant).order_by("name")

    assert first["counts"] == {"create": 2, "update": 0, "unchanged": 0}
    assert second["counts"] == {"create": 0, "update": 0, "unchanged": 2}
    assert stamp() == stamped
    assert (big.template, big.template_version, big.input_mapping) == (template, 1, {"who": "${event.payload.who}"})
    assert (big.event_type, big.source_match, big.subject_match) == ("order_*", "shop*", "eu-*")
    assert (big.filter_expression, big.mode) == ({"total": [100]}, "shadow")
    assert (big.max_depth, big.enabled) == (2, False)
    assert own.definition is not None
    assert own.definition.name == "mine"


def test_what_is_imported_answers_events_at_once(tenant: Tenant, make_trigger: MakeTrigger, tmp_path: Path) -> None:
    make_trigger("other")
    emit_event(tenant, "paid", {"n": 1})
    dispatch_events()
    row = {"name": "new", "event_type": "paid", "workflow_definition": LOGGING}
    import_(written(tmp_path / "t.json", json.dumps({"triggers": [row]})))
    emit_event(tenant, "paid", {"n": 2})
    dispatch_events()

    assert [run.inputs for run in WorkflowRun.objects.for_tenant(tenant)] == [{"n": 2}]


def test_every_fault_is_told_with_its_line_and_nothing_is_written(
    tenant: Tenant, make_template: MakeTemplate, tmp_path: Path
) -> None:
    make_template(input_schema={"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]})
    path = written(
        tmp_path / "t.yaml",
        "triggers:\n"
        "  - {name: good, event_type: a, template: greet}\n"
        "  - name: filter\n"
        "    event_type: a\n"
        "    template: greet\n"
        "    filter_expression:\n"
        "      total:\n"
        "        - {nummeric: 1}\n"
        "  - {name: lacking, event_type: a, template: greet, input_mapping: {}}\n"
        "  - {name: depth, event_type: a, template: greet, max_depth: 1000}\n"
        "  - {name: mode, event_type: a, template: greet, mode: dark}\n",
    )
    with pytest.raises(CommandError) as refused:
        import_(path)
    lines = str(refused.value).splitlines()

    for line, field in [(8, "filter_expression."), (9, "input_mapping: "), (10, "max_depth: "), (11, "mode: ")]:
        assert any(told.startswith(f"{path}:{line}: {field}") for told in lines), (line, lines)
    assert not EventTrigger.objects.for_tenant(tenant).exists()


def test_one_stamp_and_a_fixed_number_of_queries_for_many(
    tenant: Tenant, make_template: MakeTemplate, tmp_path: Path
) -> None:
    make_template()

    def imported(count: int, mode: str) -> tuple[dict[str, int], list[str]]:
        rows = (f'row {number},order_placed,"{{""n"": [{number}]}}",greet,{mode}\n' for number in range(count))
        text = "name,event_type,filter_expression,template,mode\n" + "".join(rows)
        path = written(tmp_path / "many.csv", text)
        with CaptureQueriesContext(connection) as queries:
            told = import_(path)
        return told["counts"], [query["sql"] for query in queries]

    few, created, unchanged, updated = (
        imported(10, "live"), imported(310, "live"), imported(310, "live"), imported(310, "shadow"),
    )  # fmt: skip
    logged = LogEntry.objects.filter(content_type__model="eventtrigger")

    assert [told for told, _queries in (created, unchanged, updated)] == [
        {"create": 300, "update": 0, "unchanged": 10},
        {"create": 0, "update": 0, "unchanged": 310},
        {"create": 0, "update": 310, "unchanged": 0},
    ]
    assert len(created[1]) <= len(few[1]) + STATEMENTS
    assert len(unchanged[1]) <= 12
    assert len(updated[1]) <= len(unchanged[1]) + 2 * STATEMENTS
    for _told, queries in (created, updated):
        assert sum(sql.startswith('UPDATE "trigger_revisions"') for sql in queries) == 1
    assert (logged.filter(action=0).count(), logged.filter(action=1).count()) == (310, 310)
