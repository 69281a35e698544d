"""A definition's graph laid out as boxes and arrows: columns by distance from the start. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, GAP_X, GAP_Y, EDGE = 168, 40, 56, 18, 8


@dataclass(frozen=True)
class Box:
    task_id: str
    operator: str
    status: str
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    path: str
    label: str


@dataclass(frozen=True)
class Picture:
    boxes: list[Box]
    arrows: list[Arrow]
    width: int
    height: int


def draw(tasks: Mapping[str, Mapping[str, Any]], status: Mapping[str, str]) -> Picture:
    """Boxes for the tasks, coloured by `status` (task id → status), arrows for what leads to what."""
    leads = _leads(tasks)
    columns = _columns(leads)
    rows: dict[int, int] = {}
    boxes: dict[str, Box] = {}
    for task_id, column in columns.items():
        row = rows[column] = rows.get(column, -1) + 1
        x, y = EDGE + column * (WIDTH + GAP_X), EDGE + row * (HEIGHT + GAP_Y)
        boxes[task_id] = Box(task_id, tasks[task_id]["operator_type"], status.get(task_id, "waiting"), x, y)
    arrows = [
        Arrow(_curve(boxes[before], boxes[after]), label)
        for after, befores in leads.items()
        for before, label in befores.items()
    ]
    width = EDGE * 2 + (max(columns.values(), default=0) + 1) * (WIDTH + GAP_X) - GAP_X
    height = EDGE * 2 + (max(rows.values(), default=0) + 1) * (HEIGHT + GAP_Y) - GAP_Y
    return Picture(list(boxes.values()), arrows, width, height)


WORDS = {"if_true": "yes", "if_false": "no", "on_failure_task_id": "on failure", "on_success_task_id": "on success"}


def _leads(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Task → what leads to it and why: a dependency (no word), a router's choice, a handler."""
    leads: dict[str, dict[str, str]] = {
        task_id: {before: "" for before in task["dependencies"] if before in tasks} for task_id, task in tasks.items()
    }
    for task_id, task in tasks.items():
        choices = [(task.get(key), word) for key, word in WORDS.items()]
        choices += [(target, str(case)) for case, target in (task.get("cases") or {}).items()]
        choices += [(task.get("default"), "else")] if task["operator_type"] == "switch" else []
        for target, word in choices:
            if target in leads:
                leads[target][task_id] = word
    return leads


def _columns(leads: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """Each task right of all that leads to it; a cycle (there is none in a valid definition) cannot hang this."""
    columns = dict.fromkeys(leads, 0)
    for _ in range(len(leads)):
        moved = False
        for task_id, before in leads.items():
            column = max((columns[other] + 1 for other in before if other in columns), default=0)
            if column > columns[task_id]:
                columns[task_id], moved = min(column, len(leads)), True
        if not moved:
            break
    return columns


def _curve(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"
