"""One step: read by highway-dsl's own class for its operator, given back in the canonical form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import highway_dsl
from highway_dsl import BaseOperator
from pydantic import ValidationError

from highway_automation.base.safe_json import JSON

from .durations import TIME_OF_DAY, OutOfRange, moment, seconds
from .policies import OWN_TIMEOUT, OWN_TIMEOUT_SECONDS, POLICY_KEYS, positive, read_policies, report
from .problems import Findings

MODELS: dict[str, type[BaseOperator]] = {
    "task": highway_dsl.TaskOperator,
    "activity": highway_dsl.ActivityOperator,
    "condition": highway_dsl.ConditionOperator,
    "wait": highway_dsl.WaitOperator,
    "parallel": highway_dsl.ParallelOperator,
    "foreach": highway_dsl.ForEachOperator,
    "while": highway_dsl.WhileOperator,
    "emit_event": highway_dsl.EmitEventOperator,
    "wait_for_event": highway_dsl.WaitForEventOperator,
    "switch": highway_dsl.SwitchOperator,
    "join": highway_dsl.JoinOperator,
    "reflexive": highway_dsl.ReflexiveOperator,
    "multi_choice": highway_dsl.MultiChoiceOperator,
    "terminate": highway_dsl.TerminateOperator,
    "child_workflow": highway_dsl.ChildWorkflowOperator,
}
CALLS_A_TOOL = frozenset({"task", "activity", "reflexive"})
COMMON = [
    "idempotency_key",
    "metadata",
    "description",
    "result_key",
    "on_success_task_id",
    "on_failure_task_id",
    "preconditions",
    "postconditions",
]
NESTING = frozenset({"branches", "branch_workflows", "loop_body", "body", "timeout_branches"})
SHARED_KEYS = frozenset(BaseOperator.model_fields)
FUNCTION_ALIASES = {"workflow.execute": "tools.workflow.execute"}
BAD_ID = re.compile(r"[\x00-\x1f\x7f/\[\]{}#]")
MAX_ID = 200
REFERENCE = re.compile(r"\{\{|\$\{")


def read_operator(task_id: str, raw: Any, path: str, default_retry: JSON, found: Findings) -> dict[str, JSON] | None:
    """The step without what is nested in it; None (and a problem) where it cannot be read."""
    if not isinstance(raw, dict):
        found.problem(path, "must be an object.")
        return None
    operator = raw.get("operator_type")
    if not isinstance(operator, str) or operator not in MODELS:
        known = ", ".join(MODELS)
        found.problem(f"{path}.operator_type", f"Unknown operator type: {operator}. Known are {known}.")
        return None
    _check_id(task_id, raw, path, found)
    _note_unknown_keys(raw, MODELS[operator], path, found)
    own = _validated(task_id, operator, raw, path, found)
    policies = read_policies(raw, path, found)
    if policies["retry"] is None and operator in CALLS_A_TOOL:
        policies["retry"] = default_retry
    if own is None:
        return None
    return _canonical(task_id, operator, own, policies) | _special(operator, raw, path, found)


def _canonical(task_id: str, operator: str, own: dict[str, JSON], policies: dict[str, JSON]) -> dict[str, JSON]:
    task = {
        "task_id": task_id,
        "operator_type": operator,
        "dependencies": list(dict.fromkeys(own["dependencies"])),
        "trigger_rule": own["trigger_rule"],
        **policies,
        **{key: own[key] for key in COMMON},
    }
    for key in ("idempotency_key", "result_key", "on_success_task_id", "on_failure_task_id"):
        task[key] = task[key] or None
    for key, value in own.items():
        if key not in SHARED_KEYS and key not in NESTING and key not in POLICY_KEYS:
            task[key] = value
    if "function" in task:
        task["function"] = FUNCTION_ALIASES.get(task["function"], task["function"])
    return task


def _validated(task_id: str, operator: str, raw: Mapping[str, Any], path: str, found: Findings) -> JSON:
    """The step's plain fields as highway-dsl reads them. Nulls count as absent, as in its own YAML."""
    dropped = POLICY_KEYS | NESTING | {"wait_for", "timeout_seconds"}
    fields = {key: value for key, value in raw.items() if value is not None and key not in dropped}
    fields |= {"task_id": task_id, **_placeholders(operator, raw)}
    try:
        return MODELS[operator].model_validate(fields).model_dump(mode="json")
    except ValidationError as error:
        report(error, path, found)
        return None


