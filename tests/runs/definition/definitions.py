"""Small definitions to vary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_app import dialect
from runs_app.dialect import DefinitionError

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
CORPUS_FILES = sorted(path for path in CORPUS.glob("*.json") if path.name != "index.json")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def step(function: str = "tools.log.info", **more: Any) -> dict[str, Any]:
    return {"operator_type": "task", "function": function, **more}


def definition(**tasks: Any) -> dict[str, Any]:
    return {"name": "sample", "tasks": tasks}


def canonical_task(task: dict[str, Any], name: str = "a") -> Any:
    return dialect.canonical(definition(**{name: task}))["tasks"][name]


def problems(raw: Any) -> dict[str, str]:
    """Path → message of everything that is wrong with a definition."""
    with pytest.raises(DefinitionError) as caught:
        dialect.canonical(raw)
    return {problem.path: problem.message for problem in caught.value.problems}
