from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.models import WorkflowRun
from templates_app.models import WorkflowTemplate
from tests.templates.conftest import saying

Make = Callable[..., WorkflowTemplate]


def command(*words: Any) -> str:
    out = io.StringIO()
    call_command(*map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


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
