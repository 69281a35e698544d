from __future__ import annotations

from celery import shared_task

from tenants_app import actions


@shared_task(ignore_result=True)
def adopt_users_without_tenant() -> None:
    """Housekeeping; several may run at once, each user is adopted by one."""
    actions.adopt_users_without_tenant()
