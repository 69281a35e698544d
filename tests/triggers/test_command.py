from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants_app.models import Tenant
from triggers_app.models import Event


def emit(*arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command("emit_event", *arguments, stdout=out)
    printed: dict[str, object] = json.loads(out.getvalue())
    return printed


def test_it_prints_one_json_object(tenant: Tenant) -> None:
    printed = emit(
        "order_placed",
        *("--tenant", "acme", "--payload", '{"n": 1}', "--source", "shop", "--subject", "42", "--external-id", "o-1"),
    )

    event = Event.objects.for_tenant(tenant).get()
    assert (
        printed.items()
        >= {
            "event_id": str(event.pk),
            "type": "order_placed",
            "source": "shop",
            "subject": "42",
            "external_id": "o-1",
            "payload": {"n": 1},
            "duplicate": False,
        }.items()
    )
    again = emit("order_placed", "--tenant", "acme", "--source", "shop", "--external-id", "o-1")
    assert (again["event_id"], again["duplicate"]) == (str(event.pk), True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["order_placed", "--tenant", "nobody"], 1, "There is no tenant 'nobody'. Known: acme."),
        (["order_placed", "--tenant", "acme", "--payload", "[1]"], 1, "payload: A payload is a JSON object."),
        (["order_placed", "--tenant", "acme", "--payload", "{"], 2, "--payload: Not JSON"),
        (["", "--tenant", "acme"], 1, "type: This is needed."),
    ],
)
def test_a_refusal_says_why(tenant: Tenant, arguments: list[str], code: int, says: str) -> None:
    with pytest.raises(CommandError) as refused:
        emit(*arguments)
    assert refused.value.returncode == code
    assert says in str(refused.value)
    assert not Event.objects.for_tenant(tenant).exists()
