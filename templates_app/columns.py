"""Templates in files: their columns, and what of a template goes into them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from highway_automation.base.bulk.columns import DEFINITION, Layout, Type
from highway_automation.base.bulk.sources import Unreadable
from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON
from runs_app import dsl
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant


def wrapped(found: dict[str, JSON]) -> tuple[dict[str, JSON], bool]:
    """A bare definition becomes a template of its own name, description and tags."""
    if "tasks" in found and DEFINITION not in found:
        return {
            **{key: found[key] for key in ("name", "description", "tags") if found.get(key)},
            DEFINITION: found,
        }, True
    definition = found.get(DEFINITION)
    if "name" not in found and isinstance(definition, dict) and definition.get("name"):
        return {"name": definition["name"], **found}, False
    return found, False


LAYOUT = Layout(
    kind="template",
    plural="templates",
    columns={
        "name": Type.TEXT,
        "description": Type.TEXT,
        "category": Type.TEXT,
        "tags": Type.TAGS,
        "enabled": Type.TRUTH,
        "input_schema": Type.JSON,
        DEFINITION: Type.JSON,
    },
    wrap=wrapped,
)


def compiled(text: str, file: str, trusted: bool) -> list[JSON]:
    """Every definition that a program builds; what somebody uploaded runs in a sandbox. Raises Unreadable."""
    try:
        return dsl.compile_all(text, file, trusted=trusted)
    except HighwayError as error:
        raise Unreadable(file, error.message.removeprefix(f"{file}: ")) from None


def values_of(template: WorkflowTemplate) -> dict[str, Any]:
    return {name: getattr(template, name) for name in LAYOUT.columns}


def targeted_values(row: Any, layout: Layout) -> dict[str, Any]:
    """The columns of what starts a template or a definition of its own; of these two the one it has."""
    values = {name: getattr(row, name) for name in layout.columns}
    values["template"] = row.template.name if row.template else None
    absent = (DEFINITION,) if row.template else ("template", "template_version")
    return {name: value for name, value in values.items() if name not in absent}


def rows_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Every template of a tenant, by name."""
    rows = WorkflowTemplate.objects.for_tenant(tenant)
    return sorted(map(values_of, rows), key=itemgetter("name"))
