"""Bodies that the API's description shows. Sent in this order to a new tenant, each of them does its work."""

from __future__ import annotations

from typing import Any

from highway_automation.base.api.description import PREFIX

GREET = {
    "name": "greet",
    "version": "1.0.0",
    "tasks": {
        "greet": {
            "task_id": "greet",
            "operator_type": "task",
            "function": "tools.log.info",
            "kwargs": {"message": "Hello ${inputs.who}"},
        }
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"who": {"type": "string", "default": "world"}},
    "additionalProperties": False,
}
TEMPLATE = {"name": "greet", "description": "Greets somebody.", "workflow_definition": GREET, "input_schema": SCHEMA}
SCHEDULE = {"name": "every-morning", "cron_expression": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}
TRIGGER = {"name": "on-order", "event_type": "order_placed", "filter_expression": {"total": [{"numeric": [">", 100]}]}}

EXAMPLES: dict[str, dict[str, Any]] = {
    "POST templates/validate": TEMPLATE,
    "POST templates": TEMPLATE,
    "PUT templates/{name}": {"input_schema": {**SCHEMA, "required": ["who"]}, "comment": "somebody has to be greeted"},
    "PATCH templates/{name}": {"tags": ["friendly"]},
    "POST templates/{name}/validate": {"inputs": {"who": "Ada"}},
    "POST templates/{name}/run": {"inputs": {"who": "Ada"}, "idempotency_key": "greeting-of-ada"},
    "POST templates/{name}/rollback": {"version": 1},
    "POST schedules/preview": {"cron_expression": "0 9 * * MON-FRI", "timezone": "Europe/Berlin", "count": 5},
    "POST schedules": {**SCHEDULE, "template": "greet", "inputs": {"who": "team"}, "overlap": "skip"},
    "PUT schedules/{schedule_id}": {"cron_expression": "30 9 * * MON-FRI"},
    "PATCH schedules/{schedule_id}": {"enabled": True},
    "POST schedules/{schedule_id}/run": {"idempotency_key": "once-now"},
    "POST schedules/{schedule_id}/skip": {},
    "POST schedules/{schedule_id}/pause": {"note": "holidays"},
    "POST triggers": {**TRIGGER, "template": "greet", "input_mapping": {"who": "${event.payload.customer}"}},
    "PUT triggers/{id}": {"mode": "shadow"},
    "PATCH triggers/{id}": {"enabled": True},
    "POST triggers/{id}/test": {"payload": {"customer": "Ada", "total": 120}},
    "POST events": {
        **{"type": "order_placed", "source": "shop", "external_id": "order-4711"},
        "payload": {"customer": "Ada", "total": 120},
    },
    "POST workflows": {"workflow_definition": GREET, "inputs": {"who": "Ada"}, "idempotency_key": "first-greeting"},
    "POST workflows/{workflow_run_id}/signals": {"signal_name": "approved", "signal_payload": {"by": "Ada"}},
    "POST workflows/{workflow_run_id}/cancel": {"reason": "no longer needed"},
    "POST approvals/{key}/approve": {"comment": "Go ahead."},
    "POST approvals/{key}/reject": {"comment": "Not on a Friday."},
    "POST variables": {"name": "REGION", "value": "eu"},
    "PUT variables/{name}": {"value": "us"},
    "PATCH variables/{name}": {"value": "eu"},
    "POST memberships": {"email": "ada@example.com", "role": "operator"},
    "PUT memberships/{id}": {"role": "editor"},
    "PATCH memberships/{id}": {"role": "viewer"},
    "POST admin/invitations": {"email": "grace@example.com", "role": "viewer"},
    "POST admin/api-keys": {"name": "ci", "role": "operator"},
    "POST admin/api-keys/{id}/rotate": {"grace_period_hours": 24},
    "POST admin/stop": {"reason": "maintenance", "running": "pause"},
}


def with_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Hook of drf-spectacular: puts each example where its operation reads JSON."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            example = EXAMPLES.get(f"{method.upper()} {path.removeprefix(PREFIX)}")
            if body is not None and example is not None:
                body["example"] = example
    return result
