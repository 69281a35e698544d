from __future__ import annotations

import io
import json
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.models import WorkflowRun
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.models import Tenant
from tests.templates.conftest import SCHEMA, saying

Make = Callable[..., WorkflowTemplate]


def command(*words: Any) -> str:
    out = io.StringIO()
    call_command(*map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def import_(*words: Any) -> str:
    return command("import_templates", *words, "--tenant", "acme")


def names() -> list[str]:
    return list(WorkflowTemplate.objects.for_tenant("acme").order_by("name").values_list("name", flat=True))


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content) if isinstance(content, str) else json.dumps(content, indent=2))
        return path

    return write


File = Callable[[str, Any], Path]

YAML = """\
templates:
  - name: from.yaml-1
    category: etl
    tags: [a, b]
    input_schema: {type: object, properties: {who: {type: string, default: Bob}}}
    workflow_definition:
      name: one
      tasks:
        say: {task_id: say, operator_type: task, function: tools.log.info, kwargs: {message: "Hi {{inputs.who}}"}}
  - workflow_definition:
      name: two
      tasks:
        say: {task_id: say, operator_type: task, function: tools.log.info, kwargs: {message: Hi}}
"""

PYTHON = """\
from highway_dsl import WorkflowBuilder, task

workflow = WorkflowBuilder("from_python").add(task("say").tool("tools.log.info").input(message="Hi")).build()
"""

CSV = f"""\
name,description,workflow_definition,definition_file,tags,enabled
from.csv,"two
lines","{json.dumps(saying("Hi")).replace('"', '""')}",,a; b,no
beside,,,bare.json,,
"""


def test_every_kind_of_file_is_imported_and_importing_again_changes_nothing(tenant: Tenant, file: File) -> None:
    folder = file("all/bare.json", {**saying(name="bare"), "description": "Bare.", "tags": ["t"]}).parent
    file("all/wrapped.yaml", YAML)
    file("all/deep/program.py", PYTHON)
    file("all/list.csv", CSV)
    file("all/notes.txt", "not a template")

    told = import_(folder)
    again = import_(folder)

    assert names() == ["bare", "beside", "from.csv", "from.yaml-1", "from_python", "two"]
    assert told.splitlines()[-1] == "6 created, 0 updated, 0 unchanged"
    assert again.splitlines()[-1] == "0 created, 0 updated, 6 unchanged"
    assert f"create     from.yaml-1  {folder}/wrapped.yaml:2" in told
    assert f"create     beside  {folder}/list.csv:4" in told
    assert TemplateVersion.objects.for_tenant("acme").count() == 6
    rows = {row.name: row for row in WorkflowTemplate.objects.for_tenant("acme")}
    assert (rows["from.csv"].description, rows["from.csv"].tags, rows["from.csv"].enabled) == (
        "two\nlines",
        ["a", "b"],
        False,
    )
    assert (rows["bare"].description, rows["bare"].tags) == ("Bare.", ["t"])
    assert rows["beside"].workflow_definition["name"] == "bare"
    assert rows["from.yaml-1"].category == "etl"


def test_an_import_updates_what_differs_and_leaves_alone_what_it_does_not_name(make: Make, file: File) -> None:
    make("greet", category="kept")
    make("same", workflow_definition=saying("x"))
    path = file(
        "t.json",
        [
            {"name": "greet", "workflow_definition": saying("Bye"), "description": "new"},
            {"name": "same", "workflow_definition": saying("x")},
        ],
    )
    told = import_(path)
    greet = WorkflowTemplate.objects.for_tenant("acme").get(name="greet")

    assert "update     greet" in told
    assert "(workflow_definition, description)" in told
    assert (greet.version, greet.category, greet.description, greet.input_schema) == (2, "kept", "new", SCHEMA)


def test_a_dry_run_says_the_same_and_writes_nothing(tenant: Tenant, make: Make, file: File) -> None:
    make("greet")
    path = file("t.json", [{"name": "greet", "workflow_definition": saying("Bye")}, saying(name="other")])
    plan = json.loads(import_(path, "--dry-run", "--json"))

    assert plan["applied"] is False
    assert plan["counts"] == {"create": 1, "update": 1}
    assert [(it["action"], it["name"], it["changes"], it["line"]) for it in plan["plan"]] == [
        ("update", "greet", ["workflow_definition"], 2),
        ("create", "other", [], 20),
    ]
    assert names() == ["greet"]
    assert WorkflowTemplate.objects.for_tenant("acme").get(name="greet").version == 1
    assert json.loads(import_(path, "--json"))["applied"] is True


def test_one_bad_template_keeps_all_out_and_is_told_with_its_line(tenant: Tenant, file: File) -> None:
    path = file("t.yaml", YAML.replace("kwargs: {message: Hi}", "kwargs: {message: Hi}, dependencies: [nobody]"))
    with pytest.raises(CommandError) as refused:
        import_(path)

    assert f"{path}:13: workflow_definition.tasks.say.dependencies" in str(refused.value)
    assert str(refused.value).endswith("Nothing was imported.")
    assert refused.value.returncode == 1
    assert names() == []


