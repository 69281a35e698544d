from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from runs_app.tools import ToolError
from tests.conftest import workflow

from .context import Log, call, context

RUN = "tools.python.run"
JOBS = "tests.runs.tools.jobs"


@pytest.fixture(autouse=True)
def allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHWAY_DEBUG", "1")  # the function's own process reads the settings, too
    settings.HIGHWAY_PYTHON_FUNCTIONS = [f"{JOBS}:*", "tests.runs.tools.django_jobs.tenants"]


def refused(function: str, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(RUN, function=function, **arguments)
    return caught.value


def test_its_value_is_the_output_and_what_it_prints_goes_to_the_log() -> None:
    log = Log()
    assert call(RUN, context(log=log), function=f"{JOBS}:add", args=[2], kwargs={"b": 3}) == 5
    assert log.text == "adding 2 and 3\n"


@pytest.mark.parametrize("function", [f"{JOBS}:add", f"{JOBS}.add"])
def test_both_spellings_and_arguments_by_name(function: str) -> None:
    assert call(RUN, function=function, a=40, b=2) == 42


def test_a_nested_name_and_an_argument_called_as_one_of_ours() -> None:
    assert call(RUN, function=f"{JOBS}:Group.inner", kwargs={"timeout": 7}) == 7


def test_a_function_that_asks_for_ctx_gets_its_step() -> None:
    given = context(attempt=3, inputs={"who": "ada"})
    assert call(RUN, given, function=f"{JOBS}:about", loud=True) == ["nightly", "backup", 3, "ada", True]


def test_a_module_that_uses_django_finds_it_set_up() -> None:
    assert call(RUN, function="tests.runs.tools.django_jobs:tenants")[0] == "tenants_app"


@pytest.mark.parametrize("function", ["os:system", "os.system", "subprocess:run", "tests.runs.tools.jobsx:add"])
def test_what_the_operator_did_not_list_is_refused_naming_the_setting(function: str) -> None:
    error = refused(function, args=["true"])
    assert error.permanent
    assert "HIGHWAY_PYTHON_FUNCTIONS" in error.message and function.replace("os.s", "os:s") in error.message


@pytest.mark.parametrize(
    "name", ["os.system", "os.path.join", "getcwd", "time.sleep", "add.__globals__.get", "add.__class__", "Any"]
)
def test_a_pattern_means_the_modules_own_functions_not_its_imports(name: str) -> None:
    error = refused(f"{JOBS}:{name}")
    assert error.permanent and ("is not defined in" in error.message or "has no" in error.message)


def test_an_import_is_called_where_its_module_exports_or_the_operator_lists_it(settings: Settings) -> None:
    assert call(RUN, function=f"{JOBS}:getpid") > 0
    settings.HIGHWAY_PYTHON_FUNCTIONS = [f"{JOBS}:*", f"{JOBS}:getcwd"]
    assert call(RUN, function=f"{JOBS}:getcwd")


def test_by_default_nothing_is_listed(settings: Settings) -> None:
    settings.HIGHWAY_PYTHON_FUNCTIONS = []
    assert "HIGHWAY_PYTHON_FUNCTIONS" in refused(f"{JOBS}:add").message


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("add", {}, "cannot be called like this: missing a required argument: 'a'"),
        ("add", {"a": 1, "c": 2}, "cannot be called like this: got an unexpected keyword argument 'c'"),
        ("gone", {}, f"{JOBS} has no gone."),
        ("NUMBER", {}, "is a int, not a function."),
        ("unfit", {}, "cannot be written as JSON (object:"),
    ],
)
def test_what_no_retry_can_mend_is_permanent(function: str, arguments: dict[str, Any], said: str) -> None:
    error = refused(f"{JOBS}:{function}", **arguments)
    assert error.permanent and said in error.message


def test_a_missing_module_is_named(settings: Settings) -> None:
    settings.HIGHWAY_PYTHON_FUNCTIONS = ["*"]
    assert (
        "no_such_module:f cannot be imported: No module named 'no_such_module'" in refused("no_such_module:f").message
    )


def test_its_exception_fails_the_step_and_may_be_retried() -> None:
    error = refused(f"{JOBS}:fail")
    assert error.message == "tools.python.run: RuntimeError: the function's own error"
    assert not error.permanent and "jobs.py" in error.output["stderr"]


def test_time_ends_it() -> None:
    assert "killed after 1 s" in refused(f"{JOBS}:wait", timeout=1).message


@pytest.mark.parametrize(("function", "said"), [("", "function is missing"), ("nodots", '"module:function"')])
def test_a_bad_name_is_refused(function: str, said: str) -> None:
    assert said in refused(function).message


# Functions of an uploaded archive -------------------------------------------------------------------------------------
TASKS = """
import os, socket
from . import helper
def _hw_look(ctx, *args, **kwargs):
    try:
        socket.create_connection(("127.0.0.1", 22), 1)
        reached = True
    except OSError:
        reached = False
    return {"step": ctx.step, "args": list(args), "kwargs": kwargs, "helped": helper.VALUE, "reached": reached,
            "sees": os.path.exists("/etc/shadow"), "environment": sorted(os.environ)}
"""


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("driver_tasks/__init__.py", "")
        file.writestr("driver_tasks/helper.py", "VALUE = 'from the zip'")
        file.writestr("driver_tasks/tasks.py", TASKS)
    return data.getvalue()


def step(args: list[Any], **kwargs: Any) -> dict[str, Any]:
    task = {"task_id": "a", "operator_type": "task", "function": RUN, "dependencies": []}
    return {**task, "args": args, "kwargs": {"artifact_id": "{{_artifact_id}}", **kwargs}}


@pytest.mark.django_db
def test_a_function_of_an_uploaded_archive_runs_shut_in(api: APIClient, run: Callable[..., Any]) -> None:
    zipped = archive()
    uploaded = api.post("/api/v1/artifacts", data=zipped, content_type="application/zip").json()["artifact_id"]
    assert uploaded == hashlib.sha256(zipped).hexdigest()
    ended = run(workflow(step(["driver_tasks.tasks._hw_look", 1, "x"], n=2)), {"_artifact_id": uploaded})
    assert ended.status == "completed", ended.error
    assert ended.result["output"] == {
        "step": "a", "args": [1, "x"], "kwargs": {"n": 2}, "helped": "from the zip", "reached": False, "sees": False,
        "environment": ["HOME", "LANG", "PATH", "PWD"],
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("foreign", [True, False])
def test_an_archive_that_is_not_the_tenant_s_is_not_there(
    foreign: bool, foreign_api: APIClient, run: Callable[..., Any]
) -> None:
    uploaded = "0" * 64
    if foreign:
        uploaded = foreign_api.post("/api/v1/artifacts", data=archive(), content_type="application/zip").json()[
            "artifact_id"
        ]
    ended = run(workflow(step(["driver_tasks.tasks._hw_look"])), {"_artifact_id": uploaded})
    assert ended.status == "failed"
    assert f"there is no artifact '{uploaded}'" in ended.error
