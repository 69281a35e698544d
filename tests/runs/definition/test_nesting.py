from __future__ import annotations

from typing import Any

from runs_app import dialect

from .definitions import definition, problems, step

WAIT_TOOL = "tools.workflow.wait_for_parallel_branches"


def body_of(task: dict[str, Any]) -> Any:
    return task["body"]["tasks"]


def loop(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operator_type": "foreach", "items": "{{names}}", "loop_body": list(steps), **more}


def inner(task_id: str, **more: Any) -> dict[str, Any]:
    return step(task_id=task_id, is_internal_loop_task=True, **more)


def fork(branches: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A parallel as highway-dsl writes it: the steps are only in `branch_workflows`."""
    return {
        "operator_type": "parallel",
        "branches": {name: list(tasks) for name, tasks in branches.items()},
        "branch_workflows": {name: {"name": f"fork_{name}", "tasks": tasks} for name, tasks in branches.items()},
        **more,
    }


def read(**tasks: Any) -> Any:
    return dialect.canonical(definition(**tasks))


def test_only_the_copy_in_the_loop_stays() -> None:
    body = read(
        each=loop(inner("say", dependencies=["each"]), inner("then", dependencies=["say"])),
        say=inner("say", dependencies=["each"]),
        then=inner("then", dependencies=["say"]),
        after=step(dependencies=["each"]),
    )
    assert list(body["tasks"]) == ["each", "after"]
    steps = body_of(body["tasks"]["each"])
    assert {name: task["dependencies"] for name, task in steps.items()} == {"say": [], "then": ["say"]}
    assert body["notes"] == []


def test_a_flat_copy_that_does_not_say_so_is_noted() -> None:
    body = read(each=loop(step(task_id="say")), say=step())
    assert list(body["tasks"]) == ["each"]
    assert [note["path"] for note in body["notes"]] == ["tasks.say"]


def test_nested_loops_stand_three_times_and_stay_once() -> None:
    deepest = inner("deepest", dependencies=["inside"])
    inside = loop(deepest, task_id="inside", dependencies=["outside"], is_internal_loop_task=True)
    body = read(outside=loop(inside, deepest), inside=inside, deepest=deepest)
    assert list(body["tasks"]) == ["outside"]
    assert list(body_of(body["tasks"]["outside"])) == ["inside"]
    assert list(body_of(body_of(body["tasks"]["outside"])["inside"])) == ["deepest"]


def test_a_body_may_name_the_steps_beside_it() -> None:
    body = read(each=loop("say"), say=step(dependencies=["each"]))  # type: ignore[arg-type]
    assert list(body["tasks"]) == ["each"] and list(body_of(body["tasks"]["each"])) == ["say"]


def test_a_body_s_events_and_activities_keep_their_operator() -> None:
    body = read(
        each=loop(
            {"task_id": "crunch", "operator_type": "activity", "function": "f"},
            {"task_id": "hear", "operator_type": "wait_for_event", "event_name": "e", "payload": {}},
        )
    )
    assert [task["operator_type"] for task in body_of(body["tasks"]["each"]).values()] == ["activity", "wait_for_event"]


def test_branches_hold_their_steps() -> None:
    body = read(
        fork=fork({"left": {"l1": step(), "l2": step(dependencies=["l1"])}, "right": {"r1": step()}}, timeout=60)
    )
    task = body["tasks"]["fork"]
    assert {name: list(branch["tasks"]) for name, branch in task["branches"].items()} == {
        "left": ["l1", "l2"],
        "right": ["r1"],
    }
    assert task["timeout_branches"] == 60 and "branch_workflows" not in task


def test_the_javascript_sdk_s_flat_branches_move_into_their_fork() -> None:
    body = read(
        fork={"operator_type": "parallel", "branches": {"left": ["l1", "l2"], "right": ["r1"]}},
        l1=step(dependencies=["fork"]),
        l2=step(dependencies=["fork", "l1"]),
        r1=step(dependencies=["fork"]),
        after=step(dependencies=["fork"]),
    )
    assert list(body["tasks"]) == ["fork", "after"]
    left = body["tasks"]["fork"]["branches"]["left"]["tasks"]
    assert {name: task["dependencies"] for name, task in left.items()} == {"l1": [], "l2": ["l1"]}


def test_flat_branches_nest() -> None:
    body = read(
        inner={"operator_type": "parallel", "branches": {"a": ["i1"]}, "dependencies": ["outer"]},
        outer={"operator_type": "parallel", "branches": {"left": ["inner", "i1"]}},
        i1=step(dependencies=["inner", "outer"]),
    )
    assert list(body["tasks"]) == ["outer"]
    left = body["tasks"]["outer"]["branches"]["left"]["tasks"]
    assert list(left) == ["inner"] and list(left["inner"]["branches"]["a"]["tasks"]) == ["i1"]


def test_forks_that_name_each_other_are_refused_or_read_but_never_lost_in_a_loop() -> None:
    body = read(
        a={"operator_type": "parallel", "branches": {"x": ["b"]}},
        b={"operator_type": "parallel", "branches": {"x": []}},
    )
    assert list(body["tasks"]) == ["a"]
    found = problems(
        definition(
            a={"operator_type": "parallel", "branches": {"x": ["b", "a"]}},
            b={"operator_type": "parallel", "branches": {"x": ["a"]}},
        )
    )
    assert "tasks.a.branches.x" in found or "tasks.b.branches.x" in found


def test_multi_choice_branches_carry_their_condition() -> None:
    body = read(
        pick={
            "operator_type": "multi_choice",
            "branches": {"big": {"condition": "{{n}} > 10", "tasks": ["big1"]}},
            "branch_workflows": {"big": {"name": "pick_big", "tasks": {"big1": step()}}},
            "minimum_branches": 0,
        }
    )
    pick = body["tasks"]["pick"]
    assert pick["branches"]["big"]["condition"] == "{{n}} > 10" and list(pick["branches"]["big"]["tasks"]) == ["big1"]
    assert pick["minimum_branches"] == 0


def test_a_handler_beside_the_fork_moves_into_the_branch_that_names_it() -> None:
    body = read(
        fork=fork({"left": {"l1": step(on_failure_task_id="cure")}, "right": {"r1": step()}}),
        cure=step(dependencies=["fork"], on_failure_task_id="last_resort"),
        last_resort=step(),
        after=step(dependencies=["fork"]),
    )
    assert list(body["tasks"]) == ["fork", "after"]
    left = body["tasks"]["fork"]["branches"]["left"]["tasks"]
    assert list(left) == ["l1", "cure", "last_resort"] and left["cure"]["dependencies"] == []
    assert list(body["tasks"]["fork"]["branches"]["right"]["tasks"]) == ["r1"]


def test_a_handler_named_inside_and_outside_stands_in_both_places() -> None:
    body = read(
        risky=step(on_failure_task_id="cure"),
        each=loop(inner("say", on_failure_task_id="cure")),
        say=inner("say", on_failure_task_id="cure"),
        cure=step(),
    )
    assert list(body["tasks"]) == ["risky", "each", "cure"]
    assert list(body_of(body["tasks"]["each"])) == ["say", "cure"]


def test_who_waits_for_a_handler_that_moved_waits_for_the_branches() -> None:
    body = read(
        setup=step(),
        fork=fork({"slow": {"slow1": step(on_failure_task_id="undo")}}, result_key="fork_data", dependencies=["setup"]),
        undo=step(),
        gather=step(WAIT_TOOL, args=["{{fork_data}}"], dependencies=["fork"]),
        finalize=step(dependencies=["gather", "undo"]),
    )
    assert list(body["tasks"]) == ["setup", "fork", "gather", "finalize"]
    assert body["tasks"]["finalize"]["dependencies"] == ["gather"]


def test_who_waits_for_a_step_inside_a_branch_waits_for_the_branches() -> None:
    body = read(
        fork=fork({"left": {"l1": step()}, "right": {"r1": step()}}, timeout=60),
        join=step(dependencies=["l1", "r1"]),
        end=step(dependencies=["join"]),
    )
    assert list(body["tasks"]) == ["fork", "fork_branches", "join", "end"]
    wait = body["tasks"]["fork_branches"]
    assert (
        wait["function"] == WAIT_TOOL
        and wait["args"] == ["{{steps.fork.output}}"]
        and wait["kwargs"] == {"timeout_seconds": 60}
    )
    assert wait["dependencies"] == ["fork"] and body["tasks"]["join"]["dependencies"] == ["fork_branches"]


def test_who_waits_for_a_step_inside_a_loop_waits_for_the_loop() -> None:
    body = read(each=loop(step(task_id="say")), after=step(dependencies=["say", "each"]))
    assert body["tasks"]["after"]["dependencies"] == ["each"]


def test_who_waits_inside_for_a_step_outside_makes_the_operator_wait() -> None:
    deep = fork({"left": {"l1": step(dependencies=["init"])}}, task_id="fork", dependencies=["each"])
    body = read(init=step(), each=loop(deep))
    assert body["tasks"]["each"]["dependencies"] == ["init"]
    fork_task = body_of(body["tasks"]["each"])["fork"]
    assert fork_task["dependencies"] == [] and fork_task["branches"]["left"]["tasks"]["l1"]["dependencies"] == []


def test_steps_of_sibling_branches_do_not_know_each_other() -> None:
    body = read(fork=fork({"left": {"l1": step()}, "right": {"r1": step(dependencies=["l1"])}}))
    assert body["tasks"]["fork"]["branches"]["right"]["tasks"]["r1"]["dependencies"] == ["l1"]  # for the checks


def test_the_start_task_comes_first_and_is_found_where_it_is_not_named() -> None:
    body = read(
        handler=step(), late=step(dependencies=["early"]), early=step(on_failure_task_id="handler"), other=step()
    )
    assert body["start_task"] == "early"
    assert list(body["tasks"]) == ["early", "handler", "late", "other"]
    named = dialect.canonical({**definition(a=step(), b=step()), "start_task": "b"})
    assert list(named["tasks"]) == ["b", "a"]


def test_a_declared_start_task_does_not_wait_for_what_does_not_exist() -> None:
    raw = {**definition(a=step(dependencies=["earlier"])), "start_task": "a"}
    body = dialect.canonical(raw)
    assert body["tasks"]["a"]["dependencies"] == []
    assert [note["path"] for note in body["notes"]] == ["tasks.a.dependencies"]


def test_a_handler_defined_before_its_user_does_not_hold_it_up() -> None:
    body = read(first=step(), cure=step(dependencies=["first"]),
                risky=step(dependencies=["cure"], on_failure_task_id="cure"))  # fmt: skip
    assert body["tasks"]["risky"]["dependencies"] == ["first"]
    assert [note["path"] for note in body["notes"]] == ["tasks.risky.dependencies"]


def test_a_handler_that_is_declared_as_start_does_not_start() -> None:
    raw = definition(cure=step(), risky=step(dependencies=["cure"], on_failure_task_id="cure"))
    body = dialect.canonical({**raw, "start_task": "cure"})
    assert body["start_task"] == "risky" and body["tasks"]["risky"]["dependencies"] == []


def test_a_step_is_not_its_own_handler() -> None:
    body = read(a=step(on_failure_task_id="a", on_success_task_id="a"))
    assert body["tasks"]["a"]["on_failure_task_id"] is None and len(body["notes"]) == 2


def test_a_switch_chained_behind_its_targets_comes_first() -> None:
    body = read(
        call=step(),
        good=step(dependencies=["call"]),
        bad=step(dependencies=["good"]),
        route={"operator_type": "switch", "switch_on": "{{call.status_code}}", "dependencies": ["bad"],
               "cases": {"200": "good"}, "default": "bad"},
    )  # fmt: skip
    assert {name: task["dependencies"] for name, task in body["tasks"].items()} == {
        "call": [],
        "good": ["call"],
        "bad": [],
        "route": ["call"],
    }


def test_alternatives_chained_behind_each_other_do_not_wait_for_each_other() -> None:
    body = read(
        route={"operator_type": "condition", "condition": "{{x}}", "if_true": "yes", "if_false": "no"},
        yes=step(dependencies=["route"]),
        yes_too=step(dependencies=["yes"]),
        no=step(dependencies=["route", "yes_too"]),
        whatever=step(dependencies=["no"]),
    )
    assert body["tasks"]["no"]["dependencies"] == ["route"]
    assert [note["path"] for note in body["notes"]] == ["tasks.no.dependencies"]


def test_a_large_handler_is_not_copied_without_end() -> None:
    loops = {f"each{n}": loop(step(task_id=f"say{n}", on_failure_task_id="cure")) for n in range(300)}
    found = problems(definition(cure=step(kwargs={"text": "x" * 10_000}), **loops))
    assert "too many loops" in found["tasks"]


def test_an_id_that_is_no_name_can_be_waited_for() -> None:
    body = read(**{"my fork": fork({"left": {"l1": step()}}), "after": step(dependencies=["l1"])})
    assert body["tasks"]["my fork_branches"]["args"] == ['{{steps["my fork"].output}}']
    assert dialect.canonical(body) == body
