"""The definition itself: its own fields, its steps, where it starts."""

from __future__ import annotations

from typing import Any

import highway_dsl
from pydantic import ValidationError

from highway_automation.base.safe_json import JSON

from .linking import link
from .policies import positive, read_retry, report
from .problems import DefinitionError, Findings, shortened
from .repairs import targets
from .scopes import Raw, ScopeReader

OWN = [
    "name",
    "version",
    "description",
    "variables",
    "tags",
    "max_active_runs",
    "schedule",
    "start_date",
    "catchup",
    "is_paused",
]
OURS = frozenset({"timeout_seconds", "notes"})
READ_APART = frozenset({"tasks", "default_retry_policy", "deadline_seconds"})
MAX_NAME = 255


def read_workflow(raw: JSON) -> JSON:
    """The canonical form of a definition. Raises DefinitionError."""
    found = Findings()
    if not isinstance(raw, dict):
        found.problem("", "A definition is an object with a name and tasks.")
        raise DefinitionError(found.problems)
    fields = _fields(raw, found)
    timeout = positive(raw.get("timeout_seconds"), "timeout_seconds", found)
    deadline = positive(raw.get("deadline_seconds"), "deadline_seconds", found)
    tasks = _tasks(raw, found)
    if found.problems or fields is None:
        raise DefinitionError(found.problems)
    link(tasks, found)
    if found.problems:
        raise DefinitionError(found.problems)
    start = _start_task(raw.get("start_task"), tasks)
    _free_start(start if raw.get("start_task") == start else None, tasks, found)
    return {
        **{key: fields[key] for key in OWN},
        "timeout_seconds": timeout,
        "deadline_seconds": deadline,
        "deadline_action": fields["deadline_action"],
        "start_task": start,
        "tasks": {start: tasks.pop(start), **tasks} if start in tasks else tasks,
        "notes": _notes(raw, found),
    }


def _fields(raw: dict[str, Any], found: Findings) -> dict[str, JSON] | None:
    """The definition's own fields as highway-dsl reads them. Nulls count as absent."""
    fields = {key: value for key, value in raw.items() if value is not None and key not in READ_APART}
    for key in sorted(raw.keys() - highway_dsl.Workflow.model_fields.keys() - OURS):
        found.note(key, "is not a known key; it is ignored.")
    name = fields.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        found.problem("name", f"is required: a text of 1 to {MAX_NAME} characters.")
        fields["name"] = "unnamed"
    if not isinstance(fields.get("version", ""), str):
        fields["version"] = str(fields["version"])
    try:
        read: dict[str, JSON] = highway_dsl.Workflow.model_validate(fields).model_dump(mode="json")
    except ValidationError as error:
        report(error, "", found)
        return None
    if read["max_active_runs"] < 1:
        found.problem("max_active_runs", "must be at least 1.")
    return read


def _tasks(raw: dict[str, Any], found: Findings) -> dict[str, JSON]:
    retry = raw.get("default_retry_policy")
    if retry is not None:
        retry = read_retry(retry, "default_retry_policy", found)
    steps = raw.get("tasks")
    if not isinstance(steps, dict) or not steps:
        found.problem("tasks", "is required: an object with at least one step.")
        return {}
    items = {task_id: Raw(step, f"tasks.{task_id}") for task_id, step in steps.items()}
    tasks = ScopeReader(found, retry).read(items)
    if not tasks and not found.problems:
        found.problem("tasks", "Every step is inside another one; nothing could start.")
    return tasks


def _start_task(given: Any, tasks: dict[str, JSON]) -> str | None:
    """The declared start unless only another step could start it; else the first step that waits for nothing."""
    chosen = {name for task in tasks.values() for name in targets(task)}
    if isinstance(given, str) and given and given not in chosen:
        return given
    return next((task_id for task_id, task in tasks.items() if task_id not in chosen and not _waits(task)), None)


def _waits(task: dict[str, JSON]) -> bool:
    return bool(task["dependencies"] or task.get("join_tasks"))


def _free_start(start: str | None, tasks: dict[str, JSON], found: Findings) -> None:
    """A declared start task starts the run: what it names that does not exist is left out, as fragments need it."""
    task = tasks.get(start or "", {})
    for key in ("dependencies", "join_tasks"):
        for name in [name for name in task.get(key, ()) if name not in tasks]:
            task[key].remove(name)
            found.note(
                f"tasks.{start}.{key}", f"names {name!r}, which does not exist; the start task does not wait for it."
            )


def _notes(raw: dict[str, Any], found: Findings) -> list[JSON]:
    given = raw.get("notes")
    earlier = [note for note in given if _is_note(note)] if isinstance(given, list) else []
    return earlier + [{"path": note.path, "message": note.message} for note in shortened(found.notes)]


def _is_note(note: Any) -> bool:
    return (
        isinstance(note, dict) and note.keys() == {"path", "message"} and all(isinstance(v, str) for v in note.values())
    )
