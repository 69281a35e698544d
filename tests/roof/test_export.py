"""What a tenant has, as files: they import as unchanged, and into another tenant as the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from highway_automation.kinds import KINDS
from schedules_app.actions import create_schedule
from schedules_app.models import ScheduledWorkflow
from templates_app.actions import create_template, delete_template
from templates_app.models import WorkflowTemplate
from tenants_app.actions import create_variable
from tenants_app.models import Tenant, User
from tests.templates.conftest import SCHEMA, saying
from triggers_app.actions import create_trigger

ODD = (
    "two\nlines\n", "two\n\n  lines", " led and trailed ", "tab\there", "carriage\r\nreturn",
    "\x07\x7f\x85\u2028\ufeff",
    "é ü 漢字 😀", "yes", "null", "1e3", "1.0", "0o17", "2026-01-01", "12:30:45", "- a", "a: b # c", "=1+1", "'=1+1",
    "@x",
    "{{inputs.who}} ${x} $${y}", '"quoted" \\ back', "", " ", "*anchor &alias !tag %dir", "~", "'", "|", "trail \nx",
)  # fmt: skip
LITERAL = [text for text in ODD if "{" not in text]
NUMBERS = [1, 1.0, 0, -1, 1e3, 1e16, 1.5e300, 1e-7, 0.1, 10**30, -0.5, True, False, None]


def run(command: str, *words: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command(command, *map(str, words), "--json", stdout=out, stderr=io.StringIO())
    return dict(json.loads(out.getvalue()))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def definition(text: str) -> dict[str, Any]:
    made = saying()
    made["description"] = text
    made["variables"] = {"odd": list(ODD), "numbers": NUMBERS, "nested": {"": {"a b": [[], {}, [{}]]}, "yes": "no"}}
    return made


@pytest.fixture
def everything(tenant: Tenant, alice: User) -> Tenant:
    """Rows with every column set, and with none but those that must be."""
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "odd": {"type": "string", "default": "two\nlines"}}}
    full: dict[str, Any] = {"category": "=etl", "tags": ["a;b", "é", "yes"], "enabled": False, "input_schema": schema}
    for number, text in enumerate(ODD):
        values = {"name": f"t{number}", "description": text, "workflow_definition": definition(text), **full}
        create_template(tenant, values, actor=alice)
    greet, _warnings = create_template(tenant, {"name": "greet", "workflow_definition": saying()})
    every = {
        "cron_expression": "30 2 1 * mon", "timezone": "Europe/Berlin", "template": greet, "template_version": 1,
        "inputs": {"odd": LITERAL, "numbers": NUMBERS}, "overlap": "buffer_all", "catch_up": "all",
        "catch_up_window": 60, "start_at": "2040-01-01T00:00:00.5Z", "end_at": "2041-06-01T00:00:00+02:00",
        "remaining_runs": 3, "spread": 10, "day_or": False, "dst_gap": "shift", "dst_overlap": "last",
        "enabled": False, "pause_note": "two\nlines", "pause_until": "2042-01-01T00:00:00Z", "pause_after_failures": 4,
    }  # fmt: skip
    for text in ODD:
        create_schedule(tenant, {**every, "name": f"schedule {text}"}, actor=alice)
    create_schedule(
        tenant, {"name": "Schedule yes", "cron_expression": "@daily", "workflow_definition": definition("x")}
    )
    for text in ODD:
        values = {
            "filter_expression": {"odd": list(ODD)},
            "input_mapping": {"odd": text.replace("{", "").replace("$", "")},
        }
        values |= {
            "source_match": "a*",
            "subject_match": "?b",
            "template": greet,
            "template_version": 1,
            "mode": "shadow",
        }
        create_trigger(tenant, {"name": f"on {text}", "event_type": "x_*", "max_depth": 9, "enabled": False, **values})
    create_trigger(tenant, {"name": "plain", "event_type": "x", "workflow_definition": definition("x")})
    create_variable(tenant, "TOKEN", "hunter2-hunter2", secret=True)
    return tenant


def test_an_export_imports_as_unchanged_and_elsewhere_as_the_same(
    everything: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    counts = run("export", here, "--tenant", "acme")
    count = len(ODD) + 1
    assert [(plural, told["rows"], told["changed"]) for plural, told in counts.items()] == [
        ("schedules", count, count), ("templates", count, count), ("triggers", count, count)
    ]  # fmt: skip
    for plural in KINDS:
        again = run(f"import_{plural}", here / plural, "--tenant", "acme")
        assert again["counts"] == {"create": 0, "update": 0, "unchanged": count}
    for plural in KINDS:
        made = run(f"import_{plural}", here / plural, "--tenant", "globex")
        assert made["counts"] == {"create": count, "update": 0, "unchanged": 0}
        again = run(f"import_{plural}", here / plural, "--tenant", "globex")
        assert again["counts"] == {"create": 0, "update": 0, "unchanged": count}
    run("export", there, "--tenant", "globex")

    assert contents(here) == contents(there)
    assert len(contents(here)) == 3 * count
    assert b"hunter2" not in b"".join(contents(here).values())


def test_a_csv_export_imports_as_unchanged_and_elsewhere_as_the_same(
    everything: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    from highway_automation.base.bulk.writing import as_csv

    for plural, kind in KINDS.items():
        path = tmp_path / f"{plural}.csv"
        path.write_bytes(as_csv(kind.LAYOUT, kind.rows_of(everything)).encode())
        count = len(ODD) + 1
        assert run(f"import_{plural}", path, "--tenant", "acme")["counts"]["unchanged"] == count
        assert run(f"import_{plural}", path, "--tenant", "globex")["counts"]["create"] == count
        assert as_csv(kind.LAYOUT, kind.rows_of(other_tenant)).encode() == path.read_bytes()


def test_files_of_rows_that_are_gone_go_and_others_stay(tenant: Tenant, tmp_path: Path) -> None:
    kept, gone = (create_template(tenant, {"name": name, "workflow_definition": saying()})[0] for name in ("a", "b"))
    run("export", tmp_path, "--tenant", "acme", "--kind", "templates")
    mine = tmp_path / "templates" / "mine.yaml"
    mine.write_text("name: mine\n")
    delete_template(gone)
    told = run("export", tmp_path, "--tenant", "acme", "--kind", "templates")

    assert told == {"templates": {"rows": 1, "changed": 0, "removed": 1}}
    assert sorted(contents(tmp_path)) == ["templates/a.yaml", "templates/mine.yaml"]
    assert kept.name == "a"


def test_a_file_reads_well(tenant: Tenant, tmp_path: Path) -> None:
    create_template(
        tenant, {"name": "greet", "description": "Says hello.\nAnd no more.\n", "workflow_definition": saying()}
    )
    run("export", tmp_path, "--tenant", "acme")
    text = (tmp_path / "templates" / "greet.yaml").read_text()

    assert text.startswith(
        "# A template of Highway Automation; import_templates reads it.\n"
        "name: greet\n"
        "description: |\n"
        "  Says hello.\n"
        "  And no more.\n"
        'category: ""\n'
        "tags: []\n"
        "enabled: true\n"
        "input_schema: null\n"
        "workflow_definition:\n"
    )


def test_names_that_differ_in_case_only_have_files_of_their_own(tenant: Tenant, tmp_path: Path) -> None:
    for name in ("daily", "Daily", "DAILY", "con", "../../etc/passwd", "x" * 255):
        create_schedule(tenant, {"name": name, "cron_expression": "@daily", "workflow_definition": saying()})
    run("export", tmp_path / "out", "--tenant", "acme")
    files = [Path(name).name for name in contents(tmp_path)]

    assert len({name.lower() for name in files}) == 6
    assert "daily.yaml" in files
    assert "con.yaml" not in files
    assert ScheduledWorkflow.objects.for_tenant(tenant).count() == 6
    assert not WorkflowTemplate.objects.for_tenant(tenant).exists()


def test_a_folder_that_cannot_be_written_is_a_refusal(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="Not a directory"):
        run("export", tmp_path / "file", "--tenant", "acme")