def _placeholders(operator: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the library requires although it is absent from YAML, or is read by us."""
    if operator == "condition":
        return {"if_true": raw.get("if_true") or None, "if_false": raw.get("if_false") or None}
    stands_in: dict[str, dict[str, Any]] = {"wait": {"wait_for": 0}, "multi_choice": {"branches": {}}}
    return stands_in.get(operator, {})


def _special(operator: str, raw: Mapping[str, Any], path: str, found: Findings) -> dict[str, JSON]:
    if operator == "wait":
        return {"wait_for": read_wait(raw.get("wait_for"), f"{path}.wait_for", found)}
    if operator in OWN_TIMEOUT:
        key = "timeout_branches" if "timeout_branches" in raw else "timeout"
        return {"timeout_branches": positive(raw.get(key), f"{path}.{key}", found)}
    own: dict[str, JSON] = {}
    if operator in OWN_TIMEOUT_SECONDS:
        own["timeout_seconds"] = positive(raw.get("timeout_seconds"), f"{path}.timeout_seconds", found)
    if operator == "child_workflow":
        own["children"] = _children(raw.get("children"), path, found)
    return own


def read_wait(value: Any, path: str, found: Findings) -> JSON:
    """`{"seconds": n}`, `{"until": ISO time}` or `{"text": …}` where only the run knows."""
    if value is None:
        found.problem(path, "is missing.")
        return None
    if isinstance(value, dict) and isinstance(value.get("text"), str) and len(value) == 1:
        return value
    until = value.get("until") if isinstance(value, dict) and len(value) == 1 else None
    if isinstance(value, str) and (REFERENCE.search(value) or TIME_OF_DAY.fullmatch(value)):
        return {"text": value}
    if until is not None or isinstance(value, str):
        try:
            return {"until": moment(until or value).isoformat()}
        except OutOfRange as error:
            found.problem(path, f"{error}.")
            return None
        except ValueError as error:
            complaint = str(error)
    try:
        return {"seconds": seconds(value)}
    except ValueError as error:
        either = 'a time such as "2030-01-01T00:00:00Z" or a reference such as "{{delay}}"'
        found.problem(path, f"{complaint}." if until is not None else f"{error}; {either} is possible too.")
        return None


def _children(children: Any, path: str, found: Findings) -> dict[str, JSON]:
    read: dict[str, JSON] = {}
    for name, child in (children or {}).items() if isinstance(children, dict) else ():
        where = f"{path}.children.{name}"
        workflow = child.get("workflow_name") if isinstance(child, dict) else None
        inputs = (child.get("inputs") or {}) if isinstance(child, dict) else {}
        if not isinstance(workflow, str) or not workflow:
            found.problem(f"{where}.workflow_name", "is missing.")
        if not isinstance(inputs, dict):
            found.problem(f"{where}.inputs", "must be an object.")
        read[name] = {"workflow_name": workflow, "inputs": inputs}
    return read


def _check_id(task_id: str, raw: Mapping[str, Any], path: str, found: Findings) -> None:
    if not task_id.strip() or len(task_id) > MAX_ID or BAD_ID.search(task_id):
        found.problem(
            path, f"A step id has 1 to {MAX_ID} characters, none of them / [ ] {{ }} # or a control character."
        )
    inner = raw.get("task_id")
    if inner is not None and inner != task_id:
        found.note(f"{path}.task_id", f"The step is known as {task_id!r}, its key; {inner!r} is ignored.")


def _note_unknown_keys(raw: Mapping[str, Any], model: type[BaseOperator], path: str, found: Findings) -> None:
    known = model.model_fields.keys() | POLICY_KEYS | NESTING | {"timeout_seconds"}
    for key in sorted(raw.keys() - known):
        found.note(f"{path}.{key}", "is not a known key; it is ignored.")
