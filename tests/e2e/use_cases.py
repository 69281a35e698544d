"""A tenant for each use case: the examples imported, its own addresses, and servers to talk to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.product import Product
from tests.runs.tools.servers import Site

SETUP = """
import json
from highway_automation.up.examples import import_examples
from schedules_app.actions import pause_schedule
from schedules_app.models import ScheduledWorkflow
from tenants_app.actions import create_api_key, create_tenant, set_variable
from tenants_app.grants import EVERY_TOOL
keys = {{}}
for name in {names!r}:
    tenant = create_tenant(name, api_url={url!r}, tools=EVERY_TOOL)
    tenant.http_allow.append({here!r})
    tenant.save()
    import_examples(tenant, f"oncall@{{name}}.example")
    set_variable(tenant, "SLACK_WEBHOOK_URL", f"http://{here}/slack/{{name}}")
    for schedule in ScheduledWorkflow.objects.for_tenant(tenant).filter(enabled=True):
        pause_schedule(schedule, note="fired by hand")
    keys[name] = create_api_key(tenant, "tests", "admin")[1]
print(json.dumps(keys))
"""


def cases(product: Product, site: Site, names: list[str]) -> dict[str, Case]:
    script = SETUP.format(names=names, url=product.url, here=site.here)
    keys = json.loads(product.manage("shell", "-v", "0", "-c", script).splitlines()[-1])
    for name in names:
        site.answer(f"/slack/{name}", "ok")
    return {name: Case(name, product, site, product.api(key)) for name, key in keys.items()}


@dataclass
class Case:
    """One tenant, asked over the API as its owner would."""

    name: str
    product: Product
    site: Site
    api: httpx.Client

    def set(self, **values: str) -> None:
        for name, value in values.items():
            secret = name.endswith(("_KEY", "_PASSWORD"))
            body = {"name": name, "value": value, "secret": secret}
            answer = self.api.post("variables", json=body)
            if answer.status_code == 409:
                answer = self.api.put(f"variables/{name}", json={"value": value})
            assert answer.status_code in (200, 201), answer.text

    def schedule(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.api.get("schedules", params={"search": name}).json()["schedules"]
        return next(schedule for schedule in found if schedule["name"] == name)

    def fire(self, name: str) -> dict[str, Any]:
        """The schedule's workflow now, to its end."""
        answer = self.api.post(f"schedules/{self.schedule(name)['schedule_id']}/run")
        assert answer.status_code in (200, 202), answer.text
        return self.ended(answer.json()["workflow_run_id"])

    def run(self, template: str, **inputs: Any) -> str:
        answer = self.api.post(f"templates/{template}/run", json={"inputs": inputs})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["workflow_run_id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def final() -> bool:
            found.update(self.api.get(f"workflows/{run_id}").json())
            return found["status"] in ("completed", "failed", "cancelled")

        self.until(final, f"run {run_id} to end")
        return found

    def logs(self, run_id: str) -> str:
        return str(self.api.get(f"workflows/{run_id}/logs").json()["logs"])

    def until(self, holds: Callable[[], object], what: str) -> None:
        self.product.until(holds, f"{what} ({self.name})")

    @property
    def mails(self) -> list[str]:
        """Subjects of what its people on call got."""
        return [str(mail["Subject"]) for mail in self.product.mailbox.messages(f"{self.name}.example")]

    @property
    def posts(self) -> list[str]:
        """What was posted to its channel."""
        received = [it for it in self.site.received if it.path == f"/slack/{self.name}"]
        return [str(json.loads(it.body)["text"]) for it in received]

    def alerted(self, title: str) -> None:
        """Exactly one mail and one post with this title."""
        self.until(lambda: title in self.mails and any(title in text for text in self.posts), f"the alert {title!r}")
        assert (self.mails.count(title), sum(title in text for text in self.posts)) == (1, 1)
