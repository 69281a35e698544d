"""What the sixteen endpoints refuse: told as problem details, never a 500, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.curl import Curl
from tests.e2e.world import ENDPOINTS, OURS, SCHEDULE, TEMPLATE, THEIRS, TRIGGER, World, by_session, saying, told, where

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

UNUSED: dict[str, Any] = {"name": "nobody", "id": str(uuid4())}
WRITING = sorted(endpoint for endpoint in ENDPOINTS if endpoint[0] in {"POST", "PUT"})
DEEP = '{"name": "deep", "workflow_definition": ' + "[" * 100_000 + "]" * 100_000 + "}"
LARGE = {**TEMPLATE, "name": "large", "description": "x" * 2_000_000}
TEMPLATES = ("POST", "/templates")
RUN = ("POST", "/templates/{name}/run")
SCHEDULES = ("POST", "/schedules")
TRIGGERS = ("POST", "/triggers")
OTHER = {**TEMPLATE, "name": "other"}
YEARLY = {**SCHEDULE, "template": "kept", "name": "other"}
FAILURE = {**TRIGGER, "template": "kept", "name": "other"}
WRONG: list[tuple[tuple[str, str], Any, int, str | None]] = [
    *[(endpoint, "{", 400, None) for endpoint in WRITING],
    *[(endpoint, [], 422, None) for endpoint in WRITING],
    (TEMPLATES, DEEP, 400, None),
    (TEMPLATES, '{"name": "nul\\u0000", "workflow_definition": {}}', 400, None),
    (TEMPLATES, '{"name": "half\\ud800", "workflow_definition": {}}', 400, None),
    (TEMPLATES, '{"name": "nan", "workflow_definition": {"timeout": NaN}}', 400, None),
    (TEMPLATES, LARGE, 413, None),
    (TEMPLATES, {}, 422, "name"),
    (TEMPLATES, {**OTHER, "colour": "red"}, 422, "colour"),
    (TEMPLATES, {**OTHER, "name": "Not a name"}, 422, "name"),
    (TEMPLATES, {**OTHER, "input_schema": {"type": "strange"}}, 422, "input_schema"),
    (TEMPLATES, {**OTHER, "input_schema": {"$ref": "http://127.0.0.1/schema"}}, 422, "input_schema"),
    (
        TEMPLATES,
        {**OTHER, "input_schema": {"properties": {"n": {"type": "integer", "default": "x"}}}},
        422,
        "input_schema",
    ),
    (
        TEMPLATES,
        {**OTHER, "workflow_definition": saying("x", "nobody")},
        422,
        "workflow_definition.tasks.say.dependencies",
    ),
    (TEMPLATES, {**OTHER, "workflow_definition": "text"}, 422, "workflow_definition"),
    (("PUT", "/templates/{name}"), {"workflow_definition": saying(), "colour": "red"}, 422, "colour"),
    (("PUT", "/templates/{name}"), {"workflow_definition": saying(), "name": "another"}, 400, None),
    (("PUT", "/templates/{name}"), {"workflow_definition": {}}, 422, "workflow_definition"),
    (RUN, {"inputs": {"age": "old"}}, 422, "inputs.age"),
    (RUN, {"inputs": {"colour": "red"}}, 422, "inputs"),
    (RUN, {"inputs": []}, 422, "inputs"),
    (RUN, {"inputs": {}, "colour": "red"}, 422, "colour"),
    (SCHEDULES, {}, 422, "cron_expression"),
    (SCHEDULES, {**YEARLY, "cron_expression": "0 0 31 2 *"}, 422, "cron_expression"),
    (SCHEDULES, {**YEARLY, "cron_expression": "61 * * * *"}, 422, "cron_expression"),
    (SCHEDULES, {**YEARLY, "cron_expression": "whenever"}, 422, "cron_expression"),
    (SCHEDULES, {**YEARLY, "timezone": "Mars/Olympus"}, 422, "timezone"),
    (SCHEDULES, {**YEARLY, "template": "nobody"}, 422, "template"),
    (SCHEDULES, {**YEARLY, "template": None}, 422, None),
    (SCHEDULES, {**YEARLY, "colour": "red"}, 422, "colour"),
    (SCHEDULES, {**YEARLY, "inputs": {"age": "old"}}, 422, "inputs"),
    (("PUT", "/schedules/{id}"), {**YEARLY, "cron_expression": "0 0 30 2 *"}, 422, "cron_expression"),
    (("PUT", "/schedules/{id}"), {**YEARLY, "colour": "red"}, 422, "colour"),
    (("POST", "/schedules/{id}/pause"), {"colour": "red"}, 422, "colour"),
    (("POST", "/schedules/{id}/resume"), {"colour": "red"}, 422, "colour"),
    (TRIGGERS, {}, 422, "event_type"),
    (TRIGGERS, {**FAILURE, "filter_expression": {"workflow_name": []}}, 422, "filter_expression.workflow_name"),
    (TRIGGERS, {**FAILURE, "template": "nobody"}, 422, "template"),
    (TRIGGERS, {**FAILURE, "workflow_definition": saying()}, 422, None),
    (TRIGGERS, {**FAILURE, "colour": "red"}, 422, "colour"),
    (("PUT", "/triggers/{id}"), {**FAILURE, "colour": "red"}, 422, "colour"),
    (("PUT", "/triggers/{id}"), {**FAILURE, "max_depth": -1}, 422, "max_depth"),
]


def test_what_is_wrong_is_told_and_not_written(world: World, kept: dict[str, str], subtests: pytest.Subtests) -> None:
    ask, before = world.curl(world.key), world.written()
    for (method, endpoint), body, status, field in WRONG:
        with subtests.test(f"{method} {endpoint} {str(body)[:200]}"):
            told(ask(method, endpoint, body, **where(endpoint, kept)), status, field)
    assert world.written() == before


def test_a_foreign_id_is_answered_like_one_that_nobody_uses(world: World, foreign: dict[str, str]) -> None:
    ask = world.curl(world.key)
    before = world.written()
    for method, endpoint in sorted(ENDPOINTS):
        if "{" not in endpoint:
            continue
        body = None if method in {"GET", "DELETE"} else {"colour": "red"}
        theirs, nobodys = (ask(method, endpoint, body, **at) for at in (where(endpoint, foreign), UNUSED))
        told(theirs, 404)
        assert theirs == nobodys
    for endpoint, body in (("/schedules", SCHEDULE), ("/triggers", TRIGGER)):
        told(ask("POST", endpoint, {**body, "template": foreign["name"]}), 422, "template")
    assert world.written() == before


def test_who_may_not_is_told_so(world: World, foreign: dict[str, str]) -> None:
    before = world.written()
    wrong_key, viewer = world.curl("hw_k1_nobodys"), world.curl(world.viewer_key)
    elsewhere = Curl(world.url, (f"X-API-Key: {world.key}", f"X-Tenant: {THEIRS}"))
    for method, endpoint in sorted(ENDPOINTS):
        body = None if method in {"GET", "DELETE"} else {"colour": "red"}
        for ask, status in ((Curl(world.url), 401), (wrong_key, 401), (elsewhere, 403)):
            told(ask(method, endpoint, body, **where(endpoint, foreign)), status)
        if method != "GET":
            told(viewer(method, endpoint, body, **where(endpoint, foreign)), 403)
    assert world.written() == before


def test_a_session_needs_its_token_and_its_tenant(world: World, tmp_path: Path) -> None:
    ask = by_session(world, tmp_path / "jar")
    before = world.written()
    without_token = Curl(world.url, (f"X-Tenant: {OURS}", f"Cookie: sessionid={ask.cookies()['sessionid']}"))
    told(without_token("POST", "/templates", OTHER), 403)
    ask.headers = ()
    answer = ask("POST", "/templates", OTHER)
    told(answer, 400)
    assert {OURS, THEIRS} <= set(answer.json["tenants"])
    ask.headers = ("X-Tenant: nobody",)
    told(ask("POST", "/templates", OTHER), 403)
    assert world.written() == before


def test_other_methods_and_bodies_are_refused(world: World) -> None:
    ask = world.curl(world.key)
    told(ask("DELETE", "/templates"), 405)
    told(ask("POST", "/templates", "name=a", headers=("Content-Type: application/x-www-form-urlencoded",)), 415)
    for path in ("/nothing", "/templates/kept/nothing", "/templates/a%2Fb"):
        for method in ("GET", "POST"):
            told(ask(method, path), 404)
