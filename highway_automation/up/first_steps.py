"""What must stand before the parts start: the tables, tenant `default`, the first admin and where the product is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from highway_automation.base.clock import now
from highway_automation.base.db.files import copy_database, database_file
from highway_automation.installation import DEFAULT_TENANT
from highway_automation.up.examples import import_examples
from runs_app import sandbox
from tenants_app.actions import create_tenant, create_user, seed_api_url
from tenants_app.grants import EVERY_TOOL
from tenants_app.models import Tenant, User
from tenants_app.roles import Role

ADMIN = "admin"
ADMIN_EMAIL = f"{ADMIN}@localhost.localdomain"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Say = Callable[[str], None]


def first_steps(say: Say) -> None:
    migrate(say)
    tenant = default_tenant(say)
    first_admin(tenant, say)
    code_steps(say)


def migrate(say: Say) -> None:
    """Bring the tables up to date; an existing database file is copied first."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    if executor.loader.applied_migrations and (file := database_file()):
        say(f"Copied the database to {back_up(file)} before migrating it.")
    call_command("migrate", interactive=False, verbosity=0)


def back_up(file: Path) -> Path:
    target = Path(settings.VAR_DIR) / "backups" / f"{file.stem}-{now():%Y%m%dT%H%M%S.%fZ}{file.suffix}"
    copy_database(target)
    return target


def default_tenant(say: Say) -> Tenant:
    """The tenant a single user works in. Its API_URL follows the address this start serves."""
    tenant = Tenant.objects.filter(pk=DEFAULT_TENANT).first()
    if tenant is None:
        say(f"Created tenant {DEFAULT_TENANT}. It may use every built-in tool, shell commands included.")
        tenant = create_tenant(DEFAULT_TENANT, "Default", api_url=settings.HIGHWAY_BASE_URL, tools=EVERY_TOOL)
        import_examples(tenant, alert_email=ADMIN_EMAIL)
        say("Imported the examples: what they do stands on the pages of their schedules and triggers.")
        return tenant
    seed_api_url(tenant, settings.HIGHWAY_BASE_URL)
    return tenant


def first_admin(tenant: Tenant, say: Say) -> None:
    """A superuser on a new installation, with the password of HIGHWAY_ADMIN_PASSWORD or a random one, said once."""
    if User.objects.filter(is_superuser=True).exists():
        return
    chosen = os.environ.get("HIGHWAY_ADMIN_PASSWORD", "")
    password = chosen or secrets.token_urlsafe(12)
    create_user(
        email=ADMIN_EMAIL,
        username=ADMIN,
        password=password,
        check_password=False,
        tenant=tenant,
        role=Role.ADMIN,
        is_superuser=True,
    )
    say(f"First admin: user {ADMIN}, password {'as HIGHWAY_ADMIN_PASSWORD says' if chosen else password}")


def code_steps(say: Say) -> None:
    """Where no sandbox works, one person on their own machine may run code without; anybody else is told the cure."""
    if sandbox.available() is not None:
        return
    alone = User.objects.filter(is_active=True).count() <= 1
    if alone and urlsplit(settings.HIGHWAY_BASE_URL).hostname in LOOPBACK:
        settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE = True
    if settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE:
        say(f"{sandbox.MISSING} Until then code steps run unprotected, with your own rights.")
    else:
        say(f"{sandbox.MISSING} Until then steps with tools.code.exec fail.")
