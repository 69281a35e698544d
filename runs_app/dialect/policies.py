"""Retry, timeout and circuit breaker of a step, in each of their spellings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from highway_dsl import CircuitBreakerPolicy, RetryPolicy
from pydantic import BaseModel, ValidationError

from highway_automation.base.safe_json import JSON

from .durations import plain, seconds
from .problems import Findings

POLICY_KEYS = frozenset(
    [
        "retry_policy",
        "retry",
        "timeout_policy",
        "timeout",
        "kill_on_timeout",
        "circuit_breaker_policy",
        "circuit_breaker",
    ]
)
OWN_TIMEOUT_SECONDS = frozenset({"wait_for_event", "child_workflow"})
OWN_TIMEOUT = frozenset({"parallel", "multi_choice"})
RETRY_ALIASES = {
    "initial_interval_seconds": "delay",
    "initial_interval": "delay",
    "backoff_coefficient": "backoff_factor",
}
BREAKER_ALIASES = {"isolation_duration_seconds": "isolation_duration"}


def read_policies(raw: Mapping[str, Any], path: str, found: Findings) -> dict[str, JSON]:
    """The keys `retry`, `timeout`, `kill_on_timeout` and `circuit_breaker` of the canonical form."""
    timeout, kill = read_timeout(raw, path, found)
    return {
        "retry": _first(raw, ("retry_policy", "retry"), path, found, read_retry),
        "timeout": timeout,
        "kill_on_timeout": kill,
        "circuit_breaker": _first(raw, ("circuit_breaker_policy", "circuit_breaker"), path, found, read_breaker),
    }


def read_retry(value: Any, path: str, found: Findings) -> JSON:
    """`{max_retries, delay, backoff_factor}`; `max_attempts` counts the first attempt too, so it is one more."""
    policy = _fields(value, path, RETRY_ALIASES, found)
    if policy is None:
        return None
    if "max_attempts" in policy:
        attempts = policy.pop("max_attempts")
        policy.setdefault("max_retries", attempts - 1 if isinstance(attempts, int) else attempts)
    _duration(policy, "delay", path, found)
    read = _validated(RetryPolicy, policy, path, found)
    if not isinstance(read, RetryPolicy):
        return None
    if read.max_retries < 0 or read.backoff_factor <= 0:
        found.problem(path, "retries cannot be negative and the backoff factor must be above 0.")
    delay = plain(read.delay.total_seconds())
    return {"max_retries": read.max_retries, "delay": delay, "backoff_factor": read.backoff_factor}


def read_timeout(raw: Mapping[str, Any], path: str, found: Findings) -> tuple[int | float | None, bool]:
    """Seconds one attempt may take and whether its tool is killed then; `timeout_policy` before `timeout_seconds`."""
    operator = raw.get("operator_type")
    policy = raw.get("timeout_policy")
    if isinstance(policy, dict):
        kill = policy.get("kill_on_timeout")
        if "timeout" not in policy:
            found.problem(f"{path}.timeout_policy.timeout", "is missing.")
        for key in sorted(policy.keys() - {"timeout", "kill_on_timeout"}):
            found.note(f"{path}.timeout_policy.{key}", "is not a known key; it is ignored.")
        return positive(policy.get("timeout"), f"{path}.timeout_policy.timeout", found), kill is not False
    if policy is not None:
        found.problem(f"{path}.timeout_policy", "must be an object.")
    kill = raw.get("kill_on_timeout") is not False
    if "timeout" in raw and (operator not in OWN_TIMEOUT or "timeout_branches" in raw):
        return positive(raw["timeout"], f"{path}.timeout", found), kill
    if operator not in OWN_TIMEOUT_SECONDS:
        return positive(raw.get("timeout_seconds"), f"{path}.timeout_seconds", found), kill
    return None, kill


def read_breaker(value: Any, path: str, found: Findings) -> JSON:
    policy = _fields(value, path, BREAKER_ALIASES, found)
    if policy is None:
        return None
    _duration(policy, "isolation_duration", path, found)
    read = _validated(CircuitBreakerPolicy, policy, path, found)
    if not isinstance(read, CircuitBreakerPolicy):
        return None
    return {
        "failure_threshold": read.failure_threshold,
        "success_threshold": read.success_threshold,
        "isolation_duration": plain(read.isolation_duration.total_seconds()),
        "catch_exceptions": read.catch_exceptions,
        "ignore_exceptions": read.ignore_exceptions,
    }


def positive(value: Any, path: str, found: Findings) -> int | float | None:
    """Seconds above 0; None stays None."""
    if value is None:
        return None
    try:
        length = seconds(value)
    except ValueError as error:
        found.problem(path, f"{error}.")
        return None
    if not length:
        found.problem(path, "must be longer than 0.")
    return length


def report(error: ValidationError, path: str, found: Findings) -> None:
    """The library's complaints, each at its own field."""
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join([path, *(str(part) for part in item["loc"])]) if item["loc"] else path
        found.problem(where.lstrip("."), f"{item['msg'].removeprefix('Value error, ')}.".replace("..", "."))


def _first(raw: Mapping[str, Any], keys: tuple[str, str], path: str, found: Findings, read: Any) -> JSON:
    key = next((key for key in keys if raw.get(key) is not None), None)
    return None if key is None else read(raw[key], f"{path}.{key}".lstrip("."), found)


def _fields(value: Any, path: str, aliases: Mapping[str, str], found: Findings) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        found.problem(path, "must be an object.")
        return None
    fields: dict[str, Any] = {}
    for key, item in value.items():
        if item is not None:
            fields.setdefault(aliases.get(key, key), item)
    return fields


def _duration(policy: dict[str, Any], key: str, path: str, found: Findings) -> None:
    if key in policy:
        try:
            policy[key] = seconds(policy[key])
        except ValueError as error:
            found.problem(f"{path}.{key}", f"{error}.")
            del policy[key]


def _validated(model: type[BaseModel], policy: dict[str, Any], path: str, found: Findings) -> BaseModel | None:
    for key in sorted(policy.keys() - model.model_fields.keys()):
        found.note(f"{path}.{key}", "is not a known key; it is ignored.")
    try:
        return model.model_validate(policy)
    except ValidationError as error:
        report(error, path, found)
        return None
