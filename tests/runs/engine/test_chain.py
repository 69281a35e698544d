"""What a run of a definition does, seen through its stored rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runs_app.models import StepLog
from tenants_app.actions import resume_tenant, set_variable, stop_tenant
from tenants_app.models import Tenant
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import branches, condition, step, steps, task, wait

Run = Callable[..., Any]
Drive = Callable[[], int]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_chain_runs_in_order_and_hands_its_results_on(run: Run) -> None:
    ended = run(
        workflow(
            shell("a", "printf %s {{inputs.word}}"),
            shell("b", "printf %s-b {{a.stdout}}", "a"),
            shell("c", "printf %s {{steps.b.output.stdout}}", "b", result_key="last"),
        ),
        {"word": "hello world"},
    )
    assert ended.status == "completed", ended.error
    assert steps(ended) == [("a", "succeeded"), ("b", "succeeded"), ("c", "succeeded")]
    assert ended.result["last"]["stdout"] == "hello world-b"
    assert ended.result["output"] == ended.result["last"]


def test_two_independent_steps_and_one_after_both(run: Run) -> None:
    ended = run(
        workflow(shell("l", "echo L"), shell("r", "echo R"), shell("both", "echo {{l.stdout}}{{r.stdout}}", "l", "r"))
    )
    assert ended.status == "completed", ended.error
    assert ended.result["output"]["stdout"] == "LR\n"
    assert branches(ended).count() == 2


def test_a_fork_opens_branches_and_the_join_runs_once(run: Run) -> None:
    ended = run(
        workflow(
            shell("first", "echo 1"),
            *[shell(f"m{number}", f"echo {number}", "first") for number in range(5)],
            shell("last", "echo {{m0.stdout}}{{m4.stdout}}", *[f"m{number}" for number in range(5)]),
        )
    )
    assert ended.status == "completed", ended.error
    assert [path for path, _ in steps(ended)].count("last") == 1
    assert ended.result["output"]["stdout"] == "04\n"


@pytest.mark.parametrize(("kind", "went", "skipped"), [("big", "good", "bad"), ("small", "bad", "good")])
def test_a_condition_runs_one_side_and_what_follows_waits_for_it(run: Run, kind: str, went: str, skipped: str) -> None:
    ended = run(
        workflow(
            condition("choose", "{{inputs.kind}} == 'big'", "good", "bad"),
            shell("good", "echo good", "choose"),
            shell("bad", "echo bad", "choose"),
            shell("after", "echo after {{good.stdout | default('')}}{{bad.stdout | default('')}}", "choose"),
        ),
        {"kind": kind},
    )
    assert ended.status == "completed", ended.error
    assert dict(steps(ended)) == {"choose": "succeeded", went: "succeeded", skipped: "skipped", "after": "succeeded"}
    assert ended.result["output"]["stdout"] == f"after {went}\n"


def test_a_condition_that_cannot_be_decided_fails_its_step(run: Run) -> None:
    ended = run(workflow(condition("choose", "{{inputs.absent}} == 1", "x", None), shell("x", "echo x", "choose")))
    assert ended.status == "failed"
    assert "absent" in ended.error
    assert dict(steps(ended))["x"] == "skipped"


def test_switch_chooses_by_text(run: Run) -> None:
    switch = {"task_id": "route", "operator_type": "switch", "switch_on": "{{inputs.kind}}", "dependencies": []}
    definition = workflow(
        {**switch, "cases": {"csv": "on_csv", "7": "on_seven"}, "default": "on_else"},
        shell("on_csv", "echo csv"),
        shell("on_seven", "echo seven"),
        shell("on_else", "echo else"),
    )
    for value, output in (("csv", "csv\n"), (7, "seven\n"), ("x", "else\n")):
        assert run(definition, {"kind": value}).result["output"]["stdout"] == output


def test_failure_stops_what_depends_on_it_and_names_the_step(run: Run) -> None:
    ended = run(workflow(shell("a", "echo oops >&2; exit 3"), shell("b", "echo b", "a"), shell("other", "echo o")))
    assert ended.status == "failed"
    assert "a: " in ended.error and "oops" in ended.error
    assert dict(steps(ended)) == {"a": "failed", "b": "skipped", "other": "succeeded"}


def test_a_handler_that_runs_makes_the_failure_handled(run: Run) -> None:
    ended = run(
        workflow(
            shell("risky", "exit 1", on_failure_task_id="rescue"),
            shell("rescue", "echo {{failed_task_id}}: {{error_message}}"),
            shell("never", "echo no", "risky"),
        )
    )
    assert ended.status == "completed", ended.error
    assert dict(steps(ended)) == {"risky": "failed", "rescue": "succeeded", "never": "skipped"}
    assert ended.result["output"]["stdout"].startswith("risky: ")


def test_a_handler_is_skipped_when_nothing_fails(run: Run) -> None:
    ended = run(workflow(shell("fine", "echo 1", on_failure_task_id="rescue"), shell("rescue", "echo 2")))
    assert (ended.status, dict(steps(ended))["rescue"]) == ("completed", "skipped")


def test_an_operator_not_built_fails_its_step_by_name(run: Run) -> None:
    stop = {"task_id": "stop", "operator_type": "terminate", "dependencies": []}
    ended = run(workflow(stop))
    assert ended.status == "failed"
    assert "terminate" in ended.error


def test_unknown_and_ungranted_tools_fail_permanently(run: Run, tenant: Tenant) -> None:
    retries = {"retry_policy": {"max_retries": 3, "delay": 1}}
    assert "tools.magic" in run(workflow({**task("a", "tools.magic"), **retries})).error
    tenant.allowed_tools = ["tools.log.*"]
    tenant.save()
    refused = run(workflow({**shell("a", "echo"), **retries}))
    assert "acme may not use tools.shell.run" in refused.error
    assert step(refused, "a").attempt == 1


def test_a_wait_parks_the_branch_until_its_time(run: Run, drive: Drive, move_clock: Callable[..., None]) -> None:
    waiting = run(workflow(wait("nap", "P2D"), shell("after", "echo up", "nap")))
    assert (waiting.status, step(waiting, "nap").status) == ("sleeping", "sleeping")
    assert branches(waiting).get().lease_until is None
    move_clock(hours=47)
    assert drive() == 0
    move_clock(hours=2)
    drive()
    waiting.refresh_from_db()
    assert waiting.status == "completed", waiting.error


def test_sleep_for_sleeps_once(run: Run, drive: Drive, move_clock: Callable[..., None]) -> None:
    waiting = run(workflow(task("nap", "tools.time.sleep_for", duration="2d"), shell("after", "echo up", "nap")))
    assert waiting.status == "sleeping"
    move_clock(days=2, minutes=1)
    drive()
    waiting.refresh_from_db()
    assert waiting.status == "completed", waiting.error
    assert steps(waiting) == [("nap", "succeeded"), ("after", "succeeded")]


def test_retries_wait_longer_each_time_and_end(run: Run, drive: Drive, move_clock: Callable[..., None]) -> None:
    policy = {"max_retries": 2, "delay": "PT10S", "backoff_factor": 2.0}
    failing = run(workflow(shell("a", "exit 1", retry_policy=policy)))
    assert (failing.status, steps(failing)) == ("sleeping", [("a", "failed")])
    move_clock(seconds=11)
    drive()
    assert steps(failing) == [("a", "failed")] * 2
    move_clock(seconds=11)
    assert drive() == 0
    move_clock(seconds=10)
    drive()
    failing.refresh_from_db()
    assert failing.status == "failed"
    assert steps(failing) == [("a", "failed")] * 3


def test_a_retry_that_succeeds_saves_the_run(
    run: Run, drive: Drive, move_clock: Callable[..., None], tmp_path: Path
) -> None:
    command = f"test -f {tmp_path}/mark || {{ touch {tmp_path}/mark; exit 1; }}"
    waiting = run(workflow(shell("a", command, retry_policy={"max_retries": 1, "delay": 5})))
    move_clock(seconds=6)
    drive()
    waiting.refresh_from_db()
    assert waiting.status == "completed", waiting.error
    assert steps(waiting) == [("a", "failed"), ("a", "succeeded")]


def test_a_missing_name_fails_the_step_naming_it(run: Run) -> None:
    assert "inputs.nobody" in run(workflow(shell("a", "echo {{inputs.nobody}}"))).error


def test_a_timeout_kills_the_command(run: Run) -> None:
    ended = run(workflow(shell("a", "sleep 60", timeout_policy={"timeout": "PT1S"})))
    assert ended.status == "failed"
    assert "1 s" in ended.error


def test_binary_output_is_stored(run: Run) -> None:
    ended = run(workflow(shell("a", r"printf 'x\000y\377z'")))
    assert ended.status == "completed", ended.error
    assert ended.result["output"]["stdout"] == "x\ufffdy\ufffdz"


def test_what_a_step_prints_is_its_log(run: Run) -> None:
    ended = run(workflow(shell("a", "echo hello; echo there >&2")))
    text = StepLog.objects.for_tenant(ended.tenant_id).get(run=ended).text
    assert "hello" in text and "there" in text


def test_a_secret_is_masked_wherever_it_would_be_stored(run: Run, tenant: Tenant) -> None:
    set_variable(tenant, "token", "s3cr3t-v4lue", secret=True)
    ended = run(
        workflow(
            shell("a", "echo {{secrets.token}}; echo {{secrets.token}} >&2", result_key="said"),
            shell("b", "echo {{a.stdout}}; echo s3cr3t-v4lue; exit 1", "a"),
        )
    )
    stored = str([ended.result, ended.error, [[row.input, row.output, row.error] for row in ended.steps.all()]])
    logs = str(list(StepLog.objects.for_tenant(tenant).values_list("text", flat=True)))
    assert "s3cr3t-v4lue" not in stored + logs
    assert "******" in stored and "******" in logs


def test_tenant_variables_are_read_as_env(run: Run, tenant: Tenant) -> None:
    set_variable(tenant, "REGION", "north")
    assert run(workflow(shell("a", "echo ${env.REGION}"))).result["output"]["stdout"] == "north\n"
    assert "PATH" in run(workflow(shell("a", "echo ${env.PATH}"))).error


def test_a_deadline_ends_the_run(run: Run, drive: Drive, move_clock: Callable[..., None]) -> None:
    failing = run(workflow(wait("nap", "P1D"), deadline_seconds=60))
    dropped = run(workflow(wait("nap", "P1D"), deadline_seconds=60, deadline_action="cancel"))
    move_clock(seconds=61)
    drive()
    for ended, status in ((failing, "failed"), (dropped, "cancelled")):
        ended.refresh_from_db()
        assert (ended.status, "deadline" in ended.error) == (status, True)
        assert step(ended, "nap").status == "cancelled"


def test_a_stopped_tenant_starts_nothing_until_it_goes_on(start: Run, drive: Drive, tenant: Tenant) -> None:
    waiting = start(workflow(shell("a", "echo a")))
    stop_tenant(tenant)
    assert drive() == 0
    resume_tenant(tenant)
    drive()
    waiting.refresh_from_db()
    assert waiting.status == "completed"


def test_a_run_by_hand_has_its_own_time_as_ds(run: Run) -> None:
    ended = run(workflow(shell("a", "echo {{ds}}")))
    assert ended.result["output"]["stdout"].strip() == ended.created_at.isoformat()
