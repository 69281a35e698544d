from __future__ import annotations

import copy
from typing import Any

import pytest

from runs_app import dialect

from .definitions import canonical_task, definition, problems, step

RETRY = {"max_retries": 2, "delay": 1.5, "backoff_factor": 2.0}


def test_a_bare_step_gets_every_default() -> None:
    body = dialect.canonical({"name": "x", "tasks": {"a": {"operator_type": "task", "function": "f"}}})
    task = body["tasks"]["a"]
    assert task == {
        "task_id": "a", "operator_type": "task", "dependencies": [], "trigger_rule": "all_success", "retry": None,
        "timeout": None, "kill_on_timeout": True, "circuit_breaker": None, "idempotency_key": None, "metadata": {},
        "description": "", "result_key": None, "on_success_task_id": None, "on_failure_task_id": None,
        "preconditions": [], "postconditions": [], "function": "f", "args": [], "kwargs": {},
    }  # fmt: skip
    del body["tasks"]
    assert body == {
        "name": "x", "version": "2.0.0", "description": "", "variables": {}, "tags": [], "max_active_runs": 1,
        "schedule": None, "start_date": None, "catchup": False, "is_paused": False, "timeout_seconds": None,
        "deadline_seconds": None, "deadline_action": "fail", "start_task": "a", "notes": [],
    }  # fmt: skip


def test_reading_changes_nothing_in_what_is_read() -> None:
    raw = definition(
        a={"operator_type": "wait", "wait_for": "PT5S", "circuit_breaker_policy": {"isolation_duration_seconds": 5}},
        b={"operator_type": "foreach", "items": "{{x}}", "loop_body": [{"task_id": "c", **step()}]},
        c=step(dependencies=["b"]),
    )
    before = copy.deepcopy(raw)
    dialect.canonical(raw)
    assert raw == before


@pytest.mark.parametrize(
    "policy",
    [
        {"max_retries": 2, "delay": "PT1.5S", "backoff_factor": 2.0},
        {"max_retries": 2, "delay": 1.5},
        {"max_attempts": 3, "initial_interval_seconds": 1.5, "backoff_coefficient": 2.0},
        {"max_retries": 2, "delay": {"seconds": 1.5}, "backoff_factor": 2},
    ],
)
@pytest.mark.parametrize("at_the_workflow", [False, True])
def test_each_retry_spelling_means_the_same(policy: dict[str, Any], at_the_workflow: bool) -> None:
    raw = definition(a=step())
    if at_the_workflow:
        raw["default_retry_policy"] = policy
    else:
        raw["tasks"]["a"]["retry_policy"] = policy
    assert dialect.canonical(raw)["tasks"]["a"]["retry"] == RETRY


def test_the_workflow_s_retries_are_for_steps_that_call_tools_and_have_none_of_their_own() -> None:
    raw = definition(
        a=step(retry_policy={"max_retries": 9}),
        b={"operator_type": "wait", "wait_for": 5},
        loop={"operator_type": "while", "condition": "{{x}} < 3", "loop_body": [{"task_id": "c", **step()}]},
        fork={"operator_type": "parallel", "branches": {"l": ["d"]},
              "branch_workflows": {"l": {"name": "fork_l", "tasks": {"d": step()}}}},
    ) | {"default_retry_policy": {"max_retries": 1}}  # fmt: skip
    tasks = dialect.canonical(raw)["tasks"]
    assert tasks["a"]["retry"]["max_retries"] == 9
    assert tasks["b"]["retry"] is None and tasks["loop"]["retry"] is None
    assert tasks["loop"]["body"]["tasks"]["c"]["retry"]["max_retries"] == 1
    assert tasks["fork"]["branches"]["l"]["tasks"]["d"]["retry"]["max_retries"] == 1


