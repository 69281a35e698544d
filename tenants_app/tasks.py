from __future__ import annotations

from celery import shared_task

from tenants_app import actions


@shared_task(ignore_result=True)
def adopt_users_without_tenant() -> None:
    """Housekeeping; several may run at once, each user is adopted by one."""
    actions.adopt_users_without_tenant()


@shared_task(ignore_result=True)
def send_queued_mail() -> None:
    actions.send_queued_mail()


@shared_task(ignore_result=True)
def forget_account_mail() -> None:
    """Housekeeping: mail that belongs to no tenant, which the tenants' retention does not reach."""
    actions.forget_account_mail()


@shared_task(ignore_result=True)
def forget_counts() -> None:
    """Housekeeping: counts of limits whose time is over, and the sign-ins of long ago."""
    actions.forget_counts()


@shared_task(ignore_result=True)
def forget_traces() -> None:
    """Housekeeping: old entries of the audit log and sessions that are over."""
    actions.forget_traces()
