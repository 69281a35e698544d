from __future__ import annotations

from typing import Any

import pytest

from runs_app import checks, dialect
from runs_app.checks import Report

from .definitions import CORPUS_FILES, definition, read, step
from .test_nesting import fork, loop

TOOLS = ("tools.log.info", "tools.shell.run", "tools.http.request", "tools.code.exec", "tools.workflow.execute")
BINDINGS = {
    "tools.shell.run": {"command": "shell", "argv": "shell"},
    "tools.http.request": {"url": "url", "headers": "headers"},
    "tools.code.exec": {"code": "code"},
}
POSITIONAL = {"tools.shell.run": ("command",), "tools.code.exec": ("code",)}


def report(raw: Any) -> Report:
    return checks.check(
        dialect.canonical(raw),
        known_tools=TOOLS,
        known_workflows=("sub_flow",),
        bindings=BINDINGS,
        positional=POSITIONAL,
    )


def errors(**tasks: Any) -> dict[str, str]:
    return {problem.path: problem.message for problem in report(definition(**tasks)).errors}


def warnings(**tasks: Any) -> dict[str, str]:
    found = report(definition(**tasks))
    assert found.errors == []
    return {problem.path: problem.message for problem in found.warnings}


@pytest.mark.parametrize("path", CORPUS_FILES, ids=lambda path: path.stem)
def test_every_example_passes(path: Any) -> None:
    assert report(read(path)).errors == []


def test_a_sound_definition_has_nothing_to_report() -> None:
    found = report(definition(a=step(kwargs={"message": "${inputs.name}"}, result_key="r"), b=step(dependencies=["a"])))
    assert (found.errors, found.warnings) == ([], [])


def test_an_unknown_dependency_is_an_error_that_names_the_near_one() -> None:
    assert errors(greet=step(), b=step(dependencies=["great"])) == {
        "tasks.b.dependencies": "names 'great', which is no step here. Did you mean 'greet'?"
    }


def test_an_unknown_start_is_an_error() -> None:
    found = report({**definition(a=step()), "start_task": "b"}).errors
    assert [problem.path for problem in found] == ["start_task"]


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (step(on_failure_task_id="gone"), "tasks.a.on_failure_task_id"),
        (step(on_success_task_id="gone"), "tasks.a.on_success_task_id"),
        ({"operator_type": "condition", "condition": "{{x}}", "if_true": "gone"}, "tasks.a.if_true"),
        ({"operator_type": "condition", "condition": "{{x}}", "if_false": "gone"}, "tasks.a.if_false"),
        ({"operator_type": "switch", "switch_on": "{{x}}", "cases": {"csv": "gone"}}, "tasks.a.cases.csv"),
        ({"operator_type": "switch", "switch_on": "{{x}}", "default": "gone"}, "tasks.a.default"),
    ],
)
def test_a_missing_target_is_an_error(task: dict[str, Any], path: str) -> None:
    assert errors(a=task)[path] == "names 'gone', which is no step here."


def test_inside_a_loop_a_missing_target_is_only_a_warning() -> None:
    route = {"task_id": "route", "operator_type": "switch", "switch_on": "{{item}}", "cases": {"a": "gone"}}
    assert "tasks.each.loop_body.route.cases.a" in warnings(each=loop(route))


def test_joined_steps_may_be_inside_branches() -> None:
    gate = {"operator_type": "join", "join_tasks": ["l1"], "dependencies": ["fork"]}
    assert errors(fork=fork({"left": {"l1": step()}}), gate=gate) == {}
    wrong = {**gate, "join_tasks": ["l1", "l9"]}
    assert "'l9'" in errors(fork=fork({"left": {"l1": step()}}), gate=wrong)["tasks.gate.join_tasks"]


def test_a_step_of_another_branch_is_unknown() -> None:
    found = errors(fork=fork({"left": {"l1": step()}, "right": {"r1": step(dependencies=["l1"])}}))
    assert list(found) == ["tasks.fork.branch_workflows.right.tasks.r1.dependencies"]


def test_a_cycle_is_reported_once_and_what_hangs_on_it_is_unreachable() -> None:
    found = errors(
        a=step(), b=step(dependencies=["a", "d"]), c=step(dependencies=["b"]), d=step(dependencies=["c"]),
        e=step(dependencies=["d"]),
    )  # fmt: skip
    cycles = [message for message in found.values() if "wait for each other" in message]
    assert len(cycles) == 1 and set(cycles[0].split(": ")[1].rstrip(".").split(" → ")) == {"b", "c", "d"}
    assert "unreachable" in found["tasks.e.dependencies"] and "tasks.a.dependencies" not in found


def test_a_step_that_waits_for_itself_is_a_cycle() -> None:
    assert "a → a" in errors(a=step(dependencies=["a"]))["tasks.a.dependencies"]