@pytest.mark.parametrize(
    ("fields", "timeout", "kill"),
    [
        ({"timeout_policy": {"timeout": "PT1H"}}, 3_600, True),
        ({"timeout_policy": {"timeout": 90, "kill_on_timeout": False}}, 90, False),
        ({"timeout_policy": {"timeout": {"hours": 1}}}, 3_600, True),
        ({"timeout_seconds": 300}, 300, True),
        ({"timeout_seconds": 300, "timeout_policy": {"timeout": 60}}, 60, True),
        ({"timeout_policy": None}, None, True),
    ],
)
def test_each_timeout_spelling_means_the_same(fields: dict[str, Any], timeout: float | None, kill: bool) -> None:
    task = canonical_task(step(**fields))
    assert (task["timeout"], task["kill_on_timeout"]) == (timeout, kill)


def test_timeout_seconds_of_waiting_operators_is_their_own() -> None:
    hear = canonical_task({"operator_type": "wait_for_event", "event_name": "go", "timeout_seconds": 30})
    assert (hear["timeout"], hear["timeout_seconds"]) == (None, 30)
    fork = canonical_task({"operator_type": "parallel", "branches": {}, "timeout": 30})
    assert (fork["timeout"], fork["timeout_branches"]) == (None, 30)


def test_the_whole_run_s_timeout_is_kept() -> None:
    assert dialect.canonical({**definition(a=step()), "timeout_seconds": 40})["timeout_seconds"] == 40


def test_a_deadline_is_a_duration_like_every_other() -> None:
    for spelling in (90, "PT90S", {"seconds": 90}):
        assert dialect.canonical({**definition(a=step()), "deadline_seconds": spelling})["deadline_seconds"] == 90


@pytest.mark.parametrize("key", ["isolation_duration", "isolation_duration_seconds"])
def test_the_breaker_s_isolation_has_two_names(key: str) -> None:
    task = canonical_task(step(circuit_breaker_policy={key: 45}))
    assert task["circuit_breaker"] == {
        "failure_threshold": 5, "success_threshold": 2, "isolation_duration": 45,
        "catch_exceptions": None, "ignore_exceptions": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wait_for", "expected"),
    [
        ("PT2M", {"seconds": 120}),
        ("P1DT1H", {"seconds": 90_000}),
        ("duration:90", {"seconds": 90}),
        ("2d", {"seconds": 172_800}),
        (7, {"seconds": 7}),
        ({"seconds": 7}, {"seconds": 7}),
        ({"hours": 2}, {"seconds": 7_200}),
        ("2030-01-01T00:00:00Z", {"until": "2030-01-01T00:00:00+00:00"}),
        ("2030-01-01", {"until": "2030-01-01T00:00:00+00:00"}),
        ("20300101", {"until": "2030-01-01T00:00:00+00:00"}),
        ("datetime:2030-01-01T00:00:00", {"until": "2030-01-01T00:00:00+00:00"}),
        ("{{delay}}", {"text": "{{delay}}"}),
        ("${inputs.at}", {"text": "${inputs.at}"}),
        ("time:04:00:00", {"text": "time:04:00:00"}),
    ],
)
def test_each_wait_spelling_is_a_length_a_moment_or_a_text(wait_for: object, expected: dict[str, Any]) -> None:
    assert canonical_task({"operator_type": "wait", "wait_for": wait_for})["wait_for"] == expected


def test_nulls_count_as_absent() -> None:
    nulls: dict[str, Any] = dict.fromkeys(
        ("args", "kwargs", "dependencies", "metadata", "description", "retry_policy", "result_key")
    )
    assert canonical_task(step(**nulls)) == canonical_task(step())
    condition = {"operator_type": "condition", "condition": "{{x}}"}
    assert canonical_task(condition)["if_false"] is None


def test_the_key_is_the_step_s_id() -> None:
    body = dialect.canonical(definition(a=step(task_id="b")))
    assert body["tasks"]["a"]["task_id"] == "a"
    assert body["notes"] == [
        {"path": "tasks.a.task_id", "message": "The step is known as 'a', its key; 'b' is ignored."}
    ]


def test_unknown_keys_are_tolerated_and_noted() -> None:
    body = dialect.canonical({**definition(a=step(colour="red", retry_policy={"jitter": 1})), "owner": "me"})
    assert {note["path"] for note in body["notes"]} == {"owner", "tasks.a.colour", "tasks.a.retry_policy.jitter"}


