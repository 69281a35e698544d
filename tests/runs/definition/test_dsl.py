from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import highway_dsl
import pytest

from highway_automation.base.errors import BadRequest
from runs_app import checks, dialect, dsl, sandbox
from runs_app.plan import Plan, Settled, State

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WELCOME = EXAMPLES / "welcome_email.py"
HEAD = "from highway_dsl import *\n"


@pytest.fixture(params=[True, False], ids=["trusted", "sandboxed"])
def trusted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def compiled(source: str, *, trusted: bool = True) -> Any:
    return dialect.canonical(dsl.compile_source(HEAD + source, "program.py", trusted=trusted))


def chain(body: Any) -> dict[str, list[str]]:
    return {task_id: task["dependencies"] for task_id, task in body["tasks"].items()}


def refusal(source: str, *, trusted: bool = True, name: str = "program.py") -> str:
    with pytest.raises(BadRequest) as caught:
        dsl.compile_source(source, name, trusted=trusted)
    return caught.value.message


def test_the_welcome_program_compiles_as_it_is(trusted: bool) -> None:
    body = dialect.canonical(dsl.compile_source(WELCOME.read_text(), str(WELCOME), trusted=trusted))
    tools = ("tools.email.send", "tools.time.sleep_for", "tools.http.request")
    found = checks.check(body, known_tools=tools, known_workflows=())
    assert (found.errors, found.warnings) == ([], [])
    assert body["name"] == "welcome_email_sequence"
    assert chain(body) == {
        "send_welcome": [],
        "wait_2_days": ["send_welcome"],
        "check_login": ["wait_2_days"],
        "send_followup_when": ["check_login"],
        "send_followup": ["send_followup_when"],
    }
    condition = body["tasks"]["send_followup_when"]
    assert condition["condition"] == "${steps.check_login.output.has_logged_in} == false"
    assert (condition["if_true"], condition["if_false"]) == ("send_followup", None)
    assert body["tasks"]["send_welcome"]["kwargs"] == {
        "to": "${input.email}", "subject": "Welcome to Highway!", "template": "welcome"
    }  # fmt: skip


@pytest.mark.parametrize("has_logged_in", [False, True])
def test_the_welcome_program_plans_in_its_order(has_logged_in: bool) -> None:
    body = dialect.canonical(dsl.compile_source(WELCOME.read_text(), str(WELCOME), trusted=True))
    chosen = () if has_logged_in else ("send_followup",)
    plan = Plan.compile(body["tasks"], lambda task: tuple(dialect.choices(task)))
    state = State.load(plan, [])
    ready, order, skipped = plan.roots(), [], []
    while ready:
        order.append(ready.pop(0))
        newly = state.apply(Settled(order[-1], "succeeded", chosen if order[-1].endswith("_when") else ()))
        ready += newly.ready
        skipped += newly.skipped
    first = ["send_welcome", "wait_2_days", "check_login", "send_followup_when"]
    assert order == (first if has_logged_in else [*first, "send_followup"])
    assert skipped == (["send_followup"] if has_logged_in else [])
    assert state.ended and state.outcome == "completed"


def test_every_word_of_the_fluent_form() -> None:
    body = compiled(
        """
workflow = (WorkflowBuilder("all_words")
    .add(task("a").tool("tools.log.info").input("hi", level=1).retry(2, delay="PT10S").timeout(60, False)
        .result_key("r").description("says hi").metadata(once=True).idempotency_key("k").on_failure("h")
        .circuit_breaker(failure_threshold=3).precondition("{{x}}", "exists").postcondition("{{r}}", "not_null"))
    .add(task("h").tool("tools.log.error"))
    .add(task("b").tool("tools.log.info").trigger_rule("all_done"), task("c").tool("tools.log.info").depends_on("a"))
    .add(task("d").tool("tools.log.info").depends_on())
    .build())
"""
    )
    a = body["tasks"]["a"]
    assert (a["args"], a["kwargs"], a["result_key"], a["description"]) == (["hi"], {"level": 1}, "r", "says hi")
    assert a["retry"] == {"max_retries": 2, "delay": 10, "backoff_factor": 2.0}
    assert (a["timeout"], a["kill_on_timeout"], a["metadata"]) == (60, False, {"once": True})
    assert a["circuit_breaker"]["failure_threshold"] == 3 and a["idempotency_key"] == "k"
    assert a["preconditions"][0]["check"] == "exists" and a["postconditions"][0]["check"] == "not_null"
    assert chain(body) == {"a": [], "h": [], "b": ["a"], "c": ["a"], "d": []}
    assert a["on_failure_task_id"] == "h" and body["tasks"]["b"]["trigger_rule"] == "all_done"