def test_a_condition_cannot_jump_back() -> None:
    back = {"operator_type": "condition", "condition": "{{x}}", "if_true": "a", "dependencies": ["b"]}
    assert any(
        "wait for each other" in message for message in errors(a=step(), b=step(dependencies=["a"]), c=back).values()
    )


def test_cycles_inside_bodies_and_branches_are_found() -> None:
    body = loop(step(task_id="x", dependencies=["y"]), step(task_id="y", dependencies=["x"]))
    branch = fork({"left": {"l1": step(dependencies=["l1"])}})
    assert set(errors(each=body, fork=branch)) == {
        "tasks.each.loop_body.x.dependencies",
        "tasks.fork.branch_workflows.left.tasks.l1.dependencies",
    }


def test_long_chains_take_no_time() -> None:
    tasks = {f"s{n}": step(dependencies=[f"s{n - 1}"] if n else []) for n in range(5_000)}
    assert errors(**tasks) == {}


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (step(args=["${steps.gone.output}"]), "tasks.a.args.0"),
        (step(kwargs={"deep": [{"x": "{{steps.gone.output.y}}"}]}), "tasks.a.kwargs.deep.0.x"),
        ({"operator_type": "condition", "condition": "${steps.gone.output.ok} == true"}, "tasks.a.condition"),
        ({"operator_type": "while", "condition": "{{steps.gone.output}} < 3"}, "tasks.a.condition"),
        ({"operator_type": "foreach", "items": "{{steps.gone.output}}"}, "tasks.a.items"),
        ({"operator_type": "switch", "switch_on": "{{steps.gone.output}}"}, "tasks.a.switch_on"),
        ({"operator_type": "emit_event", "event_name": "e", "payload": {"n": "${steps.gone.status}"}},
         "tasks.a.payload.n"),
        ({"operator_type": "wait_for_event", "event_name": "${steps.gone.output}"}, "tasks.a.event_name"),
        ({"operator_type": "wait", "wait_for": "${steps.gone.output.delay}"}, "tasks.a.wait_for"),
        ({"operator_type": "terminate", "result": {"why": "${steps.gone.error}"}}, "tasks.a.result.why"),
        ({"operator_type": "child_workflow",
          "children": {"k": {"workflow_name": "sub_flow", "inputs": {"x": "${steps.gone.output}"}}}},
         "tasks.a.children.k.inputs.x"),
        ({"operator_type": "reflexive", "generator": "g", "verifier": "v",
          "generator_kwargs": {"p": "${steps.gone.output}"}}, "tasks.a.generator_kwargs.p"),
        (step(preconditions=[{"variable": "{{steps.gone.output}}", "check": "exists"}]),
         "tasks.a.preconditions.0.variable"),
        (step(idempotency_key="k-{{steps.gone.output}}"), "tasks.a.idempotency_key"),
    ],
)  # fmt: skip
def test_a_reference_to_an_unknown_step_is_an_error_wherever_it_stands(task: dict[str, Any], path: str) -> None:
    assert "'gone', which does not exist" in errors(a=task)[path]


def test_a_reference_with_a_default_may_name_an_unknown_step() -> None:
    assert "tasks.a.args.0" in warnings(a=step(args=["${steps.gone.output | default('x')}"]))


def test_steps_inside_loops_and_branches_can_be_referred_to() -> None:
    assert errors(fork=fork({"left": {"l1": step()}}), a=step(args=["${steps.l1.output}"], dependencies=["fork"])) == {}


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ({"operator_type": "condition", "condition": "${secrets.key} == 'x'"}, "tasks.a.condition"),
        ({"operator_type": "emit_event", "event_name": "e", "payload": {"k": "${secrets.key}"}}, "tasks.a.payload.k"),
        ({"operator_type": "terminate", "result": {"k": "${secrets.key}"}}, "tasks.a.result.k"),
        ({"operator_type": "foreach", "items": "{{secrets.key}}"}, "tasks.a.items"),
        ({"operator_type": "switch", "switch_on": "{{secrets.key}}"}, "tasks.a.switch_on"),
        (step(idempotency_key="{{secrets.key}}"), "tasks.a.idempotency_key"),
        (step(postconditions=[{"variable": "{{secrets.key}}", "check": "exists"}]),
         "tasks.a.postconditions.0.variable"),
        ({"operator_type": "child_workflow",
          "children": {"k": {"workflow_name": "sub_flow", "inputs": {"x": "${secrets.key}"}}}},
         "tasks.a.children.k.inputs.x"),
        ({"operator_type": "multi_choice",
          "branches": {"b": {"condition": "{{secrets.key}}", "tasks": []}}}, "tasks.a.branches.b.condition"),
    ],
)  # fmt: skip
def test_a_secret_outside_a_tool_s_arguments_is_an_error(task: dict[str, Any], path: str) -> None:
    assert "arguments of a tool" in errors(a=task)[path]


