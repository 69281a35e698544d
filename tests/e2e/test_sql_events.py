"""Somebody with a database shell and nothing else: a trigger and an event by SQL start a run in the worker process."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.e2e.pages import Browser
from tests.e2e.product import Product
from tests.e2e.world import saying

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

TENANT = "by-sql"
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'highway listen %%' AND datname = %s"
ENDED = """
SELECT runs.workflow_run_id
FROM events JOIN trigger_deliveries USING (event_id) JOIN workflow_runs AS runs USING (workflow_run_id)
WHERE events.tenant_id = %s AND runs.status = 'completed'
"""


def test_an_event_by_psql_starts_its_run(product: Product, root: Browser) -> None:
    root.submit("/admin/tenants_app/tenant/add/", "tenant_form", tenant_id=TENANT)
    with psycopg.connect(product.database_url, autocommit=True) as sql:
        listening = sql.execute(LISTENERS, [sql.info.dbname]).fetchone()
        assert listening is not None and listening[0] >= 1
        trigger = (
            "INSERT INTO event_triggers (trigger_id, tenant_id, event_type, filter_expression, workflow_definition)"
            " VALUES (gen_random_uuid(), %s, 'order_placed', %s, %s)"
        )
        sql.execute(trigger, [TENANT, json.dumps({"shop": "eu-*"}), json.dumps(saying("hello"))])
        event = "INSERT INTO events (tenant_id, type, payload) VALUES (%s, 'order_placed', %s)"
        sql.execute(event, [TENANT, json.dumps({"shop": "eu-1"})])
        sql.execute(event, [TENANT, json.dumps({"shop": "us-1"})])

        product.until(lambda: sql.execute(ENDED, [TENANT]).fetchall(), "the run")
        assert len(sql.execute(ENDED, [TENANT]).fetchall()) == 1
