"""What a step sees: its names, its arguments with references bound, and the tool it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings

from highway_automation.base import clock, safe_json
from highway_automation.base.safe_json import JSON
from runs_app import past
from runs_app.engine.claim import Claim
from runs_app.engine.masking import Mask
from runs_app.engine.tail import Tail
from runs_app.engine.wake import Happened
from runs_app.expressions import (
    BindError,
    Names,
    bind_argv,
    bind_code,
    bind_headers,
    bind_shell,
    bind_url,
    evaluate,
    header,
    resolve,
)
from runs_app.outcomes import Failed, Outcome, Parked, Succeeded
from runs_app.statuses import StepStatus
from runs_app.tools import Park, Tool, ToolContext, ToolError, broken_tools, find_tool
from runs_app.tools.mail_rendering import bind_html
from tenants_app import tokens
from tenants_app.grants import may_use
from tenants_app.variables import secrets_of, variables_of


class StepScope:
    """One attempt at one step, as its operator and tool see it. Reads the database only for variables and secrets."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.task = claim.task
        self._tail = Tail()
        self.context = self._context()
        self.input: JSON = None
        self.called = False

    # What operators ask ---------------------------------------------------------------------------------------------
    def resolve(self, value: JSON) -> JSON:
        return resolve(value, self._names())

    def holds(self, condition: str) -> bool:
        return evaluate(condition, self._names())

    def now(self) -> datetime:
        return clock.now()

    def came(self, event: str) -> Happened | None:
        """What came for this step while it was parked, else an event of that name that came before."""
        run, start = self.claim.run, self.claim.start
        parked = past.given(run, start.path) if start.parked is not None else None
        return parked or past.find(run, event)

    def call(self, tool: str, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> Outcome:
        found = self._granted(tool)
        if isinstance(found, Failed):
            return found
        try:
            self.input = self._arguments(found, args, kwargs)
        except BindError as error:
            return Failed(str(error), permanent=True)
        return self._outcome(lambda: found.run(self.input, self.context))

    def resume(self, tool: str, state: JSON) -> Outcome:
        found = self._granted(tool)
        if isinstance(found, Failed):
            return found
        resume = found.resume
        if resume is None:
            return Failed(f"{tool} cannot go on after waiting.", permanent=True)
        return self._outcome(lambda: resume(state, self.context))

    def succeed(self, output: JSON) -> Succeeded | Failed:
        size, limit = safe_json.size(safe_json.clean(output)), settings.HIGHWAY_STEP_OUTPUT_BYTES
        if size > limit:
            return Failed(f"The output has {size} bytes; at most {limit} can be stored.", permanent=True)
        return Succeeded(output)

    # What the engine stores -----------------------------------------------------------------------------------------
    @property
    def masked_input(self) -> JSON:
        return self.mask.value(safe_json.clean(self.input))

    def storable(self, output: JSON) -> JSON:
        return self.mask.value(safe_json.clean(output))

    def masked(self, text: str) -> str:
        return self.mask.text(str(safe_json.clean(text)))

    def take_log(self) -> str | None:
        """The tail of what the step logged, when there is something that was not taken before."""
        tail = self._tail.take()
        return None if tail is None else self.masked(tail)

    # Tools ----------------------------------------------------------------------------------------------------------
    def _granted(self, name: str) -> Tool | Failed:
        tool = find_tool(name)
        if tool is None:
            why = broken_tools().get(name)
            return Failed(f"There is no tool {name}{f' that works: {why}' if why else ''}.", permanent=True)
        if not may_use(self.claim.tenant.allowed_tools, name):
            tenant_id = self.claim.tenant.pk
            message = (
                f'Tenant {tenant_id} may not use {name}; a superuser adds "{name}" to its allowed tools under Tenants.'
            )
            return Failed(message, permanent=True)
        return tool

    def _arguments(self, tool: Tool, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> dict[str, JSON]:
        named, more = args[: len(tool.positional)], list(args[len(tool.positional) :])
        if more and not tool.rest:
            raise BindError(f"{tool.name} takes at most {len(tool.positional)} positional arguments, not {len(args)}.")
        given = {**dict(zip(tool.positional, named, strict=False)), **({tool.rest: more} if more else {}), **kwargs}
        names, plain = self._names(secrets=True), self._names()
        env: dict[str, str] = {}
        bound = {}
        for name, value in given.items():
            kind = tool.bind.get(name, "")
            bound[name] = _bound(value, kind, plain if kind == "text" else names, env)
        own = bound.get("env") or {}
        if env and isinstance(own, dict):
            bound["env"] = {**own, **env}
        return bound

    def _outcome(self, call: Callable[[], JSON | Park]) -> Outcome:
        self.called = True
        try:
            output = call()
        except ToolError as error:
            return Failed(error.message, permanent=error.permanent, output=error.output)
        if isinstance(output, Park):
            return Parked(output.until, output.state, note=output.note)
        return self.succeed(output)

    def _context(self) -> ToolContext:
        claim, start = self.claim, self.claim.start
        key = f"{claim.run.pk}:{start.path}"
        return ToolContext(
            tenant_id=claim.branch.tenant_id,
            run_id=claim.run.pk,
            workflow_name=claim.run.workflow_name,
            path=start.path,
            attempt=start.attempt,
            step_key=key,
            timeout=self.task["timeout"],
            log=self._tail.append,
            masked=self.masked,
            storable=self.storable,
            read=claim.prepared.keys_read.get(start.path, frozenset()),
            followed=start.path in claim.prepared.followed,
            check_auto=start.path in claim.prepared.judged_steps,
            http_allow=tuple(claim.tenant.http_allow),
            viewer_token=lambda: tokens.issue(claim.branch.tenant_id, claim.run.pk, key),
            inputs={**(claim.prepared.body.get("variables") or {}), **claim.run.inputs},
        )

    # Names ----------------------------------------------------------------------------------------------------------
    def _names(self, *, secrets: bool = False) -> Names:
        run, prepared = self.claim.run, self.claim.prepared
        results = self.claim.results
        done = {path: result for path, result in results.items() if result.status == StepStatus.SUCCEEDED}
        return Names(
            inputs=run.inputs,
            definition_variables=prepared.body.get("variables") or {},
            run_variables=run.variables,
            results={key: done[path].output for path, key in prepared.result_keys.items() if path in done},
            steps={path: self._about(path) for path in results},
            loop=self._handled_failure(),
            run={
                "id": str(run.pk),
                "workflow_name": run.workflow_name,
                "status": run.status,
                "started_at": run.started_at.isoformat() if run.started_at else None,
            },
            event=run.context.get("event"),
            schedule=run.context.get("schedule"),
            env=self._environment,
            secrets=self._secrets.__getitem__ if secrets else None,
            ds=run.context.get("ds") or run.created_at.isoformat(),
        )

    def _about(self, path: str) -> dict[str, JSON]:
        result = self.claim.results[path]
        about = {"status": result.status, "error": result.error}
        has_output = result.status == StepStatus.SUCCEEDED or result.output is not None
        return {**about, "output": result.output} if has_output else about

    def _handled_failure(self) -> dict[str, JSON]:
        """What a failure handler may read of the step that failed."""
        here, tasks = self.claim.start.path, self.claim.prepared.tasks
        for path, result in self.claim.results.items():
            if result.status == StepStatus.FAILED and tasks[path]["on_failure_task_id"] == here:
                return {"failed_task_id": tasks[path].get("part_of", path), "error_message": result.error}
        return {}

    def _environment(self, name: str) -> str:
        variables = self._variables
        if name in variables:
            return variables[name]
        value: str = settings.HIGHWAY_ENV[name]
        return value

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        return variables_of(self.claim.branch.tenant_id)

    @cached_property
    def _secrets(self) -> Mapping[str, str]:
        names = self.claim.prepared.secret_names
        return secrets_of(self.claim.branch.tenant_id, names) if names else {}

    @cached_property
    def mask(self) -> Mask:
        return Mask(self._secrets.values())


def _bound(value: JSON, kind: str, names: Names, env: dict[str, str]) -> Any:
    """The argument with its references bound as its place demands: none of them can become syntax."""
    if kind == "shell":
        return _bound_command(value, names, env)
    if kind == "code" and isinstance(value, str):
        return bind_code(value, names)
    if kind == "url" and isinstance(value, str):
        return bind_url(value, names)
    if kind == "headers":
        return bind_headers(value, names)
    if kind == "html":
        return bind_html(value, names)
    resolved = resolve(value, names)
    return header(resolved) if kind == "header" and isinstance(value, str) and isinstance(resolved, str) else resolved


def _bound_command(value: JSON, names: Names, env: dict[str, str]) -> Any:
    """A command line as text, or its words as a list; the values of references travel in `env`."""
    if isinstance(value, str):
        command = bind_shell(value, names)
        env.update(command.env)
        return command.command
    if isinstance(value, list):
        words = bind_argv(value, names)
        env.update(words.env)
        return words.argv
    return resolve(value, names)
