"""A reference never becomes shell syntax."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from highway_automation.base.errors import Invalid
from runs_app.actions import store_definition
from runs_app.models import WorkflowDefinition
from tenants_app.models import Tenant
from tests.conftest import shell, workflow

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = [
    "$(touch {x})",
    '"; touch {x} #',
    "`touch {x}`",
    "a\nb",
    "'; touch {x}; '",
    "$HOME ${{HOME}} \\ * ?",
    "-n",
    "",
]
STATES = [
    "printf %s {{inputs.v}}",
    'printf %s "{{inputs.v}}"',
    "printf %s '{{inputs.v}}'",
    "cat <<END\n{{inputs.v}}\nEND\n",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("command", STATES)
def test_a_value_is_printed_back_byte_for_byte(
    run: Callable[..., Any], tmp_path: Path, command: str, value: str
) -> None:
    mark = tmp_path / "x"
    given = value.format(x=mark)
    ended = run(workflow(shell("a", command)), {"v": given})
    assert ended.status == "completed", ended.error
    printed = ended.result["output"]["stdout"]
    assert printed == (given + "\n" if command.startswith("cat") else given)
    assert not mark.exists()


@pytest.mark.parametrize(
    "command",
    [
        "echo $(( {{inputs.v}} + 1 ))",
        "bash -c 'echo {{inputs.v}}'",
        'sh -c "echo {{inputs.v}}"',
        "eval {{inputs.v}}",
        "ssh host {{inputs.v}}",
        "awk '{print {{inputs.v}}}'",
        "echo x | xargs {{inputs.v}}",
        "python3 -c 'print({{inputs.v}})'",
        "cat <<'END'\n{{inputs.v}}\nEND\n",
        "echo `echo {{inputs.v}}`",
        "bash <<< x; [[ {{inputs.v}} == x ]]",
        "echo $'{{inputs.v}}'",
    ],
)
def test_places_that_cannot_hold_a_value_safely_are_refused_with_the_cure(tenant: Tenant, command: str) -> None:
    with pytest.raises(Invalid) as refused:
        store_definition(tenant, workflow(shell("a", command)))
    assert "env" in refused.value.lines()
    assert not WorkflowDefinition.objects.for_tenant(tenant).exists()
