from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from templates_app.actions import create_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.conftest import member

Definition = dict[str, Any]


def saying(text: str = "Hello {{inputs.who}}", name: str = "greeting") -> Definition:
    """A definition of one step that logs a line."""
    say = {
        "task_id": "say",
        "operator_type": "task",
        "function": "tools.log.info",
        "kwargs": {"message": text},
        "dependencies": [],
    }
    return {"name": name, "version": "1", "tasks": {"say": say}}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"who": {"type": "string", "default": "world"}, "times": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}


@pytest.fixture
def make(tenant: Tenant) -> Callable[..., WorkflowTemplate]:
    """`make("a.b-c", description="…")`: a template of acme that greets."""

    def template(name: str = "greet", **values: Any) -> WorkflowTemplate:
        defaults = {"name": name, "workflow_definition": saying(), "input_schema": SCHEMA}
        return create_template(tenant, {**defaults, **values})[0]

    return template


@pytest.fixture
def template(make: Callable[..., WorkflowTemplate]) -> WorkflowTemplate:
    return make()


@pytest.fixture
def editor(tenant: Tenant) -> Client:
    from tests.templates.pages import signed_in  # it needs what stands above

    return signed_in(member("eve", tenant, "editor"))
