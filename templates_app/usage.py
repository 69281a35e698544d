"""Who uses a template. The rooms above say so, each with its own question."""

from __future__ import annotations

from collections.abc import Callable

from templates_app.models import WorkflowTemplate

Users = Callable[[WorkflowTemplate], list[str]]

_QUESTIONS: list[Users] = []


def register_user(question: Users) -> None:
    """`question(template)` answers what uses it, as people call it: `schedule nightly`, `trigger on-failure`."""
    if question not in _QUESTIONS:
        _QUESTIONS.append(question)


def users_of(template: WorkflowTemplate) -> list[str]:
    return [user for question in _QUESTIONS for user in question(template)]
