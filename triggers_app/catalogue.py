"""The events that the product itself sends, and the names in their payloads."""

from __future__ import annotations

from collections.abc import Mapping

OF_RUNS = frozenset(
    {
        *("workflow_run_id", "workflow_name", "template_version", "status", "result", "result_truncated", "error"),
        *("cause", "created_at", "started_at", "finished_at"),
    }
)
PAYLOADS: Mapping[str, frozenset[str]] = {
    "user_created": frozenset(
        {
            *("user_id", "username", "email", "first_name", "last_name", "full_name", "date_joined", "role"),
            "tenant_id",
        }
    ),
    "workflow_completed": OF_RUNS,
    "workflow_failed": OF_RUNS,
    "workflow_cancelled": OF_RUNS,
    "approval_pending": frozenset(
        {
            *("approval_id", "approval_key", "title", "description", "approval_data", "approval_data_truncated"),
            *("workflow_run_id", "workflow_name", "step", "approvers", "required", "requested_at", "expires_at", "url"),
        }
    ),
    "api_key_created": frozenset(
        {"api_key_id", "name", "prefix", "role", "created_by", "created_at", "expires_at"},
    ),
}
