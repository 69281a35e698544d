"""Slips that chained builders make easy: a step waits for the very steps that it is there to choose or call.

A builder that chains every step to the one before writes `success → failure → switch` when the switch comes last, and
lets a step wait for a handler that was defined before it. Taken literally none of them could ever run.
"""

from __future__ import annotations

from dataclasses import dataclass

from highway_automation.base.safe_json import JSON

from .problems import Findings

HANDLERS = ("on_success_task_id", "on_failure_task_id")
MOST_VISITS = 500_000  # a definition made to take for ever is left as it is
CHOICES = ("if_true", "if_false", "default")


def targets(task: JSON) -> list[str]:
    """The steps that only run when this one says so."""
    return [name for name in (*(task[key] for key in HANDLERS), *choices(task)) if isinstance(name, str)]


def choices(task: JSON) -> list[str]:
    """The steps of which a condition or switch chooses one."""
    named = (*(task.get(key) for key in CHOICES), *task.get("cases", {}).values())
    return [name for name in named if isinstance(name, str)]


def repair(tasks: dict[str, JSON], path: str, found: Findings) -> None:
    """Rewrites the steps of one scope in place and notes what was changed."""
    repairs = _Repairs(tasks, path, found)
    for task_id in tasks:
        repairs.forget_itself(task_id)
    for task_id in tasks:
        repairs.skip_own_targets(task_id)
    repairs.free_alternatives()


@dataclass
class _Repairs:
    tasks: dict[str, JSON]
    path: str
    found: Findings
    budget: int = MOST_VISITS

    def forget_itself(self, task_id: str) -> None:
        for key in HANDLERS:
            if self.tasks[task_id][key] == task_id:
                self.tasks[task_id][key] = None
                self.found.note(f"{self.path}.{task_id}.{key}", "names the step itself; it is ignored.")

    def skip_own_targets(self, task_id: str) -> None:
        """Where a step waits for its own target, it waits for what the target waits for."""
        task = self.tasks[task_id]
        own = {name for name in targets(task) if name in self.tasks and name != task_id}
        named = [name for name in task["dependencies"] if name in own]
        if named:
            task["dependencies"] = [name for name in self._expanded(task["dependencies"], own) if name != task_id]
            message = (
                f"named {', '.join(named)}, which this step itself chooses or calls; it waits for what comes before."
            )
            self._note(task_id, message)

    def _expanded(self, names: list[str], own: set[str]) -> list[str]:
        kept: dict[str, None] = {}
        seen: set[str] = set()
        stack = names[::-1]
        while stack:
            name = stack.pop()
            if name not in own:
                kept[name] = None
            elif name not in seen:
                seen.add(name)
                stack.extend(self.tasks[name]["dependencies"][::-1])
        return list(kept)

    def free_alternatives(self) -> None:
        """Of two alternatives, none waits for the other or for what follows the other: that would be for ever."""
        followers: dict[str, list[str]] = {}
        for task_id, task in self.tasks.items():
            for name in task["dependencies"]:
                followers.setdefault(name, []).append(task_id)
        for router, task in self.tasks.items():
            names = [name for name in dict.fromkeys(choices(task)) if name in self.tasks]
            for name in names if len(names) > 1 else ():
                if set(self.tasks[name]["dependencies"]) - {router}:
                    self._free(name, [other for other in names if other != name], followers)

    def _free(self, name: str, others: list[str], followers: dict[str, list[str]]) -> None:
        task = self.tasks[name]
        if task["trigger_rule"] != "all_success":
            return
        behind = self._behind(others, name, followers)
        dropped = [step for step in task["dependencies"] if step in behind]
        if dropped:
            task["dependencies"] = [step for step in task["dependencies"] if step not in behind]
            message = f"named {', '.join(dropped)}, which never runs together with this step; it does not wait for it."
            self._note(name, message)

    def _behind(self, starts: list[str], without: str, followers: dict[str, list[str]]) -> set[str]:
        """These steps and all that depend on them, not through `without`."""
        seen: set[str] = set()
        stack = list(starts)
        while stack and self.budget:
            name = stack.pop()
            if name not in seen and name != without:
                seen.add(name)
                self.budget -= 1
                stack.extend(followers.get(name, ()))
        return seen

    def _note(self, task_id: str, message: str) -> None:
        self.found.note(f"{self.path}.{task_id}.dependencies", message)
