"""Which tools there are for whom: grants of the tenant, and tools that installed packages add."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runs_app.actions import store_definition
from runs_app.models import StepRun
from runs_app.tools import TOOLS, broken_tools, every_tool, plugins
from tenants_app.actions import create_tenant
from tenants_app.grants import EVERY_TOOL, default_tools, may_use
from tenants_app.models import Tenant
from tests.conftest import shell, workflow

pytestmark = pytest.mark.django_db
Run = Callable[..., Any]
MODULE = """
from runs_app.tools import Tool, ToolError

def push(arguments, context):
    if arguments.get("fail"):
        raise ToolError("acme is closed", permanent=True)
    return {"pushed": arguments["what"], "tenant": context.tenant_id}

PUSH = Tool("acme.push", push, positional=("what",))
OTHER = Tool("acme.misnamed", push)
SHELL = Tool("tools.shell.run", push)
NOT_A_TOOL = push
"""
ENTRIES = """[highway_automation.tools]
acme.push = acme_tools:PUSH
acme.gone = acme_tools:GONE
acme.plain = acme_tools:NOT_A_TOOL
acme.other = acme_tools:OTHER
tools.shell.run = acme_tools:SHELL
acme.missing = acme_missing:PUSH
"""
INFO = "acme_tools-1.0.dist-info"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real distribution with tools: a wheel that pip installs into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    wheel = tmp_path_factory.mktemp("wheel") / "acme_tools-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("acme_tools.py", MODULE)
        file.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: acme-tools\nVersion: 1.0\n")
        file.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{INFO}/entry_points.txt", ENTRIES)
        file.writestr(f"{INFO}/RECORD", "")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*command, "--target", str(target), str(wheel)], check=True, timeout=100)
    return target


@pytest.fixture
def acme(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(site))
    plugins.installed.cache_clear()
    yield
    plugins.installed.cache_clear()
    sys.modules.pop("acme_tools", None)


def step(tool: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    task = {"task_id": "a", "operator_type": "task", "function": tool, "dependencies": []}
    return {**task, "args": list(args), "kwargs": kwargs}


# Grants ---------------------------------------------------------------------------------------------------------------
def test_a_new_tenant_starts_with_what_harms_nobody() -> None:
    granted = {name for name in TOOLS if may_use(default_tools(), name)}
    rooms = {name.split(".")[1] for name in granted}
    assert rooms <= {"email", "http", "time", "approval", "workflow", "log"}
    assert granted == {name for name in TOOLS if name.split(".")[1] in rooms}
    assert all(may_use(EVERY_TOOL, name) for name in TOOLS)


def test_what_is_not_granted_warns_at_save_and_fails_for_good() -> None:
    initech = create_tenant("initech", "Initech")
    _, warnings = store_definition(initech, workflow(shell("a", "echo hi")))
    assert "'tools.shell.run' is not a tool that may be used here" in warnings[0]["message"]
    assert "a superuser adds it to the allowed tools under Tenants" in warnings[0]["message"]
    assert warnings[0]["path"] == "tasks.a.function"


def test_a_run_that_reaches_it_names_the_tool_and_the_cure(run: Run, tenant: Tenant) -> None:
    tenant.allowed_tools = default_tools()
    tenant.save()
    ended = run(workflow({**shell("a", "echo hi"), "retry_policy": {"max_retries": 3, "delay": "PT1S"}}))
    assert ended.status == "failed"
    assert (
        'Tenant acme may not use tools.shell.run; a superuser adds "tools.shell.run" to its allowed tools'
        in ended.error
    )
    assert StepRun.objects.for_tenant(tenant).count() == 1


# Tools of other packages ----------------------------------------------------------------------------------------------
def test_an_installed_tool_runs_as_ours_do(acme: None, run: Run, tenant: Tenant) -> None:
    tenant.allowed_tools = ["acme.*"]
    tenant.save()
    assert "acme.push" in every_tool()
    ended = run(workflow(step("acme.push", "{{inputs.x}}")), {"x": 5})
    assert ended.result["output"] == {"pushed": 5, "tenant": "acme"}
    assert "acme is closed" in run(workflow(step("acme.push", 1, fail=True))).error


def test_it_needs_a_grant_like_any_other(acme: None, run: Run, tenant: Tenant) -> None:
    _, warnings = store_definition(tenant, workflow(step("acme.push", 1)))
    assert "not granted" in warnings[0]["message"]
    assert "may not use acme.push" in run(workflow(step("acme.push", 1))).error


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("acme.gone", "acme_tools:GONE of acme-tools: AttributeError"),
        ("acme.missing", "acme_missing:PUSH of acme-tools: ModuleNotFoundError: No module named 'acme_missing'"),
        ("acme.plain", "it is a function, not a runs_app.tools.Tool"),
        ("acme.other", "the tool calls itself 'acme.misnamed'"),
    ],
)
def test_a_broken_one_is_told_where_it_is_used(acme: None, run: Run, tenant: Tenant, name: str, why: str) -> None:
    assert why in broken_tools()[name]
    _, warnings = store_definition(tenant, workflow(step(name, 1)))
    assert why in warnings[0]["message"]
    ended = run(workflow(step(name, 1)))
    assert ended.status == "failed" and why in ended.error


def test_none_of_ours_can_be_replaced(acme: None, caplog: pytest.LogCaptureFixture, run: Run) -> None:
    assert every_tool()["tools.shell.run"] is TOOLS["tools.shell.run"]
    assert "The tool tools.shell.run cannot be used" in caplog.text
    assert run(workflow(shell("a", "echo ours"))).result["output"]["stdout"] == "ours\n"


def test_without_such_packages_there_are_ours() -> None:
    assert every_tool().keys() == TOOLS.keys() and not broken_tools()
