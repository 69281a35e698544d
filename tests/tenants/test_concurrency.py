"""What two people do to a tenant's rows at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from tenants_app.actions import set_variable
from tenants_app.models import Tenant
from tests.conftest import client_with_key
from tests.together import at_once


@pytest.mark.django_db(transaction=True)
def test_of_several_changes_of_one_known_state_one_is_made(tenant: Tenant) -> None:
    set_variable(tenant, "A", "0")
    clients = [client_with_key(tenant, "admin") for _ in range(6)]
    tag = clients[0].get("/api/v1/variables/A")["ETag"]

    def change(number: int) -> int:
        body, headers = {"value": str(number + 1)}, {"If-Match": tag}
        return clients[number].patch("/api/v1/variables/A", body, format="json", headers=headers).status_code

    answers = sorted(at_once(*[partial(change, number) for number in range(6)]))
    assert answers == [200] + [412] * 5
