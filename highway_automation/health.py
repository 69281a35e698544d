"""Is the product well? For load balancers, Highway's own clients and people; open to all, so it names no tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.http import require_safe

from highway_automation import __version__
from highway_automation.base.clock import lease_now
from runs_app.models import Worker

State = Literal["healthy", "degraded", "unhealthy"]
Check = dict[str, Any]
BROKER_SECONDS = 1


@require_safe
def ping(request: HttpRequest) -> JsonResponse:
    """The web process answers; nothing else is asked."""
    return JsonResponse({"status": "success", "data": "pong"})


@require_safe
def version(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "success", "data": {"version": __version__}})


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 while work is accepted: `healthy`, or `degraded` when something that does the work is missing; else 503."""
    checks = all_checks()
    state = overall(checks)
    data = {"status": state, "version": __version__, "checks": checks}
    return JsonResponse({"status": "success", "data": data}, status=503 if state == "unhealthy" else 200)


def all_checks() -> dict[str, Check]:
    checks = {"database": guarded("unhealthy", database)}
    if checks["database"]["status"] == "healthy":
        checks["scheduler"] = guarded("degraded", lambda: alive("scheduler"))
        checks["workers"] = guarded("degraded", lambda: alive("worker"))
    checks["broker"] = guarded("degraded", broker)
    return checks


def overall(checks: dict[str, Check]) -> State:
    """As bad as the worst check."""
    order: tuple[State, ...] = ("unhealthy", "degraded", "healthy")
    return next(state for state in order if state == "healthy" or any(c["status"] == state for c in checks.values()))


def guarded(worst: State, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # whatever a driver raises, the answer is that this part does not work
        return {"status": worst, "message": type(error).__name__}


def database() -> Check:
    connection.ensure_connection()
    if not connection.is_usable():
        connection.close()
        raise DatabaseError
    return {"status": "healthy"}


def broker() -> Check:
    """Without a broker work goes on, found by the schedulers' sweep; only later."""
    with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as link:
        link.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    return {"status": "healthy", "transport": str(link.transport_cls)}


def alive(kind: str) -> Check:
    """How many processes of this kind sent a heartbeat within a lease."""
    since = lease_now() - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS)
    count = Worker.objects.filter(kind=kind, heartbeat_at__gte=since).count()
    return {"status": "healthy" if count else "degraded", "alive": count}


urlpatterns = [
    re_path(r"^ping/?$", ping),
    re_path(r"^(?:api/v1/)?health/?$", health),
    re_path(r"^(?:api/v1/)?version/?$", version),
]