def test_a_tool_s_short_name_is_completed() -> None:
    assert canonical_task(step("workflow.execute"))["function"] == "tools.workflow.execute"


def test_every_operator_is_read() -> None:
    own: dict[str, dict[str, Any]] = {
        "task": {"function": "f"},
        "activity": {"function": "f"},
        "condition": {"condition": "{{x}} > 1", "if_true": "z", "if_false": None},
        "wait": {"wait_for": 5},
        "parallel": {"branches": {}},
        "foreach": {"items": "{{x}}"},
        "while": {"condition": "{{x}} > 1"},
        "emit_event": {"event_name": "e"},
        "wait_for_event": {"event_name": "e"},
        "switch": {"switch_on": "{{x}}", "cases": {"1": "z"}},
        "join": {"join_tasks": ["z"], "join_mode": "any_of"},
        "reflexive": {"generator": "g", "verifier": "v"},
        "multi_choice": {"branches": {}},
        "terminate": {"status": "failed"},
        "child_workflow": {"children": {"k": {"workflow_name": "w"}}},
    }
    raw = {name: {"operator_type": name, **fields} for name, fields in own.items()}
    tasks = dialect.canonical(definition(z=step(), **raw))["tasks"]
    assert [task["operator_type"] for task in tasks.values()] == ["task", *own]
    assert tasks["child_workflow"]["children"] == {"k": {"workflow_name": "w", "inputs": {}}}
    assert tasks["reflexive"]["max_turns"] == 3 and tasks["foreach"]["body"] == {"tasks": {}}


