from __future__ import annotations

from typing import Any

import pytest

from highway_automation.base.errors import Conflict, HighwayError, Invalid
from tenants_app.actions import create_tenant, seed_api_url, set_variable, update_tenant
from tenants_app.grants import may_use
from tenants_app.models import Tenant, Variable
from tenants_app.signals import tenant_created
from tenants_app.variables import variables_of


def test_a_new_tenant_gets_the_harmless_tools(db: None) -> None:
    tenant = create_tenant("acme")

    assert may_use(tenant.allowed_tools, "tools.email.send")
    assert may_use(tenant.allowed_tools, "tools.workflow.execute")
    assert not may_use(tenant.allowed_tools, "tools.shell.run")
    assert tenant.http_allow == []


@pytest.mark.parametrize(
    ("allowed", "tool", "granted"),
    [
        (["tools.shell.run"], "tools.shell.run", True),
        (["tools.shell.run"], "tools.shell.run2", False),
        (["tools.shell.*"], "tools.shell.run", True),
        (["tools.shell.*"], "tools.shellfish.run", False),
        (["tools.*"], "tools.anything", True),
        (["*"], "acme.own", True),
        ([], "tools.log.info", False),
    ],
)
def test_grants_are_names_or_prefixes(allowed: list[str], tool: str, granted: bool) -> None:
    assert may_use(allowed, tool) is granted


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("https://highway.example.com", "highway.example.com:443"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_the_api_url_seeds_variables_and_exactly_its_address(db: None, url: str, address: str) -> None:
    create_tenant("acme", api_url=url)

    assert Tenant.objects.get(pk="acme").http_allow == [address]
    assert variables_of("acme") == {"API_URL": url.rstrip("/"), "UPTIME_URL": url.rstrip("/")}


def test_another_api_url_replaces_the_former_address(db: None) -> None:
    tenant = create_tenant("acme", api_url="http://127.0.0.1:8000")
    tenant.http_allow = ["10.0.0.5:80", *tenant.http_allow]
    update_tenant(tenant)

    seed_api_url(tenant, "http://127.0.0.1:9000")
    seed_api_url(tenant, "http://127.0.0.1:9000")

    assert Tenant.objects.get(pk="acme").http_allow == ["10.0.0.5:80", "127.0.0.1:9000"]
    assert variables_of("acme")["UPTIME_URL"] == "http://127.0.0.1:9000"


def test_a_watched_address_that_somebody_chose_or_deleted_stays_so(db: None) -> None:
    tenant = create_tenant("acme", api_url="http://127.0.0.1:8000")
    set_variable(tenant, "UPTIME_URL", "https://shop.example")
    seed_api_url(tenant, "http://127.0.0.1:9000")
    assert variables_of("acme") == {"API_URL": "http://127.0.0.1:9000", "UPTIME_URL": "https://shop.example"}

    Variable.objects.for_tenant(tenant).filter(name="UPTIME_URL").delete()
    seed_api_url(tenant, "http://127.0.0.1:9001")
    assert variables_of("acme") == {"API_URL": "http://127.0.0.1:9001"}


@pytest.mark.parametrize("tenant_id", ["", "a b", "-a", "a/b", "a\n", "ä", "x" * 65, "a\x00"])
def test_an_impossible_id_is_refused(db: None, tenant_id: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create_tenant(tenant_id)

    assert {error["field"] for error in refusal.value.errors} == {"tenant_id"}
    assert not Tenant.objects.exists()


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://h:99999999", "http://[::1"])
def test_an_impossible_url_leaves_nothing_behind(db: None, url: str) -> None:
    with pytest.raises(Invalid):
        create_tenant("acme", api_url=url)

    assert not Tenant.objects.exists()


@pytest.mark.parametrize("tools", [[""], ["a b"], ["*.x"], [1], "tools.*"])
def test_impossible_grants_are_refused(db: None, tools: Any) -> None:
    with pytest.raises(Invalid):
        create_tenant("globex", tools=tools)
    with pytest.raises(Invalid):
        tenant = create_tenant("acme")
        tenant.allowed_tools = tools
        update_tenant(tenant)


def test_a_taken_id_is_a_conflict(tenant: Tenant) -> None:
    with pytest.raises(Conflict):
        create_tenant("acme", "Other")

    assert Tenant.objects.get(pk="acme").name == "Acme"


def test_creation_is_announced_inside_its_transaction(db: None) -> None:
    def refuse(tenant: Tenant, **kwargs: Any) -> None:
        set_variable(tenant, "SEED", "1")
        raise HighwayError("no")

    tenant_created.connect(refuse)
    try:
        with pytest.raises(HighwayError):
            create_tenant("acme")
    finally:
        tenant_created.disconnect(refuse)

    assert not Tenant.objects.exists()


@pytest.mark.parametrize("edited", ["to be decided", "", "http://[::", "ftp://x"])
def test_an_api_url_that_somebody_spoilt_is_set_right_again(db: None, edited: str) -> None:
    tenant = create_tenant("initech", api_url="http://127.0.0.1:8000")
    set_variable(tenant, "API_URL", edited)
    seed_api_url(tenant, "http://127.0.0.1:8001")
    assert variables_of("initech")["API_URL"] == "http://127.0.0.1:8001"
    assert "127.0.0.1:8001" in tenant.http_allow