def test_what_follows_a_conditional_step_goes_on_either_way() -> None:
    body = compiled(
        """
workflow = (WorkflowBuilder("w").add(task("a").tool("f")).add(task("b").tool("f").when("${steps.a.output.x}"))
    .add(task("c").tool("f")).add(task("d").tool("f").when("${steps.a.output.y}").depends_on("a")).build())
"""
    )
    assert chain(body) == {"a": [], "b_when": ["a"], "b": ["b_when"], "c": ["b_when"], "d_when": ["a"], "d": ["d_when"]}


def test_both_forms_mix_in_one_program(trusted: bool) -> None:
    body = compiled(
        """
from datetime import timedelta
b = WorkflowBuilder("mixed", version="1.2.3")
b.task("first", "tools.log.info", args=["x"]).retry(max_retries=2, delay=timedelta(seconds=1))
b.add(task("second").tool("tools.log.info"))
b.wait("nap", Duration.days(1))
b.parallel("fork", {"left": lambda p: p.add(task("l1").tool("f")).add(task("l2").tool("f")),
                    "right": lambda p: p.task("r1", "f")}, result_key="data")
b.foreach("each", "{{names}}", lambda p: p.add(task("say").tool("f").input(name="{{item}}")))
b.condition("which", "{{x}} > 1", lambda p: p.add(task("yes").tool("f")), lambda p: p.task("no", "f"))
b.add(TaskOperator(task_id="last", function="f"))
workflow = b.build()
""",
        trusted=trusted,
    )
    assert chain(body) == {
        "first": [], "second": ["first"], "nap": ["second"], "fork": ["nap"], "each": ["fork"], "which": ["each"],
        "yes": ["which"], "no": ["which"], "last": ["which"],
    }  # fmt: skip
    assert chain(body["tasks"]["fork"]["branches"]["left"]) == {"l1": [], "l2": ["l1"]}
    assert list(body["tasks"]["each"]["body"]["tasks"]) == ["say"]
    assert body["tasks"]["nap"]["wait_for"] == {"seconds": 86_400} and body["version"] == "1.2.3"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('workflow = WorkflowBuilder("one").add(task("a").tool("f")).build()', "one"),
        ('x = WorkflowBuilder("one").add(task("a").tool("f")).build()', "one"),
        ('builder = WorkflowBuilder("one").add(task("a").tool("f"))', "one"),
        ('def get_workflow(): return WorkflowBuilder("one").add(task("a").tool("f")).build()', "one"),
        ('def get_workflow(): return WorkflowBuilder("one").add(task("a").tool("f"))', "one"),
        ('def get_workflow(): return {"name": "one", "tasks": {"a": {"operator_type": "task", "function": "f"}}}',
         "one"),
        ('def make(n): return WorkflowBuilder(n).add(task("a").tool("f")).build()\n'
         'helper = make("two"); workflow = make("one")', "one"),
        ('def make(n): return WorkflowBuilder(n).add(task("a").tool("f")).build()\n'
         'helper = make("two")\ndef get_workflow(): return make("one")', "one"),
        ('def make(): return WorkflowBuilder("one").add(task("a").tool("f")).build()\n'
         'if __name__ == "__main__":\n    wf = make()\n    print(wf.to_json())', "one"),
    ],
)  # fmt: skip
def test_the_workflow_that_is_meant_is_found(source: str, name: str) -> None:
    assert compiled(source)["name"] == name


def test_all_workflows_of_a_program_can_be_had() -> None:
    source = 'a, b = (WorkflowBuilder(n).add(task("t").tool("f")).build() for n in ("one", "two"))'
    found = dsl.compile_all(HEAD + source, "program.py", trusted=True)
    assert [workflow["name"] for workflow in found] == ["one", "two"]
    assert "several workflows (one, two)" in refusal(HEAD + source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (", "program.py, line 1: SyntaxError: '(' was never closed"),
        ("\n\nimport nowhere", "program.py, line 3: ModuleNotFoundError: No module named 'nowhere'"),
        ("x = 1\nx.y\n", "program.py, line 2: AttributeError"),
        ("x = 1", "program.py: The program defines no workflow"),
        ("import sys\nsys.exit(3)", "program.py, line 2: SystemExit: 3"),
        ("def get_workflow(): return 5", "program.py: get_workflow() gave a int"),
        ("def f(): return f()\nf()", "program.py, line 1: RecursionError"),
        (HEAD + 'WorkflowBuilder("Bad Name")', "program.py, line 2: ValidationError"),
        (HEAD + 'WorkflowBuilder("w").add(task("a"))', "program.py, line 2: ValueError: The step 'a' names no tool"),
        (HEAD + 'WorkflowBuilder("w").add(task("a").tool("f"), task("a").tool("f"))', "two steps 'a'"),
        ("\x00", "program.py: "),
        ("raise ValueError('\\ud800')", "program.py"),
        ("import os\nos._exit(0)", "program.py: it ended without an answer"),
        ("#" * 2_000_000, "longer than 1 MiB"),
    ],
)
def test_errors_name_the_file_and_the_line(source: str, message: str) -> None:
    assert message in refusal(source)