def test_every_fault_of_every_file_is_told(tenant: Tenant, file: File) -> None:
    bad = {"name": "Bad Name", "workflow_definition": saying(), "input_schema": {"type": 3}}
    first, second = file("a.json", bad), file("b.json", [saying(name="x"), saying(name="x")])
    with pytest.raises(CommandError) as refused:
        import_(first, second)

    lines = str(refused.value).splitlines()
    assert any(line.startswith(f"{first}:2: name: ") for line in lines), lines
    assert any(line.startswith(f"{first}:") and "input_schema.type" in line for line in lines), lines
    assert any(line.startswith(f"{second}:") and "is in" in line for line in lines), lines


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.json", "{", "t.json: Not JSON: "),
        ("t.json", "3", "t.json:1: a template"),
        ("t.json", {"templates": [3]}, "t.json:3: a template"),
        ("t.json", {"name": "x", "workflow_definition": {}, "colour": 1}, "t.json:1: a template has no colour"),
        ("t.yaml", "a: [", "t.yaml: Not YAML"),
        ("t.py", "x = 1\ny = x +\n", "line 2"),
        ("t.py", "x = 1\n", "defines no workflow"),
        ("t.csv", "name,colour\na,b\n", "t.csv:1: the columns are"),
        ("t.csv", "name,workflow_definition\na\n", "t.csv:2: "),
        ("t.csv", "name,workflow_definition\na,{\n", "t.csv:2: workflow_definition: Not JSON"),
        ("t.csv", "name,description\na,b\n", "t.csv:2: give a workflow_definition"),
        ("t.csv", "name,definition_file\na,gone.json\n", "gone.json: No such file"),
        ("t.csv", 'name,enabled,workflow_definition\na,maybe,"{}"\n', "t.csv:2: enabled is true or false"),
        ("t.txt", "x", "t.txt: give a file that ends with"),
        ("t.json", {"tasks": {}}, "t.json:1: name: "),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tenant: Tenant, file: File, name: str, content: Any, reason: str) -> None:
    with pytest.raises(CommandError) as refused:
        import_(file(name, content))
    assert reason in str(refused.value)
    assert names() == []


def test_a_missing_file_or_tenant_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.json: No such file"):
        import_(tmp_path / "none.json")
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        command("import_templates", tmp_path, "--tenant", "nobody")
    with pytest.raises(CommandError, match="no file ends with"):
        import_(tmp_path)


def test_refusals_are_json_too(tenant: Tenant, file: File) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_templates", str(file("t.json", "{")), "--tenant", "acme", "--json", stdout=out)
    assert json.loads(out.getvalue())["applied"] is False


def test_run_template_prints_the_run(template: WorkflowTemplate) -> None:
    told = json.loads(command("run_template", "greet", "--tenant", "acme", "--input", '{"who": "Ada"}'))
    run = WorkflowRun.objects.for_tenant("acme").get()

    assert told == {"workflow_run_id": str(run.pk), "status": "pending", "template": "greet", "version": 1}
    assert (run.inputs, run.cause_kind) == ({"who": "Ada"}, "command")


def test_run_template_with_a_repeated_key_is_the_same_run(template: WorkflowTemplate) -> None:
    words = ("run_template", "greet", "--tenant", "acme", "--idempotency-key", "k")
    assert command(*words) == command(*words)


@pytest.mark.django_db(transaction=True)
def test_run_template_waits_for_the_end(template: WorkflowTemplate, drive: Callable[[], int]) -> None:
    worker = threading.Timer(0.3, drive_in_own_connection, [drive])
    worker.start()
    told = json.loads(command("run_template", "greet", "--tenant", "acme", "--wait", "20"))
    worker.join()

    assert (told["status"], told["error"]) == ("completed", None)
    assert "say" in told["result"]


def drive_in_own_connection(drive: Callable[[], int]) -> None:
    from django.db import connection

    drive()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_run_template_of_a_failing_run_prints_it_and_fails(make: Make, drive: Callable[[], int]) -> None:
    make("fails", workflow_definition=saying("{{inputs.missing}}"), input_schema=None)
    out = io.StringIO()
    worker = threading.Timer(0.3, drive_in_own_connection, [drive])
    worker.start()
    with pytest.raises(CommandError, match="The run is failed") as refused:
        call_command("run_template", "fails", "--tenant", "acme", "--wait", "20", stdout=out)
    worker.join()

    assert refused.value.returncode == 1
    assert json.loads(out.getvalue())["status"] == "failed"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["greet", "--input", "{"], 2, "--input: Not JSON"),
        (["greet", "--input", "[]"], 2, "give a JSON object"),
        (["greet", "--input", '{"times": 0}'], 1, "inputs.times"),
        (["nothing"], 1, "There is no template nothing"),
    ],
)
def test_run_template_says_why_not(template: WorkflowTemplate, words: list[str], code: int, reason: str) -> None:
    with pytest.raises(CommandError) as refused:
        command("run_template", *words, "--tenant", "acme")

    assert (refused.value.returncode, reason in str(refused.value)) == (code, True)
    assert not WorkflowRun.objects.for_tenant("acme").exists()