def test_a_secret_in_the_variables_is_an_error() -> None:
    found = report({**definition(a=step()), "variables": {"key": ["${secrets.key}"]}})
    assert [problem.path for problem in found.errors] == ["variables.key.0"]


def test_a_secret_in_a_tool_s_arguments_is_fine() -> None:
    headers = {"Authorization": "Bearer ${secrets.key}"}
    assert errors(a=step("tools.http.request", kwargs={"url": "https://example.com", "headers": headers})) == {}


@pytest.mark.parametrize(
    "call",
    [
        {"args": ["sh -c 'echo {{name}}'"]},
        {"kwargs": {"command": "sh -c 'echo {{name}}'"}},
        {"kwargs": {"argv": ["sh", "-c", "echo $(( {{name}} ))"]}},
    ],
)
def test_a_reference_that_would_become_shell_code_is_an_error(call: dict[str, Any]) -> None:
    assert len(errors(a=step("tools.shell.run", **call))) == 1


def test_a_reference_that_would_become_python_code_is_an_error() -> None:
    assert list(errors(a=step("tools.code.exec", args=["print(f'{{name}}')"]))) == ["tasks.a.args.0"]
    assert errors(a=step("tools.code.exec", args=["print({{name}})"])) == {}


def test_an_unreadable_condition_is_an_error() -> None:
    assert list(errors(a={"operator_type": "condition", "condition": "{{x}} =="})) == ["tasks.a.condition"]


def test_an_unknown_tool_is_a_warning() -> None:
    assert "Did you mean 'tools.log.info'?" in warnings(a=step("tools.log.inf"))["tasks.a.function"]


def test_an_unknown_child_is_a_warning() -> None:
    found = warnings(
        a={"operator_type": "child_workflow", "children": {"k": {"workflow_name": "sub_flo"}}},
        b=step("tools.workflow.execute", kwargs={"workflow_name": "elsewhere"}),
        c=step("tools.workflow.execute", kwargs={"workflow_name": "{{which}}"}),
        d=step("tools.workflow.execute", kwargs={"workflow_name": "sub_flow"}),
        e=step("tools.workflow.execute", kwargs={"workflow_name": "sample"}),
    )
    assert set(found) == {"tasks.a.children.k.workflow_name", "tasks.b.kwargs.workflow_name"}
    assert "'sub_flow'" in found["tasks.a.children.k.workflow_name"]


def test_what_the_dialect_ignored_is_a_warning() -> None:
    assert warnings(a=step(colour="red")) == {"tasks.a.colour": "is not a known key; it is ignored."}


def test_branches_that_nobody_waits_for_are_a_warning() -> None:
    branches = fork({"left": {"l1": step()}}, result_key="data")
    wait = step("tools.workflow.wait_for_parallel_branches", args=["{{data}}"], dependencies=["fork"])
    join = {"operator_type": "join", "join_tasks": ["l1"], "dependencies": ["fork"]}
    assert "tasks.fork" in warnings(fork=branches)
    assert "tasks.fork" not in warnings(fork=branches, wait=wait)
    assert "tasks.fork" not in warnings(fork=branches, wait={**wait, "args": ["${steps.fork.output}"]})
    assert "tasks.fork" not in warnings(fork=branches, gate=join)


def test_a_handler_with_dependencies_is_a_warning() -> None:
    found = warnings(a=step(on_failure_task_id="h"), other=step(), h=step(dependencies=["other"]))
    assert "dependencies of its own" in found["tasks.a.on_failure_task_id"]


def test_a_handler_defined_before_its_user_is_a_warning() -> None:
    assert "tasks.a.dependencies" in warnings(h=step(), a=step(on_failure_task_id="h", dependencies=["h"]))


def test_a_model_call_without_provider_or_model_is_a_warning() -> None:
    found = warnings(a=step("tools.llm.call", kwargs={"prompt": "p", "model": "m"}))
    assert "tasks.a.kwargs.provider" in found and "tasks.a.kwargs.model" not in found


@pytest.mark.parametrize("command", ["sleep 30", "make && sleep 5m", "sleep {{delay}}"])
def test_sleeping_in_a_command_is_a_warning(command: str) -> None:
    assert "holds a worker" in warnings(a=step("tools.shell.run", args=[command]))["tasks.a"]


def test_not_every_sleep_is_a_sleep() -> None:
    assert warnings(a=step("tools.shell.run", args=["echo asleep 5 > /dev/null; ./sleep-walk"])) == {}


def test_passing_data_through_files_is_a_warning() -> None:
    found = warnings(
        a=step("tools.shell.run", args=["date > /tmp/now.txt"]),
        b=step("tools.shell.run", args=["cat /tmp/now.txt"], dependencies=["a"]),
    )
    assert "/tmp/now.txt" in found["tasks.b"] and "tasks.a" not in found


def test_an_empty_loop_is_a_warning() -> None:
    assert "tasks.each.loop_body" in warnings(each=loop())