@pytest.mark.parametrize(
    ("raw", "path", "message"),
    [
        ([], "", "object"),
        ({"tasks": {"a": step()}}, "name", "required"),
        ({"name": 5, "tasks": {"a": step()}}, "name", "required"),
        ({"name": "", "tasks": {"a": step()}}, "name", "required"),
        ({"name": "Not valid", "tasks": {"a": step()}}, "", "must start with lowercase letter"),
        ({"name": "a__b", "tasks": {"a": step()}}, "", "double underscore"),
        ({"name": "x"}, "tasks", "at least one step"),
        ({"name": "x", "tasks": {}}, "tasks", "at least one step"),
        ({"name": "x", "tasks": []}, "tasks", "at least one step"),
        (definition(a="echo"), "tasks.a", "must be an object"),
        (definition(a={"function": "f"}), "tasks.a.operator_type", "Unknown operator type: None"),
        (definition(a={"operator_type": "try_catch"}), "tasks.a.operator_type", "Unknown operator type: try_catch"),
        (definition(a={"operator_type": ["task"]}), "tasks.a.operator_type", "Unknown operator type"),
        (definition(a={"operator_type": "task"}), "tasks.a.function", "Field required"),
        (definition(a=step(args="echo")), "tasks.a.args", "valid list"),
        (definition(a=step(dependencies="b")), "tasks.a.dependencies", "valid list"),
        (definition(a=step(trigger_rule="one_failed")), "tasks.a.trigger_rule", "should be"),
        (definition(a=step(retry_policy={"delay": "soon"})), "tasks.a.retry_policy.delay", "expected a duration"),
        (definition(a=step(retry_policy={"max_retries": "x"})), "tasks.a.retry_policy.max_retries", "integer"),
        (definition(a=step(retry_policy={"max_retries": -1})), "tasks.a.retry_policy", "negative"),
        (definition(a=step(retry_policy="often")), "tasks.a.retry_policy", "object"),
        (definition(a=step(timeout_policy={})), "tasks.a.timeout_policy.timeout", "missing"),
        (definition(a=step(timeout_policy={"timeout": 0})), "tasks.a.timeout_policy.timeout", "longer than 0"),
        (definition(a=step(timeout_seconds="never")), "tasks.a.timeout_seconds", "expected a duration"),
        (definition(a=step(circuit_breaker_policy={"failure_threshold": 0})),
         "tasks.a.circuit_breaker_policy.failure_threshold", "greater than or equal"),
        (definition(a=step(preconditions=[{"variable": "{{x}}", "check": "is_nice"}])),
         "tasks.a.preconditions.0", "Invalid check type"),
        (definition(a={"operator_type": "wait"}), "tasks.a.wait_for", "missing"),
        (definition(a={"operator_type": "wait", "wait_for": "garbage"}), "tasks.a.wait_for", "reference"),
        (definition(a={"operator_type": "wait", "wait_for": "PT5"}), "tasks.a.wait_for", "duration"),
        (definition(a={"operator_type": "foreach", "items": ["x"]}), "tasks.a.items", "valid string"),
        (definition(a={"operator_type": "terminate", "status": "done"}), "tasks.a", "must be one of"),
        (definition(a={"operator_type": "reflexive", "generator": "g", "verifier": "v", "max_turns": 11}),
         "tasks.a.max_turns", "less than or equal"),
        (definition(a={"operator_type": "child_workflow", "children": {"k": {}}}),
         "tasks.a.children.k.workflow_name", "missing"),
        (definition(a={"operator_type": "multi_choice", "branches": {"big": {"tasks": []}}}),
         "tasks.a.branches.big.condition", "missing"),
        (definition(a={"operator_type": "parallel", "branches": {"l": ["gone"]}}), "tasks.a.branches.l", "'gone'"),
        (definition(a={"operator_type": "while", "condition": "{{x}}", "loop_body": [{"task_id": "b"}]}),
         "tasks.a.loop_body.b.operator_type", "Unknown operator type"),
        (definition(a={"operator_type": "parallel", "branch_workflows": {"l": {"tasks": {"b": step(args=1)}}}}),
         "tasks.a.branch_workflows.l.tasks.b.args", "valid list"),
        (definition(**{"a/b": step()}), "tasks.a/b", "step id"),
        ({**definition(a=step()), "deadline_seconds": 0}, "deadline_seconds", "longer than 0"),
        ({**definition(a=step()), "deadline_seconds": 10**18}, "deadline_seconds", "hundred years"),
        (definition(a={"operator_type": "wait", "wait_for": "9999-12-31T23:59:59-14:00"}),
         "tasks.a.wait_for", "outside of the years 1 to 9999 in UTC."),
        (definition(a={"operator_type": "wait", "wait_for": {"until": "10000-01-01T00:00:00Z"}}),
         "tasks.a.wait_for", "outside of the years 1 to 9999 in UTC."),
        ({**definition(a=step()), "max_active_runs": 0}, "max_active_runs", "at least 1"),
        ({**definition(a=step()), "start_date": "soon"}, "start_date", "datetime"),
        ({**definition(a=step()), "default_retry_policy": {"delay": []}}, "default_retry_policy.delay", "duration"),
        (definition(a=step(args=["\x00"])), "", "NUL"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_path(raw: Any, path: str, message: str) -> None:
    found = problems(raw)
    assert message in found[path]


def test_every_problem_is_reported_at_once() -> None:
    found = problems({"tasks": {"a": step(args=1, kwargs=2), "b": {"operator_type": "wait", "wait_for": "x"}}})
    assert set(found) == {"name", "tasks.a.args", "tasks.a.kwargs", "tasks.b.wait_for"}


def test_depth_is_bounded() -> None:
    task: dict[str, Any] = {"task_id": "leaf", **step()}
    for level in range(25):
        task = {"task_id": f"loop{level}", "operator_type": "while", "condition": "{{x}}", "loop_body": [task]}
    assert "at most 16 levels" in " ".join(problems(definition(top=task)).values())
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    assert "deeper than 64" in problems(definition(a=step(args=deep)))[""]


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    with pytest.raises(dialect.DefinitionError) as caught:
        dialect.canonical(definition(**{f"s{n}": step(args=1) for n in range(150)}))
    assert len(caught.value.problems) == 101 and caught.value.problems[-1].message == "There are 50 more."
    body = dialect.canonical(definition(**{f"s{n}": step(colour=1) for n in range(150)}))
    assert len(body["notes"]) == 101
