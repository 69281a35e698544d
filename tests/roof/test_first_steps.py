"""What `up` decides about code steps where no sandbox works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from highway_automation.up.first_steps import code_steps
from runs_app import sandbox
from tenants_app.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE = False
    settings.HIGHWAY_BASE_URL = "http://127.0.0.1:8000"
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox.available.cache_clear()
    yield
    sandbox.available.cache_clear()


def test_one_person_on_their_own_machine_is_told_and_may_go_on(
    no_sandbox: None, superuser: User, settings: Settings
) -> None:
    said: list[str] = []
    code_steps(said.append)
    assert settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE
    assert "apt-get install -y bubblewrap" in said[0] and "unprotected, with your own rights" in said[0]


def test_with_other_people_code_steps_fail(no_sandbox: None, superuser: User, alice: User, settings: Settings) -> None:
    said: list[str] = []
    code_steps(said.append)
    assert not settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE
    assert "Until then steps with tools.code.exec fail." in said[0]


def test_reached_from_elsewhere_code_steps_fail(no_sandbox: None, superuser: User, settings: Settings) -> None:
    settings.HIGHWAY_BASE_URL = "https://highway.example.com"
    code_steps(lambda line: None)
    assert not settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE


def test_with_a_sandbox_nothing_is_said_or_allowed(superuser: User, settings: Settings) -> None:
    settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE = False
    code_steps(pytest.fail)
    assert not settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE
