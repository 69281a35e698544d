from __future__ import annotations

from typing import Any

import pytest

from runs_app.expressions import MissingName, Names, NotAllowed, resolve


def tenant_variable(name: str) -> str:
    return {"API_URL": "http://127.0.0.1"}[name]


def scope(**changes: Any) -> Names:
    layers: dict[str, Any] = {
        "inputs": {"who": "input", "email": "a@b.c", "data_interval_start": "2025-01-01"},
        "definition_variables": {"who": "definition", "region": "eu"},
        "run_variables": {"counter": 3},
        "results": {"answer": {"value": 42}},
        "steps": {
            "check": {"output": {"stdout": "ok\n", "returncode": 0}, "status": "succeeded", "error": None},
            "broken": {"output": None, "status": "failed", "error": "boom"},
            "skipped": {"status": "skipped"},
        },
        "run": {"id": "r-1", "workflow_name": "demo", "started_at": "now"},
        "env": tenant_variable,
    }
    return Names(**(layers | changes))


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${who}", "input"),
        ("${input.who}", "input"),
        ("${inputs.region}", "eu"),
        ("${region}", "eu"),
        ("${workflow.region}", "eu"),
        ("${workflow.run_id}", "r-1"),
        ("${workflow.name}", "demo"),
        ("${workflow_run_id}", "r-1"),
        ("${workflow_id}", "r-1"),
        ("${run.id}", "r-1"),
        ("${counter}", 3),
        ("${answer}", {"value": 42}),
        ("${answer.value}", 42),
        ("${answer.output.value}", 42),
        ("${check}", {"stdout": "ok\n", "returncode": 0}),
        ("${check.stdout}", "ok"),
        ("${check.output}", {"stdout": "ok\n", "returncode": 0}),
        ("${check.output.stdout}", "ok"),
        ("${steps.check.output.stdout}", "ok"),
        ("${steps.check.status}", "succeeded"),
        ("${steps.broken.error}", "boom"),
        ("${steps.broken.output}", None),
        ("${env.API_URL}", "http://127.0.0.1"),
        ("${ENV.API_URL}", "http://127.0.0.1"),
        ("${ds}", "2025-01-01"),
    ],
)
def test_a_name_is_found(reference: str, value: object) -> None:
    assert resolve(reference, scope()) == value


def test_inputs_are_the_variables_overlaid_with_the_inputs() -> None:
    everything = {"who": "input", "email": "a@b.c", "data_interval_start": "2025-01-01", "region": "eu"}
    assert resolve("${inputs}", scope()) == everything


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("nope", "nope"),
        ("inputs.nope", "inputs.nope"),
        ("steps.nope.output", "steps.nope"),
        ("steps.check.output.nope", "steps.check.output.nope"),
        ("steps.broken.output.x.y", "steps.broken.output.x"),
        ("steps.skipped.output", "steps.skipped.output"),
        ("skipped", "skipped"),
        ("answer.nope", "answer.nope"),
        ("answer.output.nope", "answer.output.nope"),
        ("env.NOPE", "env.NOPE"),
        ("env", "env"),
        ("event.payload", "event"),
        ("schedule.id", "schedule"),
        ("run.nope", "run.nope"),
        ("item", "item"),
        ("failed_task_id", "failed_task_id"),
    ],
)
def test_a_missing_name_is_named(name: str, missing: str) -> None:
    with pytest.raises(MissingName) as caught:
        resolve("${" + name + "}", scope())
    assert caught.value.name == missing
    assert resolve("${" + name + " | default('d')}", scope()) == "d"


def test_a_bare_name_is_sought_from_the_inside_out() -> None:
    layers = {
        "loop": {"x": 1}, "results": {"x": 2}, "steps": {"x": {"output": 3}}, "run_variables": {"x": 4},
        "inputs": {"x": 5}, "definition_variables": {"x": 6},
    }  # fmt: skip
    for expected, layer in enumerate(list(layers), start=1):
        assert resolve("${x}", scope(**layers)) == expected
        del layers[layer]
        layers |= {layer: {}}
    with pytest.raises(MissingName):
        resolve("${x}", scope(**layers))


def test_loops_have_both_names_of_the_item() -> None:
    names = scope(loop={"item": {"id": 7}, "index": 0})
    assert resolve("${item.id} ${current_item.id} ${index}", names) == "7 7 0"


def test_event_and_schedule_are_there_when_the_run_has_them() -> None:
    names = scope(event={"type": "user_created", "payload": {"email": "e"}}, schedule={"id": "s"}, ds="2026-02-03")
    assert resolve("${event.type} ${event.payload.email} ${schedule.id} ${ds}", names) == "user_created e s 2026-02-03"


def test_a_result_may_be_called_like_a_namespace() -> None:
    names = scope(results={"event": {"payload": {"n": 1}}, "run": {"stdout": "x\n"}})
    assert resolve("${event.payload.n} ${run.stdout} ${run.id}", names) == "1 x r-1"


def test_secrets_are_read_only_where_they_may_be() -> None:
    with pytest.raises(NotAllowed, match=r"`secrets\.token` may only be read in the arguments of a tool"):
        resolve("${secrets.token | default('x')}", scope())
    names = scope(secrets={"token": "t0p"}.__getitem__)
    assert resolve("Bearer ${secrets.token}", names) == "Bearer t0p"
    with pytest.raises(MissingName, match=r"secrets\.other"):
        resolve("${secrets.other}", names)
    with pytest.raises(MissingName):
        resolve("${secrets}", names)


def test_no_layer_can_stand_in_for_env_or_secrets() -> None:
    names = scope(inputs={"secrets": {"token": "mine"}, "env": {"API_URL": "evil"}}, env=None)
    with pytest.raises(NotAllowed):
        resolve("${secrets.token}", names)
    with pytest.raises(MissingName):
        resolve("${env.API_URL}", names)