def test_what_a_program_prints_is_not_its_result(trusted: bool) -> None:
    source = (
        'print("{}")\nimport os; os.write(1, b"[]")\nworkflow = WorkflowBuilder("w").add(task("a").tool("f")).build()'
    )
    assert compiled(source, trusted=trusted)["name"] == "w"


def test_trusted_programs_see_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text('NAME = "from_parts"\n')
    program = tmp_path / "program.py"
    program.write_text(HEAD + 'import parts\nworkflow = WorkflowBuilder(parts.NAME).add(task("a").tool("f")).build()')
    assert dsl.compile_source(program.read_text(), str(program), trusted=True)["name"] == "from_parts"


def test_the_library_of_this_process_stays_as_it_is() -> None:
    compiled('workflow = WorkflowBuilder("w").add(task("a").tool("f")).build()')
    assert not hasattr(highway_dsl, "task") and not hasattr(highway_dsl.WorkflowBuilder, "add")


SPY = """
import json, os, socket
def attempt(f):
    try:
        return str(f())
    except BaseException as error:
        return type(error).__name__
seen = {
    "environment": dict(os.environ),
    "processes": [n for n in os.listdir("/proc") if n.isdigit()],
    "root": sorted(os.listdir("/")),
    "checkout": attempt(lambda: os.listdir("CHECKOUT")),
    "settings": attempt(lambda: open("CHECKOUT/manage.py").read()),
    "write": attempt(lambda: open("CHECKOUT/runs_app/dsl/x", "w")),
    "network": attempt(lambda: socket.create_connection(("127.0.0.1", PORT), 2)),
    "kernel": attempt(lambda: open("/proc/sys/kernel/core_pattern", "w").write("x")),
    "parent": attempt(lambda: os.kill(PARENT, 0)),
}
workflow = WorkflowBuilder("spy").add(task("a").tool("f").input(seen=seen)).build()
"""


def test_source_from_outside_sees_nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHWAY_SECRET", "hidden")
    checkout = Path(__file__).resolve().parents[3]
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = SPY.replace("CHECKOUT", str(checkout)).replace("PORT", str(server.getsockname()[1]))
        body = compiled(source.replace("PARENT", str(os.getpid())), trusted=False)
    seen = body["tasks"]["a"]["kwargs"]["seen"]
    assert "HIGHWAY_SECRET" not in json.dumps(seen) and set(seen["environment"]) <= {"PATH", "LANG", "PWD", "LC_CTYPE"}
    assert len(seen["processes"]) < 5 and not {"home", "var", "run", "opt", "srv"} & set(seen["root"])
    assert "var" not in seen["checkout"] and "manage.py" not in seen["checkout"]
    assert seen["settings"] == "FileNotFoundError" and seen["write"] == seen["kernel"] == "OSError"
    assert seen["network"] in ("ConnectionRefusedError", "OSError") and seen["parent"] == "ProcessLookupError"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("while True: pass", "it ended without an answer"),
        ("x = 'x' * (4 << 30)", "line 1: MemoryError"),
        ("import os\nwhile True: os.fork()", "line 2: PermissionError"),
        ("import subprocess\nsubprocess.run(['true'])", "line 2: PermissionError"),
        ("import threading\nthreading.Thread(target=print).start()", "line 2: RuntimeError"),
        ("open('/tmp/big', 'wb').write(b'x' * (64 << 20))", "line 1: OSError"),
    ],
)
def test_source_from_outside_is_limited(source: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dsl.LIMITS, "RLIMIT_CPU", 1)
    assert message in refusal(source, trusted=False)


def test_source_from_outside_cannot_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsl, "SANDBOXED_SECONDS", 1)
    assert "did not end within 1 seconds" in refusal("import time\ntime.sleep(99)", trusted=False)


def test_without_a_sandbox_source_from_outside_is_refused_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox.available.cache_clear()
    try:
        assert "apt-get install -y bubblewrap" in refusal("x = 1", trusted=False)
        assert compiled('workflow = WorkflowBuilder("w").add(task("a").tool("f")).build()')["name"] == "w"
    finally:
        sandbox.available.cache_clear()
