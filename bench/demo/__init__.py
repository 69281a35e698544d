"""An installation that looks like a shop after a day of work. The product runs in this process, and its clock moves."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
PASSWORD = "demo demo demo"
STEP_MINUTES = 30
HOURS = 23
PEOPLE = [
    ("grace", "Grace Hopper", "admin"),
    ("linus", "Linus Pauling", "editor"),
    ("ada", "Ada Lovelace", "operator"),
    ("emmy", "Emmy Noether", "viewer"),
]
CUSTOMERS = ["Jürgen Müller", "Zoë O'Neill", "Ana García", "Søren Kjær", "Łukasz Nowak"]
REASONS = ["The parcel arrived broken.", "Ordered twice by mistake.", "The size does not fit, goods are back."]
# On the first look nothing answers what these examples ask: the product itself is not running yet.
ASKS_THE_PRODUCT = ("website_uptime", "worker_health", "overdue_approvals")


def prepare(folder: Path, port: int) -> None:
    """Point this process, and those it starts, at a new installation in this folder."""
    from highway_automation import installation

    os.environ |= {
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "HIGHWAY_DEBUG": "1",
        "HIGHWAY_CLOCK_OFFSET_FILE": str(folder / "clock-offset"),
        "HIGHWAY_ADMIN_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "highway_automation.settings",
    }
    installation.prepare()
    import django

    django.setup()


def seed(say: Callable[[str], None], hours: int = HOURS) -> None:
    """Fill the installation that `prepare` made: the examples, the shop, and so many hours of runs."""
    from django.core.management import call_command

    from highway_automation.up.first_steps import first_steps
    from schedules_app.actions import pause_schedule, resume_schedule
    from schedules_app.models import ScheduledWorkflow
    from tenants_app.actions import create_api_key, create_user, set_variable
    from tenants_app.models import Tenant, User

    clock(hours=hours)
    first_steps(say)
    tenant = Tenant.objects.get(pk="default")
    for kind in ("templates", "schedules", "triggers"):
        path = str(FOLDER / f"{kind}.yaml")
        call_command(f"import_{kind}", path, tenant=tenant.pk, stdout=io.StringIO(), stderr=io.StringIO())
    for name, whole, role in PEOPLE:
        first, last = whole.split()
        create_user(
            email=f"{name}@shop.example", username=name, password=PASSWORD, tenant=tenant, role=role,
            first_name=first, last_name=last,
        )  # fmt: skip
    root = User.objects.get(username="admin")
    create_api_key(tenant, "web shop", "operator", actor=root, description="Sends order_paid and refund_requested.")
    set_variable(tenant, "REPORT_EMAIL", "sales@shop.example")
    for name in ASKS_THE_PRODUCT:
        pause_schedule(ScheduledWorkflow.objects.for_tenant(tenant).get(name=name))
    live(tenant, say, hours)
    for name in ASKS_THE_PRODUCT:
        resume_schedule(ScheduledWorkflow.objects.for_tenant(tenant).get(name=name))


def clock(hours: float) -> None:
    """The product's clock stands so many hours back."""
    from django.conf import settings

    Path(settings.HIGHWAY_CLOCK_OFFSET_FILE).write_text(str(-timedelta(hours=hours).total_seconds()))


def now_minus(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def live(tenant: Any, say: Callable[[str], None], hours: int) -> None:
    chance = random.Random(254)  # noqa: S311
    moments = hours * 60 // STEP_MINUTES
    for step in range(moments + 1):
        clock(hours=hours - step * STEP_MINUTES / 60)
        happen(tenant, chance, step)
        work()
        if step % 10 == 0:
            say(f"hour {step * STEP_MINUTES / 60:.0f} of {hours}")


def happen(tenant: Any, chance: random.Random, step: int) -> None:
    """Orders come in, most of them by day; now and then somebody wants money back."""
    from highway_automation.base.clock import now
    from triggers_app.actions import emit_event

    for number in range(chance.randint(0, 3 if 7 <= now().hour <= 21 else 1)):
        paid: dict[str, Any] = {
            "order": f"A-{4000 + step * 10 + number}",
            "country": chance.choice(["DE", "DE", "DE", "AT", "FR"]),
            "amount": chance.randint(5, 240),
            "email": f"customer{step}{number}@mail.example",
        }
        emit_event(tenant, "order_paid", paid, source="web-shop", subject=paid["order"])
    if step % 9 == 4:
        back = {
            "order": f"A-{3000 + step}",
            "amount": chance.randint(60, 480) + 50,
            "customer": CUSTOMERS[step // 9 % len(CUSTOMERS)],
            "reason": REASONS[step // 9 % len(REASONS)],
        }
        emit_event(tenant, "refund_requested", back, source="web-shop", subject=str(back["order"]))


def work() -> None:
    """All that is due now, as schedulers and workers do it."""
    from runs_app.actions import sweep
    from runs_app.engine.process import run_until_idle
    from schedules_app.actions import fire_due
    from triggers_app.actions import dispatch_events

    fire_due()
    dispatch_events()
    while True:
        sweep()
        if not run_until_idle() + dispatch_events():
            return
