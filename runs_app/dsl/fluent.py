"""highway-dsl's names, and beside them `task(id)` and `WorkflowBuilder.add(…)`.

    WorkflowBuilder("welcome").add(task("greet").tool("tools.email.send").input(to="${input.email}")).build()

Steps that are added chain in order. `.when(…)` puts a condition before its step; what is added next goes on after the
condition either way. Everything else of highway-dsl stays as it is, and both forms mix in one program.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

import highway_dsl
from highway_dsl import (
    BaseOperator,
    CircuitBreakerPolicy,
    ConditionOperator,
    DataGuard,
    RetryPolicy,
    TaskOperator,
    TimeoutPolicy,
)

Length = timedelta | int | float | str


class Step:
    """One call of a tool in the making; `task(id)` makes one and every method gives it back."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.condition: str | None = None
        self.dependencies: list[str] | None = None
        self.function: str | None = None
        self.fields: dict[str, Any] = {"args": [], "kwargs": {}}

    def tool(self, name: str) -> Self:
        """The tool to call, such as `tools.email.send`."""
        self.function = name
        return self

    def input(self, *args: Any, **kwargs: Any) -> Self:
        """What the tool is given. References such as `${input.email}` are filled in when the step runs."""
        self.fields["args"] += args
        self.fields["kwargs"].update(kwargs)
        return self

    def when(self, condition: str) -> Self:
        """Run the step only if this holds by then."""
        self.condition = condition
        return self

    def depends_on(self, *steps: str | Step) -> Self:
        """Wait for these steps instead of the one added before; with no step named, start at once."""
        self.dependencies = [_id(step) for step in steps]
        return self

    def retry(self, max_retries: int = 3, delay: Length = 5, backoff_factor: float = 2.0) -> Self:
        policy = {"max_retries": max_retries, "delay": delay, "backoff_factor": backoff_factor}
        return self._set("retry_policy", RetryPolicy.model_validate(policy))

    def timeout(self, timeout: Length, kill_on_timeout: bool = True) -> Self:
        policy = {"timeout": timeout, "kill_on_timeout": kill_on_timeout}
        return self._set("timeout_policy", TimeoutPolicy.model_validate(policy))

    def circuit_breaker(self, **policy: Any) -> Self:
        return self._set("circuit_breaker_policy", CircuitBreakerPolicy.model_validate(policy))

    def on_failure(self, handler: str | Step) -> Self:
        """The step that runs if this one fails; add it too."""
        return self._set("on_failure_task_id", _id(handler))

    def on_success(self, follower: str | Step) -> Self:
        """The step that runs if this one succeeds; add it too."""
        return self._set("on_success_task_id", _id(follower))

    def result_key(self, name: str) -> Self:
        return self._set("result_key", name)

    def trigger_rule(self, rule: str) -> Self:
        return self._set("trigger_rule", rule)

    def idempotency_key(self, key: str) -> Self:
        return self._set("idempotency_key", key)

    def description(self, text: str) -> Self:
        return self._set("description", text)

    def metadata(self, **values: Any) -> Self:
        return self._set("metadata", {**self.fields.get("metadata", {}), **values})

    def precondition(self, variable: str, check: str, value: Any = None, message: str = "") -> Self:
        return self._guard("preconditions", variable, check, value, message)

    def postcondition(self, variable: str, check: str, value: Any = None, message: str = "") -> Self:
        return self._guard("postconditions", variable, check, value, message)

    def operator(self) -> BaseOperator:
        """The step as highway-dsl knows it. Raises ValueError without a tool."""
        if self.function is None:
            raise ValueError(f'The step {self.task_id!r} names no tool; add .tool("tools.…").')
        return TaskOperator(task_id=self.task_id, function=self.function, **self.fields)

    def _set(self, key: str, value: Any) -> Self:
        self.fields[key] = value
        return self

    def _guard(self, key: str, variable: str, check: str, value: Any, message: str) -> Self:
        guard = DataGuard(variable=variable, check=check, value=value, message=message)
        return self._set(key, [*self.fields.get(key, []), guard])


def task(task_id: str) -> Step:
    """A step to add to a WorkflowBuilder: `task("greet").tool("tools.email.send").input(to="…")`."""
    return Step(task_id)


class WorkflowBuilder(highway_dsl.WorkflowBuilder):  # type: ignore[misc]
    """highway-dsl's builder with `add`."""

    workflow: Any
    _current_task: str | None

    def add(self, *steps: Step | BaseOperator) -> Self:
        """Append steps; each waits for the one before unless it says otherwise."""
        for step in steps:
            self._append(step if isinstance(step, Step) else None, step.operator() if isinstance(step, Step) else step)
        return self

    def _append(self, step: Step | None, operator: Any) -> None:
        if operator.task_id in self.workflow.tasks:
            raise ValueError(f"There are two steps {operator.task_id!r}.")
        before, handler = self._current_task, self._is_handler(operator.task_id)
        explicit = (operator.dependencies or None) if step is None else step.dependencies
        named = {} if explicit is None else {"dependencies": list(explicit)}
        if step is not None and step.condition is not None:
            if handler:
                raise ValueError(f"The step {step.task_id!r} is called by another one, so it takes no .when(…).")
            before = self._append_condition(step.task_id, step.condition, named)
            self._add_task(operator, dependencies=[before])
        else:
            self._add_task(operator, **named)
            before = before if handler else operator.task_id
        self._current_task = before

    def _append_condition(self, task_id: str, condition: str, named: dict[str, Any]) -> str:
        name = f"{task_id}_when"
        while name in self.workflow.tasks:
            name += "_"
        self._add_task(ConditionOperator(task_id=name, condition=condition, if_true=task_id, if_false=None), **named)
        return name

    def _is_handler(self, task_id: str) -> bool:
        """Steps that are only called when another one ends: the chain goes past them."""
        named = ((other.on_failure_task_id, other.on_success_task_id) for other in self.workflow.tasks.values())
        return any(task_id in pair for pair in named)


def _id(step: str | Step) -> str:
    return step.task_id if isinstance(step, Step) else step
