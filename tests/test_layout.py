"""The house keeps its shape. Every rule is also shown a snippet it must refuse, so that none passes by being blind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests import layout
from tests.layout import Module

MODULES = layout.product()
# A path of one person's machine has no place in a project that others clone.
PRIVATE_PATH = re.compile(
    "|".join([f"{re.escape(str(p))}/" for p in (layout.ROOT, Path.home())] + ["/(?:home|Users)/"])
)

REFUSED = [
    (layout.imports_point_down, "runs_app/a.py", "from templates_app.models import X"),
    (layout.imports_point_down, "schedules_app/a.py", "def f():\n    import triggers_app.models"),
    (layout.imports_point_down, "highway_automation/base/a.py", "from highway_automation import settings"),
    (
        layout.imports_point_down,
        "tenants_app/api/a.py",
        "from ...runs_app import actions\nfrom runs_app import actions",
    ),
    (layout.keys_point_down, "runs_app/models/a.py", "x = models.ForeignKey('templates_app.WorkflowTemplate')"),
    (layout.keys_point_down, "runs_app/migrations/0001_a.py", "dependencies = [('triggers_app', '0001_initial')]"),
    (layout.doors_write_nothing, "runs_app/admin/run.py", "obj.save()"),
    (layout.doors_write_nothing, "runs_app/api.py", "Run.objects.all_tenants().bulk_create([])"),
    (layout.doors_write_nothing, "runs_app/tasks.py", "qs.adelete()"),
    (layout.doors_write_nothing, "highway_automation/management/commands/up.py", "qs.update(a=1)"),
    (layout.doors_write_nothing, "runs_app/api.py", "self.update(request)"),
    (layout.one_clock, "runs_app/a.py", "from datetime import datetime as d\nd.now()"),
    (layout.one_clock, "runs_app/a.py", "import time as t\nt.time()"),
    (layout.one_clock, "runs_app/a.py", "from django.utils import timezone\nx = Field(default=timezone.now)"),
    (layout.one_clock, "runs_app/a.py", "from django.db.models.functions import Now"),
    (layout.one_clock, "runs_app/a.py", "x = models.DateTimeField(auto_now_add=True)"),
    (layout.vendors_stay_in_base_db, "runs_app/a.py", "connection.vendor"),
    (layout.vendors_stay_in_base_db, "runs_app/a.py", "if engine == 'sqlite': pass"),
    (layout.vendors_stay_in_base_db, "runs_app/a.py", "from highway_automation.base.db import is_postgres"),
    (layout.vendors_stay_in_base_db, "runs_app/a.py", "from django.contrib.postgres.fields import ArrayField"),
    (layout.plain_manager_is_for_bases, "runs_app/a.py", "Run.plain.count()"),
    (layout.plain_manager_is_for_bases, "runs_app/a.py", "Run._default_manager.count()"),
    (layout.engine_knows_no_operator, "runs_app/engine/a.py", "if kind == 'foreach': pass"),
    (layout.engine_knows_no_operator, "runs_app/engine/a.py", "from runs_app.operators.wait import run"),
]


@pytest.mark.parametrize("rule", layout.RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule: layout.Rule) -> None:
    problems = [problem for module in MODULES.values() for problem in rule(module)]

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("rule", "path", "source"), REFUSED)
def test_a_rule_refuses_what_it_forbids(rule: layout.Rule, path: str, source: str) -> None:
    assert list(rule(Module(path, source)))


def test_rules_allow_what_the_house_does() -> None:
    allowed = [
        Module(
            "runs_app/actions.py",
            "from tenants_app.models import Tenant\nfrom highway_automation.base import clock\nrow.save()",
        ),
        Module("runs_app/engine/drive.py", "from runs_app.operators import REGISTRY\nthread.join()\nclock.now()"),
        Module("tenants_app/api/base.py", "X.plain.all()"),
        Module("runs_app/api.py", "class V:\n def update(self): ...\n def put(self): self.update()"),
        Module("highway_automation/base/db.py", "connection.vendor == 'postgresql'"),
        Module("runs_app/a.py", '"""Works on postgres and sqlite."""\nimport time\ntime.monotonic()'),
    ]

    assert [problem for module in allowed for rule in layout.RULES for problem in rule(module)] == []


def pure_modules() -> list[str]:
    return sorted(name for name in MODULES if layout.within(name, layout.PURE))


def test_pure_modules_know_no_database_clock_or_django() -> None:
    problems = [problem for name in pure_modules() for problem in layout.impure(name, MODULES)]

    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", sorted(layout.PURE))
def test_every_pure_module_stands(name: str) -> None:
    assert name in MODULES


def test_purity_is_checked_through_other_modules() -> None:
    modules = [
        Module("runs_app/plan.py", "from runs_app import helpers"),
        Module("runs_app/helpers.py", "from django.db import models"),
    ]

    assert list(layout.impure("runs_app.plan", {m.name: m for m in modules})) == [
        "runs_app.plan → runs_app.helpers → django.db.models"
    ]


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=layout.ROOT, capture_output=True, check=True, text=True
    ).stdout
    files = [layout.ROOT / name for name in listed.split("\0") if name and name != "tests/test_layout.py"]
    named = [f"{path}: {hit.group()}" for path in files if path.exists() for hit in private_paths(path.read_bytes())]

    assert not named, "\n".join(named)


def private_paths(content: bytes) -> list[re.Match[str]]:
    return list(PRIVATE_PATH.finditer(content.decode(errors="ignore")))


def test_a_private_path_is_seen() -> None:
    assert private_paths(b"see /home/ada/notes")
