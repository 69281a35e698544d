from __future__ import annotations

import io
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.models import Tenant
from tests.templates.conftest import SCHEMA, saying

Make = Callable[..., WorkflowTemplate]


def import_(*words: Any) -> str:
    out = io.StringIO()
    call_command("import_templates", *map(str, words), "--tenant", "acme", stdout=out, stderr=io.StringIO())
    return out.getvalue()


def rows(told: str) -> list[list[str]]:
    """The cells of the table that a command printed."""
    return [re.split(r" {2,}", line.strip()) for line in told.splitlines()]


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
    assert ["create", "from.yaml-1", f"{folder}/wrapped.yaml:2"] in rows(told)
    assert ["create", "beside", f"{folder}/list.csv:4"] in rows(told)
    assert TemplateVersion.objects.for_tenant("acme").count() == 6
    made = {row.name: row for row in WorkflowTemplate.objects.for_tenant("acme")}
    assert (made["from.csv"].description, made["from.csv"].tags, made["from.csv"].enabled) == (
        "two\nlines",
        ["a", "b"],
        False,
    )
    assert (made["bare"].description, made["bare"].tags) == ("Bare.", ["t"])
    assert made["beside"].workflow_definition["name"] == "bare"
    assert made["from.yaml-1"].category == "etl"


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

    assert ["update", "greet", f"{path}:2", "workflow_definition, description"] in rows(told)
    assert told.splitlines()[-1] == "0 created, 1 updated, 1 unchanged"
    assert (greet.version, greet.category, greet.description, greet.input_schema) == (2, "kept", "new", SCHEMA)


def test_a_dry_run_says_the_same_and_writes_nothing(tenant: Tenant, make: Make, file: File) -> None:
    make("greet")
    path = file("t.json", [{"name": "greet", "workflow_definition": saying("Bye")}, saying(name="other")])
    plan = json.loads(import_(path, "--dry-run", "--json"))

    assert plan["applied"] is False
    assert plan["counts"] == {"create": 1, "update": 1, "unchanged": 0}
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
        ("t.json", "{", "t.json:1: Not JSON: "),
        ("t.json", "3", "t.json:1: a template"),
        ("t.json", {"templates": [3]}, "t.json:3: a template"),
        (
            "t.json",
            {"name": "x", "workflow_definition": {}, "colour": 1},
            "t.json:4: colour: A template has no 'colour'",
        ),
        ("t.yaml", "a: [", "Not YAML: while parsing a flow node"),
        ("t.py", "x = 1\ny = x +\n", "line 2"),
        ("t.py", "x = 1\n", "defines no workflow"),
        ("t.csv", "name,colour\na,b\n", "t.csv:1: A template has no 'colour'"),
        ("t.csv", "name,workflow_definition\na\n", "t.csv:2: "),
        ("t.csv", "name,workflow_definition\na,{\n", "t.csv:2: workflow_definition: Not JSON"),
        ("t.csv", "name,description\na,b\n", "t.csv:2: workflow_definition: "),
        ("t.csv", "name,definition_file\na,gone.json\n", "gone.json: No such file"),
        ("t.csv", 'name,enabled,workflow_definition\na,maybe,"{}"\n', "t.csv:2: enabled: Give true or false"),
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
        call_command("import_templates", str(tmp_path), "--tenant", "nobody")
    with pytest.raises(CommandError, match="no file ends with"):
        import_(tmp_path)


def test_refusals_are_json_too(tenant: Tenant, file: File) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_templates", str(file("t.json", '{\n"a": x}')), "--tenant", "acme", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["applied"] is False
    assert [(error["file"].endswith("t.json"), error["line"]) for error in told["errors"]] == [(True, 2)]
