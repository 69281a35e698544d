"""What a trigger starts: the version of its template, or its own definition, and the inputs for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from highway_automation.base.db.untrusted_json import Unreadable
from highway_automation.base.errors import Conflict, Invalid
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from runs_app.actions import store_definition
from runs_app.models import WorkflowDefinition
from templates_app.actions.versions import pinned_or_current, version_to_start
from templates_app.models import TemplateVersion, WorkflowTemplate
from triggers_app.mapping import map_inputs
from triggers_app.models import Event, EventTrigger


@dataclass(frozen=True)
class Start:
    """All that `submit_run` needs to know of the target."""

    definition: WorkflowDefinition
    inputs: JSON
    workflow_name: str | None = None
    version: int | None = None


@dataclass
class Targets:
    """Looks up what triggers start; each version of a template once, so keep one for a batch."""

    versions: dict[tuple[UUID, int], TemplateVersion | None] = field(default_factory=dict)

    def start(self, trigger: EventTrigger, event: Event) -> Start:
        """What this event starts. Raises whatever keeps it from starting: Invalid, Conflict, ExpressionError."""
        inputs = self.inputs(trigger, event)
        if trigger.template is None:
            return Start(trigger.definition or _stored(trigger), inputs)
        version = self.version(trigger.template, trigger.template_version)
        return Start(version.definition, inputs, trigger.template.name, version.number)

    def inputs(self, trigger: EventTrigger, event: Event) -> JSON:
        """The run's inputs, checked and filled by the template's schema. Raises as `start` does."""
        if not trigger.tenant.enabled:
            raise Conflict("The tenant is stopped.")
        if trigger.template is not None and not trigger.template.enabled:
            raise Conflict(f"Template {trigger.template.name} is disabled.")
        inputs = map_inputs(trigger.input_mapping, event)
        if not isinstance(inputs, dict):
            raise Invalid("The event's payload is no JSON object, so it cannot be a run's inputs.")
        return inputs if trigger.template is None else fill_and_validate(self.schema(trigger), inputs)

    def schema(self, trigger: EventTrigger) -> JSON:
        """A template's columns are those of its current version."""
        template, pinned = trigger.template, trigger.template_version
        assert template is not None  # noqa: S101 - the caller asked
        return template.input_schema if pinned is None else self.version(template, pinned).input_schema

    def version(self, template: WorkflowTemplate, pinned: int | None) -> TemplateVersion:
        """The pinned version, else the current one. Raises Invalid when there is none."""
        return version_to_start(template, pinned, self._find)

    def _find(self, template: WorkflowTemplate, pinned: int | None) -> TemplateVersion | None:
        key = (template.pk, template.version if pinned is None else pinned)
        if key not in self.versions:
            self.versions[key] = pinned_or_current(template, pinned)
        return self.versions[key]


def _stored(trigger: EventTrigger) -> WorkflowDefinition:
    """The definition of a row written by SQL, which no verb has stored. Raises Invalid."""
    if isinstance(trigger.workflow_definition, Unreadable):
        raise Invalid(f"workflow_definition: {trigger.workflow_definition.reason}")
    trigger.definition, _warnings = store_definition(trigger.tenant, trigger.workflow_definition)
    return trigger.definition
