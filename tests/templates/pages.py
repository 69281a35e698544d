from __future__ import annotations

import json
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from templates_app.models import WorkflowTemplate
from tenants_app.models import User
from tests.templates.conftest import SCHEMA, saying

LIST = "/admin/templates_app/workflowtemplate/"


def signed_in(user: User) -> Client:
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(template: WorkflowTemplate, rest: str = "change/") -> str:
    return f"{LIST}{template.pk}/{rest}"


def form_of(template: WorkflowTemplate | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser would send."""
    values: dict[str, Any] = {
        "name": "greet",
        "description": "",
        "category": "",
        "tags": "",
        "enabled": "on",
        "workflow_definition": json.dumps(saying()),
        "input_schema": json.dumps(SCHEMA),
        "comment": "",
    }
    if template is not None:
        count = template.versions.count()
        values |= {"versions-TOTAL_FORMS": count, "versions-INITIAL_FORMS": count}
        values |= {
            f"versions-{index}-version_id": str(row.pk)
            for index, row in enumerate(template.versions.order_by("-number"))
        }
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


def told(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
