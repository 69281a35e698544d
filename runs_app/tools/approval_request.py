"""tools.approval.request: the step waits, without a thread, until people have decided or their time is over.

The question is one row per step: an attempt after a crash finds what an earlier one asked, and perhaps its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from highway_automation.base import clock, safe_json
from highway_automation.base.db.fenced import Statement, Update
from highway_automation.base.errors import Conflict, Invalid
from highway_automation.base.safe_json import JSON
from runs_app.deciders import understood
from runs_app.models import Approval, ApprovalStatus, OnTimeout
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Park, Tool, ToolContext, ToolError

NAME = "tools.approval.request"
HOURS = ("expires_in_hours", "timeout_hours")
LASTS = ("timeout", "timeout_seconds", *HOURS)
KNOWN = (
    *("approval_key", "title", "message", "description", "approval_data", "approvers", "required", "form_schema"),
    *(*LASTS, "on_timeout", "on_reject"),
)
REJECTIONS = ("auto", "fail", "continue")
ANSWER_KEYS = {"status", "approved"}
LONGEST_TITLE, LONGEST_KEY, MOST_APPROVERS, MOST_REQUIRED = 255, 255, 100, 100


def run(arguments: Arguments, context: ToolContext) -> JSON | Park:
    """approval_key, title, … → {status, decided_by, comment, answers, …}, once it is decided."""
    from runs_app.actions.approvals import request_approval  # the verbs' package knows the tools

    given = Given(NAME, context.storable(dict(arguments)), KNOWN)
    on_reject = _one_of(given, "on_reject", REJECTIONS)
    lasts = _lasts(given)
    question = _question(given, context)
    try:
        approval = request_approval(question, lasts=None if lasts is None else timedelta(seconds=lasts))
    except Invalid as error:
        problem = error.field_errors[0]
        raise ToolError(f"{NAME}: {problem.field} is wrong: {problem.message}", permanent=True) from None
    except Conflict as error:
        raise ToolError(error.message, permanent=True) from None
    if approval.is_pending:
        context.log(f"Waiting for a decision on “{approval.title}”: {approval.url}\n")
    return _answer(approval, on_reject, context)


def resume(state: JSON, context: ToolContext) -> JSON | Park:
    """Looks at the row again, whatever woke the step."""
    approval = Approval.objects.for_tenant(context.tenant_id).filter(pk=state["approval_id"]).first()
    if approval is None:
        raise ToolError("The approval this step waited for is gone.", permanent=True)
    return _answer(approval, state["on_reject"], context)


def _question(given: Given, context: ToolContext) -> Approval:
    key = given.text("approval_key") or context.step_key
    if len(key) > LONGEST_KEY:
        raise given.refusal("approval_key", f"is longer than {LONGEST_KEY} characters")
    approvers = _approvers(given)
    data = given.value("approval_data")
    if safe_json.size(data) > settings.HIGHWAY_STEP_OUTPUT_BYTES:
        raise given.refusal("approval_data", f"is larger than {settings.HIGHWAY_STEP_OUTPUT_BYTES} bytes")
    return Approval(
        tenant_id=context.tenant_id,
        run_id=context.run_id,
        path=context.path,
        approval_key=key,
        title=_title(given, context),
        description=given.text("description"),
        approval_data=data,
        approvers=approvers,
        required=_required(given, approvers),
        form_schema=given.value("form_schema"),
        on_timeout=_one_of(given, "on_timeout", OnTimeout.values),
    )


def _title(given: Given, context: ToolContext) -> str:
    text = given.text("title") or given.text("message") or f"{context.workflow_name}: {context.path}"
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"


def _approvers(given: Given) -> list[str]:
    """A list, or one text with commas."""
    value = given.value("approvers", [])
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise given.refusal("approvers", 'must be a list such as ["ada@example.com", "admin"]')
    if len(entries) > MOST_APPROVERS:
        raise given.refusal("approvers", f"has more than {MOST_APPROVERS} entries")
    try:
        return understood(entry for entry in entries if entry.strip())
    except ValueError as error:
        raise given.refusal("approvers", f"is wrong: {error}") from None


def _required(given: Given, approvers: list[str]) -> int:
    text = str(given.value("required", 1)).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= number <= MOST_REQUIRED:
        raise given.refusal("required", f"must be a number from 1 to {MOST_REQUIRED}, not {text!r}")
    if approvers and number > len(approvers) and all("@" in entry for entry in approvers):
        raise given.refusal("required", f"is {number}, but only {len(approvers)} may decide; name more approvers")
    return number


def _lasts(given: Given) -> float | None:
    """Seconds until the question expires; None where it never does."""
    named = [name for name in LASTS if name in given]
    if len(named) > 1:
        raise given.refusal(named[1], f"says the same as {named[0]}; give one of them")
    if not named:
        return None
    if named[0] not in HOURS:
        return given.seconds(named[0])
    text = given.text(named[0]).strip()
    hours = Given(NAME, {named[0]: f"{text}h"}, HOURS)
    return hours.seconds(named[0])


def _one_of(given: Given, name: str, options: Sequence[str]) -> str:
    value = given.text(name, options[0]).strip().lower()
    if value not in options:
        raise given.refusal(name, f"must be one of {', '.join(options)}, not {value!r}")
    return value


def _answer(approval: Approval, on_reject: str, context: ToolContext) -> JSON | Park:
    if approval.is_pending:
        return Park(None, {"approval_id": str(approval.pk), "on_reject": on_reject}, note="a decision")
    result = _result(approval)
    if approval.status == ApprovalStatus.REJECTED and _fails(on_reject, context):
        why = f": {approval.comment}" if approval.comment else ""
        raise ToolError(
            f"“{approval.title}” was rejected by {approval.decided_by}{why}.", permanent=True, output=result
        )
    if approval.status == ApprovalStatus.EXPIRED and approval.on_timeout != OnTimeout.CONTINUE:
        raise ToolError(f"Nobody decided “{approval.title}” in time.", permanent=True, output=result)
    if approval.status == ApprovalStatus.CANCELLED:
        raise ToolError(f"“{approval.title}” was cancelled.", permanent=True, output=result)
    return result


def _fails(on_reject: str, context: ToolContext) -> bool:
    """By itself: where other steps come after it and no expression asks how it was decided, nothing may go on."""
    if on_reject != "auto":
        return on_reject == "fail"
    return context.followed and not ANSWER_KEYS & context.read


def _result(approval: Approval) -> dict[str, JSON]:
    """`approver` and `timestamp` are what one of Highway's clients calls them."""
    decided_at = approval.decided_at.isoformat() if approval.decided_at else None
    decisions = [{key: said[key] for key in said if key != "identity"} for said in approval.decisions]
    return {
        "status": str(approval.status),
        "approved": approval.status == "approved",
        "decided_by": approval.decided_by,
        "decided_at": decided_at,
        "comment": approval.comment,
        "answers": approval.answers,
        "decisions": decisions,
        "approval_key": approval.approval_key,
        "approval_id": str(approval.pk),
        "approver": approval.decided_by,
        "timestamp": decided_at,
    }


def withdraw(run_id: UUID, path: str) -> list[Statement]:
    """The question of a step that failed before anybody answered, since its worker died."""
    pending = {"run_id": run_id, "path": path, "status": ApprovalStatus.PENDING}
    over = {"status": ApprovalStatus.CANCELLED, "decided_at": clock.moment(), "comment": "Its step failed."}
    return [Update(Approval, pending, over)]


TOOL = Tool(NAME, run, positional=("approval_key", "title"), resume=resume, withdraw=withdraw)
