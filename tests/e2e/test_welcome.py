"""The ticket's first use case from end to end: a user is added, is welcomed, and is asked two days later."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from tests.e2e.pages import Browser
from tests.e2e.product import PASSWORD, Product
from tests.layout import ROOT

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

TENANT = "welcoming"
DOMAIN = "welcoming.example"
STAYING, LEAVING = f"ada@{DOMAIN}", f"bob+away@{DOMAIN}"
PROGRAM = ROOT / "examples" / "welcome_email.py"
AS_REQUESTED = "01bf5a0b8519a55a2f5b588c71976ccf61a0076ee13a9b5f447e6356aee081a0"
"""The program must run as users wrote it: nothing in it is ours to reformat."""
HOUR = 3600.0
WELCOMES = Counter({(STAYING, "Welcome to Highway!"): 1, (LEAVING, "Welcome to Highway!"): 1})
FOLLOW_UP = Counter({(LEAVING, "Need help getting started?"): 1})
WITNESS = {
    "name": "witness",
    "version": "1",
    "tasks": {
        "wait": {
            "task_id": "wait",
            "operator_type": "task",
            "function": "tools.time.sleep_for",
            "kwargs": {"duration": "46h"},
        }
    },
}


@pytest.fixture(scope="module")
def api(product: Product, root: Browser) -> Iterator[httpx.Client]:
    product.manage("create_tenant", TENANT, "--api-url", product.url)
    with product.api(product.key(root, TENANT)) as client:
        yield client


def test_who_has_not_signed_in_after_two_days_is_asked(product: Product, root: Browser, api: httpx.Client) -> None:
    assert hashlib.sha256(PROGRAM.read_bytes()).hexdigest() == AS_REQUESTED
    told = product.manage("import_templates", str(PROGRAM), "--tenant", TENANT, "--json")
    assert json.loads(told)["counts"]["create"] == 1
    trigger = api.post("triggers", json={"event_type": "user_created", "template": "welcome_email_sequence"})
    assert trigger.status_code == 201, trigger.text
    root.choose_tenant(TENANT)
    for address in (STAYING, LEAVING):
        root.submit("/admin/tenants_app/user/add/", "user_form", email=address, password=PASSWORD)

    product.until(lambda: product.mailbox.sent(DOMAIN) == WELCOMES, "the welcome mails")
    product.until(lambda: statuses(api) == Counter(sleeping=2), "both runs to sleep")
    product.move_clock(HOUR / 60)
    witness = api.post("workflows", json={"workflow_definition": WITNESS}).json()["workflow_run_id"]
    product.until(lambda: status(api, witness) == "sleeping", "the witness to sleep")
    product.move_clock(47 * HOUR - HOUR / 60)
    product.until(lambda: status(api, witness) == "completed", "a run of 46 hours to end")
    assert statuses(api) == Counter(sleeping=2)
    assert product.mailbox.sent(DOMAIN) == WELCOMES

    product.browser(STAYING, PASSWORD).close()
    product.move_clock(1.5 * HOUR)
    product.until(lambda: statuses(api) == Counter(completed=2), "both runs to complete")
    assert product.mailbox.sent(DOMAIN) == WELCOMES + FOLLOW_UP
    assert all(text_of(message).strip() for message in product.mailbox.messages(DOMAIN))
    assert asked(api) == {
        STAYING: {"has_logged_in": True, "send_followup": "skipped"},
        LEAVING: {"has_logged_in": False, "send_followup": "succeeded"},
    }


def test_strangers_are_not_told_who_signed_in(product: Product) -> None:
    """So the run's request in the other test carried something that opened the door: its viewer token."""
    assert httpx.get(f"{product.url}/api/v1/users/{STAYING}/last_login").status_code == 401


def runs(api: httpx.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get("workflows?workflow_name=welcome_email_sequence").json()["workflows"]
    return listed


def statuses(api: httpx.Client) -> Counter[str]:
    return Counter(run["status"] for run in runs(api))


def status(api: httpx.Client, run_id: str) -> str:
    return str(api.get(f"workflows/{run_id}").json()["status"])


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def asked(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """For each run: what the product answered about its user, and what became of the follow-up."""
    found = {}
    for run in runs(api):
        steps = {step["path"]: step for step in api.get(f"workflows/{run['workflow_run_id']}/steps").json()["steps"]}
        answer = steps["check_login"]["output"]["response"]
        followup = steps["send_followup"]["status"]
        found[answer["email"]] = {"has_logged_in": answer["has_logged_in"], "send_followup": followup}
    return found
