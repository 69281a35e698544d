"""What a query string of the admin may ask: nothing that its pages do not show, and no patterns."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.test import RequestFactory

from highway_automation.base.middleware import ClientAddress
from tenants_app.models import Tenant, User
from tests.tenants.conftest import NewMember, SignIn
from tests.tenants.pages import KEYS, MEMBERS, USERS, VARIABLES

RUNS = "/admin/runs_app/workflowrun/"


@pytest.mark.parametrize("lookup", ["password__startswith", "password", "password__regex", "pk__regex", "id__iregex"])
def test_a_member_guesses_no_password_hash_by_filtering(
    sign_in: SignIn, new_member: NewMember, tenant: Tenant, alice: User, lookup: str
) -> None:
    """A viewer sees the others; a filter by what the list does not show would tell it letter by letter."""
    viewer = sign_in(new_member("vera", tenant))

    assert viewer.get(USERS, {lookup: alice.password[:20]}).status_code == 400
    assert viewer.get(USERS, {"email__startswith": "a"}).status_code == 200


@pytest.mark.parametrize(
    ("page", "query"),
    [
        (KEYS, "key_hash__startswith=a"),
        (VARIABLES, "encrypted__contains=gAAAA"),
        (MEMBERS, "user__password__startswith=a"),
        (RUNS, "workflow_name__regex=("),
        (RUNS, "workflow_name__iregex=(a%2B)%2B%24"),
        (RUNS, "inputs__x__regex=("),
        (RUNS, "payload_hash__startswith=a"),
    ],
)
def test_patterns_and_hidden_columns_are_refused(sign_in: SignIn, alice: User, page: str, query: str) -> None:
    """The database would refuse a broken pattern (a 500) and compute a hostile one for as long as it takes."""
    assert sign_in(alice).get(f"{page}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["status__exact=failed", "workflow_name=x", "pk=0", "workflow_run_id__in=x", "nonsense__foo=1", "e=1"]
)
def test_what_lists_show_is_filtered_as_before(sign_in: SignIn, alice: User, query: str) -> None:
    assert sign_in(alice).get(f"{RUNS}?{query}").status_code in {200, 302}


def test_the_audit_log_believes_no_header(sign_in: SignIn, new_member: NewMember, tenant: Tenant) -> None:
    """Neither an address that the client invents, nor an id longer than its column."""
    editor = sign_in(new_member("ed", tenant, "editor"))
    claimed = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Port": "99999999999", "X-Correlation-ID": "x" * 400}
    asked = {"name": "COLOUR", "value": "red"}

    assert editor.post("/api/v1/variables", asked, "application/json", headers=claimed).status_code == 201
    entry = LogEntry.objects.get(content_type__model="variable")
    assert (entry.remote_addr, entry.remote_port, entry.cid) == ("127.0.0.1", None, None)


def test_what_proxies_appended_is_gone_once_it_is_read() -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "not an address", "X-Forwarded-Port": "1"})
    ClientAddress(lambda asked: asked)(request)  # type: ignore[arg-type,return-value]

    assert request.META["REMOTE_ADDR"] == "127.0.0.1"
    assert not {"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PORT"} & request.META.keys()
