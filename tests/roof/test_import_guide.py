"""The examples of the user guide's chapter on importing do what it says."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from highway_automation.kinds import KINDS
from schedules_app.models import ScheduledWorkflow
from tenants_app.models import Tenant
from tests.layout import ROOT

EXAMPLE = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.M | re.S)
GUIDE = (ROOT / "docs" / "user-guide.md").read_text()


def run(command: str, *words: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command(command, *map(str, words), "--tenant", "acme", "--json", stdout=out, stderr=io.StringIO())
    return dict(json.loads(out.getvalue()))


def test_the_examples_are_imported_in_the_order_of_the_guide(tenant: Tenant, tmp_path: Path) -> None:
    files = dict(EXAMPLE.findall(GUIDE))
    for (plural, count), name in zip({"templates": 1, "schedules": 2, "triggers": 1}.items(), files, strict=True):
        (tmp_path / name).write_text(files[name])
        assert run(f"import_{plural}", tmp_path / name)["counts"] == {"create": count, "update": 0, "unchanged": 0}
        assert run(f"import_{plural}", tmp_path / name)["counts"] == {"create": 0, "update": 0, "unchanged": count}
    nine = ScheduledWorkflow.objects.for_tenant(tenant).get(name="greet at nine")
    assert (nine.inputs, nine.timezone) == ({"who": "team"}, "Europe/Berlin")


@pytest.mark.parametrize("plural", KINDS)
def test_the_guide_lists_every_column(plural: str) -> None:
    line = next(line for line in GUIDE.splitlines() if line.startswith(f"| {plural} |"))

    assert set(re.findall(r"`(\w+)`", line)) - {"definition_file"} == set(KINDS[plural].LAYOUT.columns)
