"""What the documents say about the product is compared with the product."""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from runs_app.actions import store_definition
from runs_app.tools import TOOLS
from tenants_app.models import Tenant
from tenants_app.roles import ROLE_VERBS, VERBS, Role
from tests.layout import ROOMS, ROOT

FILES = ["requirements.txt", "requirements-s3.txt", "requirements-dev.txt"]
READ_BY_UP = {"HIGHWAY_ADMIN_PASSWORD", "VAR_DIR"}
READ_BY_TESTS = re.compile("^HIGHWAY_TEST_|^TEST_DB_SUFFIX$")


def table(document: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, as lists of cells."""
    lines = (ROOT / document).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def requirements(file: str) -> set[str]:
    """The packages a requirements file names itself, not those they bring along."""
    own = (ROOT / file).read_text().split("# What those bring along")[0]
    return set(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[\w,-]+\])?==", own, flags=re.M))


def test_every_setting_is_in_the_operations_reference() -> None:
    settings = (ROOT / "highway_automation" / "settings.py").read_text()
    read = set(re.findall(r'(?:read\(\s*"\w+",|rate\()\s*"([A-Z_]+)"', settings)) | {"DATABASE_URL"}
    documented = {row[0].strip("`") for row in table("docs/operations.md", "variable")}

    assert documented == {name for name in read if not READ_BY_TESTS.match(name)} | READ_BY_UP


def test_the_roles_are_documented_as_they_are() -> None:
    shown = {row[0]: (row[1:5], row[5]) for row in table("docs/security.md", "verb")}

    assert shown == {
        verb: (["yes" if verb in ROLE_VERBS[role] else "" for role in Role], meaning) for verb, meaning in VERBS.items()
    }


def test_every_dependency_has_its_reason() -> None:
    explained = [row[0] for row in table("docs/WHY.md", "package")]

    assert sorted(explained) == sorted(set().union(*map(requirements, FILES)))


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r"))]

    assert [line for line in lines if "==" not in line] == []


def test_every_command_is_in_the_user_guide() -> None:
    ours = {name for name, app in get_commands().items() if app in ROOMS}

    assert {row[0].strip("`").split()[0] for row in table("docs/user-guide.md", "command")} == ours


def test_every_documented_endpoint_is_there() -> None:
    paths = [path for row in table("docs/api.md", "endpoint") for path in re.findall(r"`(/[^`]*)`", row[0])]
    concrete = [re.sub(r"\{\w+\}", "01a207c3-07c2-7010-b68a-0295ec1641dd", path) for path in paths]

    assert len(concrete) > 10
    for path in concrete:
        assert any(resolves(prefix + path) for prefix in ("/api/v1", "")), path


def resolves(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


@pytest.mark.django_db
def test_the_workflows_in_the_documents_can_be_saved(tenant: Tenant) -> None:
    text = (ROOT / "docs" / "writing-workflows.md").read_text()
    definitions = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    whole = [definition for definition in definitions if "tasks" in definition]

    assert {"average", "invoice", "nightly_backup", "weekly_cleanup"} <= {definition["name"] for definition in whole}
    for definition in whole:
        _, warnings = store_definition(tenant, definition)
        assert warnings == [], definition["name"]


def test_every_documented_tool_is_there() -> None:
    documented = {
        name for row in table("docs/writing-workflows.md", "tool") for name in re.findall(r"`(tools\.[^`]*)`", row[0])
    }

    assert documented == set(TOOLS)
