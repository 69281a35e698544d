"""Which names a reference can see, and which one wins when several layers have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from highway_automation.base.safe_json import JSON

from .errors import MissingName, NotAllowed
from .template import Path, dotted
from .values import walk

Lookup: TypeAlias = Callable[[Path], JSON]
Layer: TypeAlias = Mapping[str, JSON]

NAMESPACES = frozenset({"input", "inputs", "steps", "run", "workflow", "event", "schedule", "env", "ENV", "secrets"})
SINGLE_NAMES = frozenset(
    {"workflow_run_id", "workflow_id", "ds", "item", "current_item", "index", "failed_task_id", "error_message"}
)
STEP_FIELDS = frozenset({"output", "status", "error"})
_SEALED = frozenset({"env", "ENV", "secrets"})


@dataclass(frozen=True)
class Names:
    """A Lookup over the layers of a run: `Names(inputs=…, steps=…)(("steps", "probe", "output"))`.

    A bare name is sought in `loop` (item, index, and in a failure handler failed_task_id and error_message), then
    among results (by result_key, then by task id), in variables set at run time, in the run's inputs, in the
    definition's variables. `inputs.k` sees the definition's variables overlaid with the run's inputs. `steps` maps a
    task id to its {"output", "status", "error"}. `env` and `secrets` answer for one name and raise KeyError or
    MissingName; `secrets=None` refuses secrets, as everywhere outside a tool's arguments.
    """

    inputs: Layer = field(default_factory=dict)
    definition_variables: Layer = field(default_factory=dict)
    run_variables: Layer = field(default_factory=dict)
    results: Layer = field(default_factory=dict)
    steps: Mapping[str, Layer] = field(default_factory=dict)
    loop: Layer = field(default_factory=dict)
    run: Layer = field(default_factory=dict)
    event: Layer | None = None
    schedule: Layer | None = None
    env: Callable[[str], str] | None = None
    secrets: Callable[[str], str] | None = None
    ds: str | None = None

    def __call__(self, path: Path) -> JSON:
        """The value at `path`. Raises MissingName, or NotAllowed for a secret where secrets may not be read."""
        root = str(path[0])
        if root in _SEALED:
            return self._sealed(path)
        if root not in NAMESPACES:
            return self._bare(path)
        try:
            return walk(path[1:], self._namespace(root), start=path[:1])
        except MissingName:
            if not self._has_bare(root):
                raise
            return self._bare(path)

    def _namespace(self, root: str) -> JSON:
        if root in ("input", "inputs"):
            return {**self.definition_variables, **self.inputs}
        if root == "workflow":
            about_run = {"run_id": self.run.get("id"), "name": self.run.get("workflow_name")}
            return {**about_run, **self.definition_variables, **self.run_variables}
        namespaces: dict[str, JSON] = {
            "steps": self.steps, "run": self.run, "event": self.event, "schedule": self.schedule
        }  # fmt: skip
        found = namespaces[root]
        if found is None:
            raise MissingName(root)
        return found

    def _bare(self, path: Path) -> JSON:
        root = str(path[0])
        value = self._bare_value(root)
        if path[1:2] == ("output",) and not (isinstance(value, Mapping) and "output" in value):
            return walk(path[2:], value, start=path[:2])
        return walk(path[1:], value, start=path[:1])

    def _bare_value(self, root: str) -> JSON:
        for layer in (self.loop, self.results):
            if root in layer:
                return layer[root]
        if root in self.steps and "output" in self.steps[root]:
            return self.steps[root]["output"]
        for layer in (self.run_variables, self.inputs, self.definition_variables):
            if root in layer:
                return layer[root]
        return self._single(root)

    def _single(self, root: str) -> JSON:
        if root == "current_item" and "item" in self.loop:
            return self.loop["item"]
        if root in ("workflow_run_id", "workflow_id") and "id" in self.run:
            return self.run["id"]
        if root == "ds":
            if self.ds is not None:
                return self.ds
            if "data_interval_start" in self.inputs:
                return self.inputs["data_interval_start"]
        raise MissingName(root)

    def _has_bare(self, root: str) -> bool:
        try:
            self._bare_value(root)
        except MissingName:
            return False
        return True

    def _sealed(self, path: Path) -> JSON:
        name = dotted(path)
        if path[0] == "secrets" and self.secrets is None:
            raise NotAllowed(f"`{name}` may only be read in the arguments of a tool.")
        source = self.secrets if path[0] == "secrets" else self.env
        if source is None or len(path) < 2:
            raise MissingName(name)
        try:
            value = source(str(path[1]))
        except (KeyError, MissingName):
            raise MissingName(dotted(path[:2])) from None
        return walk(path[2:], value, start=path[:2])
